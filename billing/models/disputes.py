"""Disputes: card payments that the cardholder contests at the bank."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.money import format_cents

from .composite_keys import CompositeForeignKey
from .purchases import Purchase


class Dispute(models.Model):
    """A dispute of one purchase. While the bank has the money, the credits are taken and the account is frozen.

    Cryptocurrency payments cannot be disputed.
    """

    class State(models.TextChoices):
        INQUIRY = "inquiry", "Inquiry"
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"
        CLOSED = "closed", "Closed"

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    provider = models.CharField(max_length=20)  # equals the purchase's
    provider_dispute = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=8, choices=State.choices)
    cents = models.PositiveIntegerField()
    reason = models.CharField(max_length=60)
    due_by = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            CompositeForeignKey(through="purchase", field="provider", name="dispute_provider_matches_purchase"),
            models.CheckConstraint(condition=~Q(provider="coinbase"), name="crypto_is_never_disputed"),
        )
        indexes = (models.Index(fields=("state",), condition=Q(state__in=("inquiry", "open")), name="open_disputes"),)

    def __str__(self) -> str:
        return f"dispute of {format_cents(self.cents)} ({self.state})"
