"""Disputes: payments that a bank takes back on its customer's word."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .purchases import Purchase


class Dispute(models.Model):
    """A bank's doubt about one purchase. While the money is gone, so are the credits, and the account is frozen."""

    class State(models.TextChoices):
        INQUIRY = "inquiry", "The bank asks"
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"
        CLOSED = "closed", "Came to nothing"

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    provider_dispute = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=8, choices=State.choices)
    cents = models.PositiveIntegerField()
    reason = models.CharField(max_length=60)
    due_by = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("state",), condition=Q(state__in=("inquiry", "open")), name="open_disputes"),)

    def __str__(self) -> str:
        return f"dispute of {self.cents} cents ({self.state})"
