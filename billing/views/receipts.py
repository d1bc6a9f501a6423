"""Receipts, and the billing details shown on them. For admins only."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from billing import spending
from billing.models import BillingDetails, Purchase, parse_id
from billing.payments import receipts
from common.web.http import AuthedRequest

from .forms import BillingDetailsForm


@login_required
@never_cache
@require_GET
def show_receipt(request: AuthedRequest, purchase_id: UUID) -> HttpResponse:
    """Show the receipt of a credited purchase, for printing."""
    purchase = _credited(request, purchase_id)
    issued = receipts.issue(purchase)
    context = {"purchase": purchase, "receipt": issued, "can_be_completed": receipts.can_be_completed(issued)}
    return render(request, "billing/receipt.html", context)


@login_required
@require_POST
def complete_receipt(request: AuthedRequest, purchase_id: UUID) -> HttpResponse:
    """Add the billing details to a receipt that was issued without them."""
    purchase = _credited(request, purchase_id)
    if receipts.complete(receipts.issue(purchase)):
        messages.success(request, "Billing details added to this receipt.")
    else:
        messages.warning(request, "This receipt already has billing details, which can't change.")
    return redirect("billing:receipt", purchase.pk)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit_billing_details(request: AuthedRequest) -> HttpResponse:
    """Edit the name, address and tax IDs for receipts. `?receipt=` is the purchase whose receipt linked here."""
    organisation, back = access.for_admin(request), reverse("billing:credits")
    if (purchase_id := parse_id(request.GET.get("receipt", ""))) is not None:
        purchase = _credited(request, purchase_id)
        organisation, back = purchase.account.organisation, reverse("billing:receipt", args=[purchase_id])
    account = spending.account_of(organisation)
    details = BillingDetails.objects.filter(account=account).first()
    initial = {name: getattr(details, name) for name in ("name", "address", "tax_ids")} if details else {}
    form = BillingDetailsForm(request.POST or None, initial=initial or {"name": organisation.name})
    if form.is_valid():
        receipts.save_details(account, **form.cleaned_data)
        messages.success(request, "Billing details saved. New receipts show them.")
        return redirect(back)
    context = {"form": form, "back": back, "of": organisation}
    return render(request, "billing/billing_details.html", context, status=422 if form.is_bound else 200)


def _credited(request: AuthedRequest, purchase_id: UUID) -> Purchase:
    credited = Purchase.objects.visible_to(request.user).filter(state=Purchase.State.CREDITED)
    return get_object_or_404(credited, pk=purchase_id)
