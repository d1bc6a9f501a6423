"""Traces of deleted people: those that the payment provider still has, and those of the free allowance."""

from django.db import models
from django.utils import timezone

from accounts.models import AccountDeletion

from .accounts import CreditAccount


class ProviderErasure(models.Model):
    """Something that the payment provider still has to delete. The row goes when it has, and the ID with it."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Customer, with all cards"
        CARD = "card", "Card"
        ADDRESS = "address", "Email address of the customer"  # replaced by that of another admin

    deletion = models.ForeignKey(AccountDeletion, on_delete=models.CASCADE, related_name="provider_erasures")
    account = models.ForeignKey(CreditAccount, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    object_id = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("deletion", "kind", "object_id"), name="erasure_once"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of account {self.account_id}"


class UsedAllowance(models.Model):
    """A mailbox whose owner had the free allowance and deleted the account, known by its fingerprint only."""

    fingerprint = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.fingerprint[:12]
