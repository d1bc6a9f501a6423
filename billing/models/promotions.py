"""Promotional codes, and the accounts that redeemed them."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from common.money import format_cents

from .accounts import CreditAccount, LedgerEntry


class PromotionalCode(models.Model):
    """A code that adds credits to an account, once per account and person.

    What it gives never changes. An operator can end it, extend it, or allow more uses.
    """

    code = models.CharField(max_length=40, unique=True)  # capital letters and digits
    cents = models.PositiveIntegerField()
    max_uses = models.PositiveIntegerField()
    uses = models.PositiveIntegerField(default=0, editable=False)
    redeem_by = models.DateTimeField(null=True, blank=True)
    # Days from the redemption until unspent credits expire; null: never.
    credit_days = models.PositiveIntegerField(null=True, blank=True)
    new_accounts_only = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    note = models.CharField(max_length=200, blank=True)  # for operators
    operator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    operator_email = models.EmailField(blank=True, editable=False)  # kept when the operator's account is deleted
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(cents__gt=0), name="promotional_code_gives_something"),
            models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="promotional_code_not_overused"),
            models.CheckConstraint(
                condition=Q(credit_days__isnull=True) | Q(credit_days__gt=0), name="promotional_credits_last"
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} ({format_cents(self.cents)})"


class Redemption(models.Model):
    """A promotional code redeemed by an account, with the ledger entry that added its credits. Never changed."""

    code = models.ForeignKey(PromotionalCode, on_delete=models.PROTECT, related_name="redemptions")
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="redemptions")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="redemption")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("code", "account"), name="code_once_per_account"),
            # A person can be an admin of many organizations.
            models.UniqueConstraint(fields=("code", "user"), name="code_once_per_person"),
        )

    def __str__(self) -> str:
        return f"{self.code.code} redeemed"
