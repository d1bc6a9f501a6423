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
from billing.receipts import receipts, tax_ids
from common.web.http import AuthedRequest

from .details_forms import PREFIX, BillingDetailsForm, TaxIdForms, initial_rows, lines_of, with_another_row


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
    adds_row = "add" in request.POST
    data = with_another_row(request.POST) if adds_row else request.POST or None
    initial = {"name": details.name, "address": details.address} if details else {"name": organisation.name}
    form = BillingDetailsForm(data, initial=initial)
    rows = TaxIdForms(data, prefix=PREFIX, initial=initial_rows(details.tax_ids if details else ""))
    if not adds_row and form.is_valid() and rows.is_valid():
        receipts.save_details(account, **form.cleaned_data, tax_ids=lines_of(rows))
        messages.success(request, "Billing details saved. New receipts show them.")
        return redirect(back)
    context = {"form": form, "rows": rows, "back": back, "of": organisation, "most": tax_ids.MOST}
    status = 422 if form.is_bound and not adds_row else 200
    return render(request, "billing/billing_details.html", context, status=status)


def _credited(request: AuthedRequest, purchase_id: UUID) -> Purchase:
    credited = Purchase.objects.visible_to(request.user).filter(state=Purchase.State.CREDITED)
    return get_object_or_404(credited, pk=purchase_id)
