"""Saved cards, and the auto top-up agreement that charges one of them."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User

from .accounts import CreditAccount


class SavedCard(models.Model):
    """A card saved at the provider for an account. We store only the details that identify it to its owner."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        REMOVED = "removed", "Removed"

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="cards")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    provider_method = models.CharField(max_length=100, unique=True)
    brand = models.CharField(max_length=30)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(max_length=64, blank=True)  # equal for equal card numbers
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (models.Index(fields=("account", "-id"), name="cards_of_account"),)

    def __str__(self) -> str:
        return f"{self.brand.replace('_', ' ').title()} ending in {self.last4}"

    @property
    def has_expired(self) -> bool:
        """Whether the card has expired; it is valid to the end of its expiration month."""
        today = timezone.now()
        return (self.exp_year, self.exp_month) < (today.year, today.month)


class AutoTopUp(models.Model):
    """An agreement to buy `amount_cents` of credits whenever the balance is below `threshold_cents`.

    Recent failures and the next retry are computed from its purchases, so there are no counters to go wrong.
    """

    account = models.OneToOneField(CreditAccount, on_delete=models.PROTECT, related_name="auto_top_up")
    is_on = models.BooleanField(default=False)
    threshold_cents = models.PositiveIntegerField()
    amount_cents = models.PositiveIntegerField()
    daily_limit_cents = models.PositiveIntegerField()  # of credits, in any 24 hours
    card = models.ForeignKey(SavedCard, null=True, on_delete=models.PROTECT, related_name="+")
    off_reason = models.CharField(max_length=300, blank=True)  # why we turned it off, for the owner
    turned_on_at = models.DateTimeField(default=timezone.now)  # earlier failures do not count
    # The consent to off-session charges: by whom, when, from which address and to which text.
    consent_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    consent_at = models.DateTimeField(null=True)
    consent_ip = models.GenericIPAddressField(null=True)
    consent_text = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(amount_cents__gte=F("threshold_cents")), name="auto_top_up_amount_covers_threshold"
            ),
            models.CheckConstraint(
                condition=Q(daily_limit_cents__gte=F("amount_cents")), name="auto_top_up_amount_within_daily_limit"
            ),
            models.CheckConstraint(condition=Q(is_on=False) | Q(card__isnull=False), name="auto_top_up_needs_a_card"),
        )

    def __str__(self) -> str:
        return f"auto top-up of account {self.account_id} ({'on' if self.is_on else 'off'})"
