"""Webhook events of payment providers."""

from django.db import models
from django.utils import timezone


class ProviderEvent(models.Model):
    """A webhook event, stored before it is processed. A second delivery of the same event changes nothing."""

    class State(models.TextChoices):
        NEW = "new", "New"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        IGNORED = "ignored", "Ignored"

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    type = models.CharField(max_length=100)
    # Ids that lead to the purchase. What happened to it is then fetched from the provider.
    object_id = models.CharField(max_length=100)
    payment_id = models.CharField(max_length=100, blank=True)
    purchase_id = models.CharField(max_length=36, blank=True)
    customer_id = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)  # not counting those during an outage of the provider
    tried_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("provider", "event_id"), name="event_once"),)
        indexes = (models.Index(fields=("state", "received_at"), name="events_to_process"),)

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
