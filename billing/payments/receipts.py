"""Receipts: made out to whom the account's billing details name when a purchase is credited, and frozen then.

Later changes of the details are for later receipts. A receipt that was issued before there were any can be completed
with them once, by a button, and says so.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.models import BillingDetails, CreditAccount, Purchase, Receipt

__all__ = ["complete", "issue", "may_be_completed", "save_details"]


def issue(purchase: Purchase) -> Receipt:
    """The receipt of a credited purchase; the first one, however often it is asked for."""
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
    """The details, for every receipt from now on."""
    details, _ = BillingDetails.objects.update_or_create(
        account=account, defaults={"name": name, "address": address, "tax_ids": tax_ids}
    )
    return details


def may_be_completed(receipt: Receipt) -> bool:
    """Whether the receipt bears no address and no tax id, and the account has one by now."""
    details = BillingDetails.objects.filter(account=receipt.purchase.account_id).first()
    return not receipt.has_details and details is not None and bool(details.address or details.tax_ids)


def complete(receipt: Receipt) -> bool:
    """Put the account's details on a receipt that was issued without; False when it has some, or there are none."""
    with transaction.atomic():
        locked = Receipt.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=receipt.pk)
        if not may_be_completed(locked):
            return False
        details = BillingDetails.objects.get(account=locked.purchase.account_id)
        locked.name, locked.address, locked.tax_ids = details.name, details.address, details.tax_ids
        locked.completed_at = timezone.now()
        locked.save(update_fields=["name", "address", "tax_ids", "completed_at"])
    return True
