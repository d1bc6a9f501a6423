"""Billing details and receipts."""

from django.db import models
from django.utils import timezone

from .accounts import CreditAccount
from .purchases import Purchase


class BillingDetails(models.Model):
    """The details shown on an organization's future receipts."""

    account = models.OneToOneField(CreditAccount, on_delete=models.PROTECT, related_name="billing_details")
    name = models.CharField(max_length=200)
    address = models.TextField(max_length=500, blank=True)
    tax_ids = models.TextField(max_length=300, blank=True)  # one per line

    class Meta:
        verbose_name_plural = "billing details"

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """The seller and buyer of a purchase, as they were when it was credited.

    Number, amounts and dates are stored with the purchase. Its credit notes show the same seller and buyer.
    """

    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="receipt")
    issuer = models.TextField()
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    address = models.TextField(blank=True)
    tax_ids = models.TextField(blank=True)
    issued_at = models.DateTimeField(default=timezone.now, editable=False)
    # When details were added to a receipt issued without them, which is possible once.
    completed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"receipt {self.purchase.receipt_number}"

    @property
    def has_details(self) -> bool:
        """Whether the receipt shows an address or a tax ID."""
        return bool(self.address or self.tax_ids)
