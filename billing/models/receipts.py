"""Whom receipts are made out to."""

from django.db import models
from django.utils import timezone

from .accounts import CreditAccount
from .purchases import Purchase


class BillingDetails(models.Model):
    """What an organisation wants to read on the receipts of its purchases from now on."""

    account = models.OneToOneField(CreditAccount, on_delete=models.PROTECT, related_name="billing_details")
    name = models.CharField(max_length=200)
    address = models.TextField(max_length=500, blank=True)
    tax_ids = models.TextField(max_length=300, blank=True)  # one on each line

    class Meta:
        verbose_name_plural = "billing details"

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """Who sold and who bought, as it was when the purchase was credited: a numbered receipt never changes silently.

    Number, amounts and dates are the purchase's, which are frozen there. Credit notes are made out to the same.
    """

    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="receipt")
    issuer = models.TextField()
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    address = models.TextField(blank=True)
    tax_ids = models.TextField(blank=True)
    issued_at = models.DateTimeField(default=timezone.now, editable=False)
    # When details were put on a receipt that had been issued without them; that can be done once.
    completed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"receipt {self.purchase.receipt_number}"

    @property
    def has_details(self) -> bool:
        return bool(self.address or self.tax_ids)
