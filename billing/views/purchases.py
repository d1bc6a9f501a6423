"""The pages of one purchase: its state, and its refund. For admins only."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from billing.models import Purchase, Refund
from billing.payments import purchases, refunds
from billing.providers.types import ProviderError
from billing.receipts import receipts
from common.money import format_cents
from common.web.http import AuthedRequest

from .forms import RefundForm

#: Seconds between two syncs of one page with the payment provider. In between, it shows the stored state.
SYNC_INTERVAL = 1


@login_required
@never_cache
@require_GET
def purchase_return(request: AuthedRequest) -> HttpResponse:
    """Return from the payment page. The visit proves nothing, so the state comes from the provider."""
    purchase = get_object_or_404(Purchase.objects.visible_to(request.user), provider_session=request.GET.get("s", ""))
    return _purchase_page(request, purchase)


@login_required
@never_cache
@require_GET
def show_purchase(request: AuthedRequest, purchase_id: UUID) -> HttpResponse:
    """Show the state of a purchase. The page polls while the purchase is pending."""
    return _purchase_page(request, get_object_or_404(Purchase.objects.visible_to(request.user), pk=purchase_id))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])  # GET: the payment page's "back" is a link
def cancel_purchase(request: AuthedRequest, purchase_id: UUID) -> HttpResponse:
    """Close the payment page, so that an old tab cannot pay an outdated quote. From the history, return there."""
    purchase = get_object_or_404(Purchase.objects.visible_to(request.user), pk=purchase_id)
    from_history = "history" in request.POST
    try:
        purchase = purchases.cancel(purchase)
    except ProviderError:
        messages.warning(request, "Couldn't close the payment page. You can still pay there until it expires.")
    else:
        if from_history:
            _tell_outcome(request, purchase)
    return redirect(f"{reverse('billing:credits')}#history" if from_history else purchase)


def _tell_outcome(request: AuthedRequest, purchase: Purchase) -> None:
    amount = format_cents(purchase.credit_cents)
    if purchase.state == Purchase.State.CANCELED:
        messages.success(request, f"Purchase of {amount} canceled. You can't pay for it any more.")
    elif purchase.state == Purchase.State.CREDITED:
        messages.info(request, f"You had already paid. {amount} in credits were added.")
    else:
        messages.warning(request, f"The purchase of {amount} can't be canceled. See its details.")


def _purchase_page(request: AuthedRequest, purchase: Purchase) -> HttpResponse:
    provider_failed = False
    may_have_changed = purchase.is_pending or purchase.may_arrive_late
    # Each page has its own interval, because a webhook or another page may have synced just before the buyer paid.
    if may_have_changed and cache.add(f"synced:{request.path}:{purchase.pk}", 1, SYNC_INTERVAL):
        try:
            purchase = purchases.sync(purchase)
        except ProviderError:
            provider_failed = True
    context = {
        "purchase": purchase,
        "account": purchase.account,
        "provider_failed": provider_failed,
    }
    template = "billing/partials/purchase_state.html" if request.htmx else "billing/purchase.html"
    return render(request, template, context)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def refund_purchase(request: AuthedRequest, purchase_id: UUID) -> HttpResponse:
    """Refund the unspent credits of a purchase; 409 if the amount has changed since the page showed it."""
    purchase = get_object_or_404(Purchase.objects.visible_to(request.user), pk=purchase_id)
    form = RefundForm(request.POST or None)
    status = 200
    if form.is_valid():
        try:
            return redirect(refunds.request(purchase, request.user, cents=form.cleaned_data["cents"]))
        except (refunds.NotRefundable, refunds.AmountChanged):
            status = 409
    context: dict[str, Any] = {
        "purchase": purchase,
        "changed": status == 409,
    }
    try:
        context["offer"] = refunds.offer(purchase)
    except refunds.NotRefundable as reason:
        context["reason"] = str(reason)
    return render(request, "billing/refund_purchase.html", context, status=status)


@login_required
@never_cache
@require_GET
def show_refund(request: AuthedRequest, refund_id: UUID) -> HttpResponse:
    """Show the credit note of a refund, with its state."""
    visible = Refund.objects.filter(purchase__in=Purchase.objects.visible_to(request.user))
    refund = get_object_or_404(
        visible.select_related("purchase__account__organisation", "purchase__user"), pk=refund_id
    )
    context = {"refund": refund, "purchase": refund.purchase, "receipt": receipts.issue(refund.purchase)}
    return render(request, "billing/refund.html", context)
