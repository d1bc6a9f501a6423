"""Credit accounts, their ledger entries and their lots."""

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
        """Credits minus usage, in pico-USD, including what is on hold."""
        return self.credits - self.usage

    @property
    def needs_auto_top_up(self) -> bool:
        """Whether the balance is below the auto top-up threshold."""
        return self.auto_top_up_below is not None and self.balance < self.auto_top_up_below

    @property
    def needs_alert(self) -> bool:
        """Whether the balance is below the alert threshold and the owner has not been told yet."""
        return self.alert_below is not None and self.alerted_at is None and self.balance < self.alert_below

    @property
    def has_recovered(self) -> bool:
        """Whether the balance is 25% above the alert threshold, so that the next drop below it is worth an alert."""
        return self.alert_below is not None and self.balance * 4 >= self.alert_below * 5

    @property
    def available(self) -> int:
        """The amount (pico-USD) that a new request may put on hold."""
        return self.credits - self.usage - self.held


class CreditAccount(AccountBalances, models.Model):
    """The credits of an organization."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, related_name="credit_account", verbose_name="organization"
    )
    credits = models.BigIntegerField(default=0)
    usage = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    # Everything ever bought, minus refunds and disputes. Grants are not included.
    purchased = models.BigIntegerField(default=0)
    # Set while the account is frozen, for example by a dispute: requests, refunds and auto top-ups are refused, and
    # so are purchases unless the balance is negative. Only a frozen account may have a negative balance.
    frozen_reason = models.CharField(max_length=200, blank=True)
    # The threshold of auto top-up (pico-USD); null while it is off. It is stored here because the settlement of every
    # request reads this row anyway.
    auto_top_up_below = models.BigIntegerField(null=True, blank=True)
    # The threshold of the low-balance alert (pico-USD); null while it is off. The time of the last alert; null until
    # one is sent, and again after the balance has recovered.
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
    def debt(self) -> int:
        """The amount (pico-USD) by which the balance is below zero."""
        return max(0, -self.balance)

    @property
    def refuses_purchases(self) -> bool:
        """Whether purchases are refused: the account is frozen, and has no debt that they would pay off."""
        return bool(self.frozen_reason) and not self.debt


class LedgerEntry(models.Model):
    """A change of an account's credits. The database refuses to update or delete entries.

    `(kind, reference)` is unique, so a retry finds the first entry instead of writing a second. A migration that
    rebuilds this table on SQLite must reinstall the triggers (`billing/credits/append_only.py`).
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
        FORFEIT = "forfeit", "Lost with the account"
        TRANSFER_OUT = "transfer_out", "Moved to an organization"
        TRANSFER_IN = "transfer_in", "Moved from a personal account"
        PROMOTION = "promotion", "Promotional code"

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
    """The credits of one purchase, grant or code, minus what was taken back: a segment of the account's credit line.

    The lots of an account add up to its credits. Refunds, expiry and disputes shorten a lot at its unspent end,
    under the account's row lock.
    """

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="lots")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="lot")
    purchase = models.OneToOneField("Purchase", null=True, on_delete=models.PROTECT, related_name="lot")
    amount = models.BigIntegerField()  # pico-USD
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_warnings = models.PositiveSmallIntegerField(default=0)  # number of warnings sent
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(amount__gte=0), name="lot_not_negative"),)
        indexes = (
            models.Index(fields=("account", "id"), name="lots_of_account"),
            models.Index(fields=("expires_at",), condition=Q(amount__gt=0), name="lots_by_expiry"),
        )

    def __str__(self) -> str:
        return f"lot of {self.amount}"
