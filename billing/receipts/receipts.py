"""Receipts: a purchase's seller and buyer, stored when it is credited.

Later changes of the billing details affect later receipts only. A receipt issued without details can be completed
once, by a button, and then shows the date.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.models import BillingDetails, CreditAccount, Purchase, Receipt

__all__ = ["can_be_completed", "complete", "issue", "save_details"]


def issue(purchase: Purchase) -> Receipt:
    """The receipt of a credited purchase, created on the first call."""
    if receipt := Receipt.objects.filter(purchase=purchase).first():
        return receipt
    details = BillingDetails.objects.filter(account=purchase.account_id).first()
    receipt, _ = Receipt.objects.get_or_create(
        purchase=purchase,
        defaults={
            "issuer": settings.RECEIPT_ISSUER,
            "name": details.name if details else purchase.account.organisation.name,
            "email": purchase.user.email if purchase.user else "",
            "address": details.address if details else "",
            "tax_ids": details.tax_ids if details else "",
        },
    )
    return receipt


def save_details(account: CreditAccount, *, name: str, address: str, tax_ids: str) -> BillingDetails:
    """Save the billing details for future receipts."""
    details, _ = BillingDetails.objects.update_or_create(
        account=account, defaults={"name": name, "address": address, "tax_ids": tax_ids}
    )
    return details


def can_be_completed(receipt: Receipt) -> bool:
    """Whether the receipt shows no address and no tax ID, but the account now has one."""
    details = BillingDetails.objects.filter(account=receipt.purchase.account_id).first()
    return not receipt.has_details and details is not None and bool(details.address or details.tax_ids)


def complete(receipt: Receipt) -> bool:
    """Add the account's details to a receipt issued without them; False if that is not possible."""
    with transaction.atomic():
        locked = Receipt.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=receipt.pk)
        if not can_be_completed(locked):
            return False
        details = BillingDetails.objects.get(account=locked.purchase.account_id)
        locked.name, locked.address, locked.tax_ids = details.name, details.address, details.tax_ids
        locked.completed_at = timezone.now()
        locked.save(update_fields=["name", "address", "tax_ids", "completed_at"])
    return True
