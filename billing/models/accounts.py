"""The account, its ledger and its lots."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation


class AccountBalances:
    """Balances and thresholds computed from an account's columns (pico-USD), however its row was read."""

    if TYPE_CHECKING:
        credits: int
        usage: int
        held: int
        auto_top_up_below: int | None
        alert_below: int | None
        alerted_at: datetime | None

    @property
    def balance(self) -> int:
        """Credits minus usage, in pico-USD; open holds are still part of it."""
        return self.credits - self.usage

    @property
    def needs_auto_top_up(self) -> bool:
        """Whether the balance is below the line of auto top-up."""
        return self.auto_top_up_below is not None and self.balance < self.auto_top_up_below

    @property
    def is_low(self) -> bool:
        """Whether the balance is below the owner's line, and nobody has told them yet."""
        return self.alert_below is not None and self.alerted_at is None and self.balance < self.alert_below

    @property
    def is_clearly_above_alert(self) -> bool:
        """Whether the balance is so far above the owner's line (a quarter) that falling below it is news again."""
        return self.alert_below is not None and self.balance * 4 >= self.alert_below * 5

    @property
    def available(self) -> int:
        """What a new request may hold, in pico-USD."""
        return self.credits - self.usage - self.held


class CreditAccount(AccountBalances, models.Model):
    """An organisation's money."""

    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="credit_account")
    credits = models.BigIntegerField(default=0)
    usage = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    # All-time purchases less what was paid back; grants do not count.
    purchased = models.BigIntegerField(default=0)
    # Set while a dispute is open: no new requests, refunds or top-ups, and purchases only to make up for a negative
    # balance, which no other account may have.
    frozen_reason = models.CharField(max_length=200, blank=True)
    # The balance (pico-USD) below which auto top-up buys credits; empty while it is off. Kept here, because the
    # settlement of every request has this row in its hands anyway.
    auto_top_up_below = models.BigIntegerField(null=True, blank=True)
    # The balance (pico-USD) below which the owner wants to be told, and when they were; empty until they are.
    alert_below = models.BigIntegerField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)
    stripe_customer_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (
            models.Index(
                fields=("id",), condition=Q(auto_top_up_below__isnull=False), name="accounts_with_auto_top_up"
            ),
            models.Index(
                fields=("id",), condition=Q(alert_below__isnull=False, alerted_at=None), name="accounts_with_alert"
            ),
        )
        constraints = (
            models.CheckConstraint(condition=Q(held__gte=0), name="account_held_not_negative"),
            models.CheckConstraint(condition=Q(usage__gte=0), name="account_usage_not_negative"),
            models.CheckConstraint(
                condition=Q(credits__gte=F("usage") + F("held")) | ~Q(frozen_reason=""),
                name="account_never_overdrawn",
            ),
        )

    def __str__(self) -> str:
        return f"account of {self.organisation}"

    @property
    def missing(self) -> int:
        """By how much the balance is below zero, in pico-USD."""
        return max(0, -self.balance)

    @property
    def refuses_purchases(self) -> bool:
        """Whether credits that are bought now could not be used: it is frozen, and owes nothing that they would pay."""
        return bool(self.frozen_reason) and not self.missing


class LedgerEntry(models.Model):
    """One change of an account's credits. Never updated, never deleted: the database refuses both.

    `(kind, reference)` is unique, so a retry finds the first entry instead of writing a second. A later
    migration that rebuilds this table on SQLite must put the triggers back (`billing/credits/append_only.py`).
    """

    class Kind(models.TextChoices):
        PURCHASE = "purchase", "Purchase"
        GRANT = "grant", "Grant"
        REFUND = "refund", "Refund"
        REFUND_REVERSAL = "refund_reversal", "Refund returned"
        EXPIRY = "expiry", "Expired"
        DISPUTE = "dispute", "Dispute"
        DISPUTE_REVERSAL = "dispute_reversal", "Dispute won"
        ADJUSTMENT = "adjustment", "Adjustment"

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    reference = models.CharField(max_length=100)
    amount = models.BigIntegerField()  # pico-USD; positive adds credit
    credits_after = models.BigIntegerField()
    note = models.CharField(max_length=200, blank=True)
    purchase = models.ForeignKey("Purchase", null=True, on_delete=models.PROTECT, related_name="entries")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = (models.UniqueConstraint(fields=("kind", "reference"), name="ledger_entry_once"),)
        indexes = (models.Index(fields=("account", "-id"), name="ledger_of_account"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class Lot(models.Model):
    """A stretch of the credit line: what one purchase or grant brought, less what was taken back.

    The sum of an account's lots equals its credits. Refund, expiry and dispute shorten a lot from its
    unspent end, under the account's row lock.
    """

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="lots")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="lot")
    purchase = models.OneToOneField("Purchase", null=True, on_delete=models.PROTECT, related_name="lot")
    amount = models.BigIntegerField()  # pico-USD
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_warnings = models.PositiveSmallIntegerField(default=0)  # how many the owner was sent
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(amount__gte=0), name="lot_not_negative"),)
        indexes = (
            models.Index(fields=("account", "id"), name="lots_of_account"),
            models.Index(fields=("expires_at",), condition=Q(amount__gt=0), name="lots_by_expiry"),
        )

    def __str__(self) -> str:
        return f"lot of {self.amount}"
