"""What payment providers told us by webhook."""

from django.db import models
from django.utils import timezone


class ProviderEvent(models.Model):
    """A webhook delivery, stored before it is processed; the second delivery of an event is a no-op."""

    class State(models.TextChoices):
        NEW = "new", "New"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        IGNORED = "ignored", "Ignored"

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    type = models.CharField(max_length=100)
    # Hints which purchase to look at; what happened is then asked from the provider itself.
    object_id = models.CharField(max_length=100)
    payment_id = models.CharField(max_length=100, blank=True)
    purchase_id = models.CharField(max_length=36, blank=True)
    customer_id = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)  # those that the provider answered
    tried_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("provider", "event_id"), name="event_once"),)
        indexes = (models.Index(fields=("state", "received_at"), name="events_to_process"),)

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
