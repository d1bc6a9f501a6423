"""Destinations of usage events, and how far each has got."""

import uuid
from zlib import crc32

from django.db import models
from django.utils import timezone

from accounts.models import Organisation, User

__all__ = ["ALL", "Delivery", "Destination", "LateRequest"]

#: The share of all requests, in basis points.
ALL = 10_000


class DestinationQuerySet(models.QuerySet["Destination"]):
    def of(self, organisation: Organisation) -> "DestinationQuerySet":
        """Return the organization's destinations."""
        return self.filter(organisation=organisation)


class Destination(models.Model):
    """A server of an organization's own that gets an event for each of its requests.

    The requests themselves are the queue: a destination has a position in them, which moves when a batch is accepted.
    """

    class Kind(models.TextChoices):
        OTLP = "otel-collector", "OpenTelemetry (OTLP)"
        WEBHOOK = "webhook", "Webhook"
        S3 = "s3", "S3-compatible storage"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="destinations")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=100)
    config = models.TextField()  # JSON with addresses and credentials, encrypted
    enabled = models.BooleanField(default=True)

    # Which requests, and what is said of them.
    sample = models.PositiveSmallIntegerField(default=ALL)  # basis points
    key_ids = models.JSONField(null=True, blank=True)  # of ApiKeys; null: all requests, the chat's as well
    privacy_mode = models.BooleanField(default=False)
    with_cost = models.BooleanField(default=False)
    with_identity = models.BooleanField(default=False)
    with_context = models.BooleanField(default=False)

    # The position: everything before it is sent, passed over, or a LateRequest.
    cursor_at = models.DateTimeField()  # `created_at` of a request...
    cursor_id = models.CharField(max_length=40, blank=True)  # ...and its ID

    due_at = models.DateTimeField(db_index=True)  # of the next look; while one is under way, the end of its lease
    failures = models.PositiveSmallIntegerField(default=0)  # since the last success
    paused_at = models.DateTimeField(null=True, blank=True)
    sent = models.PositiveBigIntegerField(default=0)  # events
    dropped = models.PositiveBigIntegerField(default=0)  # events that were too old when they could be sent

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = DestinationQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "pk")

    def __str__(self) -> str:
        return self.name

    def wants(self, generation_id: str, session_id: str, key_id: int | None) -> bool:
        """Whether it gets the event of a request. Requests of one session are all sampled, or none of them."""
        if self.key_ids is not None and key_id not in self.key_ids:
            return False
        return crc32((session_id or generation_id).encode()) % ALL < self.sample


class LateRequest(models.Model):
    """A request before its destination's position that had not ended, or whose content was not stored yet."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="late_requests")
    generation_id = models.CharField(max_length=40)
    created_at = models.DateTimeField()  # of the request

    class Meta:
        constraints = (models.UniqueConstraint(fields=("destination", "generation_id"), name="late_request_once"),)

    def __str__(self) -> str:
        return self.generation_id


class Delivery(models.Model):
    """One try to send a batch. The newest of each destination are kept."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="deliveries")
    at = models.DateTimeField()
    events = models.PositiveIntegerField()
    error = models.CharField(max_length=200, blank=True)  # empty: accepted
    duration_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.events} events, {self.error or 'accepted'}"
