"""Saved cards, and the auto top-up that charges one of them."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User

from .accounts import CreditAccount


class SavedCard(models.Model):
    """A card that the provider keeps for an account. We know what people recognise it by, and nothing else."""

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
    fingerprint = models.CharField(max_length=64, blank=True)  # the same for the same number
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (models.Index(fields=("account", "-id"), name="cards_of_account"),)

    def __str__(self) -> str:
        return f"{self.brand.replace('_', ' ').title()} ending in {self.last4}"

    @property
    def has_expired(self) -> bool:
        """A card is good until the end of its month."""
        today = timezone.now()
        return (self.exp_year, self.exp_month) < (today.year, today.month)


class AutoTopUp(models.Model):
    """What an account has agreed to: buy `amount_cents` of credit whenever the balance is below `threshold_cents`.

    How often it failed lately, and when it may try again, is read off its purchases; no counter can be wrong.
    """

    account = models.OneToOneField(CreditAccount, on_delete=models.PROTECT, related_name="auto_top_up")
    is_on = models.BooleanField(default=False)
    threshold_cents = models.PositiveIntegerField()
    amount_cents = models.PositiveIntegerField()
    daily_limit_cents = models.PositiveIntegerField()  # of credits in any 24 hours
    card = models.ForeignKey(SavedCard, null=True, on_delete=models.PROTECT, related_name="+")
    off_reason = models.CharField(max_length=300, blank=True)  # why we switched it off
    resumed_at = models.DateTimeField(default=timezone.now)  # failures before this do not count any more
    # Who allowed us to charge the card without being there, when, and from where.
    consent_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    consent_at = models.DateTimeField(null=True)
    consent_ip = models.GenericIPAddressField(null=True)
    consent_text = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount_cents__gte=F("threshold_cents")), name="top_up_lifts_above"),
            models.CheckConstraint(condition=Q(daily_limit_cents__gte=F("amount_cents")), name="top_up_fits_its_limit"),
            models.CheckConstraint(condition=Q(is_on=False) | Q(card__isnull=False), name="top_up_needs_a_card"),
        )

    def __str__(self) -> str:
        return f"auto top-up of account {self.account_id} ({'on' if self.is_on else 'off'})"
