"""Refunds of purchases."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from common.money import format_cents

from .composite_keys import CompositeForeignKey
from .purchases import Purchase


class Refund(models.Model):
    """A refund of one purchase. The credits are taken off the account before the provider is called.

    `credit_cents` were taken off the account; `cents` are paid to the buyer. They differ only if a refund in the
    provider's dashboard covers credits already spent, or the fee. The database refuses refund requests for
    cryptocurrency purchases; for those only refunds made in the dashboard are recorded.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested"  # it may or may not have reached the provider
        PENDING = "pending", "On its way"
        SUCCEEDED = "succeeded", "Refunded"
        FAILED = "failed", "Failed"  # the credits have been restored

    class Origin(models.TextChoices):
        BUTTON = "button", "By the buyer"
        OPERATOR = "operator", "By an operator"
        EXTERNAL = "external", "In the provider's dashboard"

    # Also the idempotency key at the provider.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    provider = models.CharField(max_length=20)  # equals the purchase's
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.BUTTON)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    cents = models.PositiveIntegerField()
    credit_cents = models.PositiveIntegerField()
    number = models.CharField(max_length=20, unique=True)  # of the credit note
    provider_refund = models.CharField(max_length=100, null=True, unique=True)
    failure = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    synced_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(cents__gt=0), name="refund_of_something"),
            models.CheckConstraint(condition=Q(credit_cents__lte=F("cents")), name="refund_never_below_credits"),
            CompositeForeignKey(through="purchase", field="provider", name="refund_provider_matches_purchase"),
            models.CheckConstraint(
                condition=~Q(provider="coinbase") | Q(origin="external"), name="crypto_refunds_are_external"
            ),
            models.UniqueConstraint(
                fields=("purchase",), condition=Q(state="requested"), name="refund_one_request_at_a_time"
            ),
        )
        indexes = (models.Index(fields=("state", "created_at"), name="refunds_by_state"),)

    def __str__(self) -> str:
        return f"refund of {format_cents(self.cents)} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("billing:refund", args=[self.pk])

    @property
    def goodwill_cents(self) -> int:
        """The cents refunded beyond the credits taken: the fee, or credits already spent."""
        return self.cents - self.credit_cents
