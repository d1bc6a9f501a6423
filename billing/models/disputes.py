"""Disputes: payments that a bank takes back on its customer's word."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.money import format_cents

from .purchases import Purchase
from .repeats import Repeats


class Dispute(models.Model):
    """A bank's doubt about one purchase. While the money is gone, so are the credits, and the account is frozen.

    Only banks have disputes: there is none of a purchase in cryptocurrency.
    """

    class State(models.TextChoices):
        INQUIRY = "inquiry", "The bank asks"
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"
        CLOSED = "closed", "Came to nothing"

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    provider = models.CharField(max_length=20)  # the purchase's
    provider_dispute = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=8, choices=State.choices)
    cents = models.PositiveIntegerField()
    reason = models.CharField(max_length=60)
    due_by = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            Repeats(through="purchase", field="provider", name="dispute_by_its_provider"),
            models.CheckConstraint(condition=~Q(provider="coinbase"), name="crypto_is_never_disputed"),
        )
        indexes = (models.Index(fields=("state",), condition=Q(state__in=("inquiry", "open")), name="open_disputes"),)

    def __str__(self) -> str:
        return f"dispute of {format_cents(self.cents)} ({self.state})"
