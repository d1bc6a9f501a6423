"""Purchases of credits, by a member or by auto top-up."""

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from common.money import format_cents

from .accounts import CreditAccount


def parse_id(text: str) -> uuid.UUID | None:
    """The UUID in a text from outside; None if it is not one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def visible_to(self, user: User) -> "PurchaseQuerySet":
        """Purchases of all organizations of which the user is an admin, not only the current one."""
        return self.filter(
            account__organisation__memberships__user=user,
            account__organisation__memberships__role=Membership.Role.ADMIN,
        ).select_related("account__organisation", "user")

    def with_ids(self, *texts: str) -> "PurchaseQuerySet":
        """The purchases with these ids; texts that are not UUIDs are ignored."""
        return self.filter(pk__in=[found for text in texts if (found := parse_id(text))])

    def awaiting_payment(self) -> "PurchaseQuerySet":
        """Purchases whose payment the provider may still report."""
        waiting = self.filter(state__in=(Purchase.State.OPEN, Purchase.State.PROCESSING))
        return waiting.exclude(provider_session=None, provider_payment=None)


class Purchase(models.Model):
    """A purchase of credits. Its quote is stored, and never changes, before the payment page is opened.

    CREDITED is final. From every other state a purchase becomes credited once the provider reports the payment.
    """

    class State(models.TextChoices):
        CREATED = "created", "Created"  # the payment page is not open yet
        OPEN = "open", "Waiting for payment"
        PROCESSING = "processing", "Processing"
        CREDITED = "credited", "Credited"
        CANCELED = "canceled", "Canceled"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Payment failed"
        REVIEW = "review", "Under review"  # paid, but not as quoted: an operator decides

    class Source(models.TextChoices):
        MANUAL = "manual", "Bought"
        AUTO_TOP_UP = "auto_top_up", "Auto top-up"

    class Method(models.TextChoices):
        CARD = "card", "Card"
        ALIPAY = "alipay", "Alipay"
        PAYPAL = "paypal", "PayPal"
        USDC = "usdc", "USDC"

    # Also the idempotency key at the provider, so it is stored before the provider is called.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="purchases")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.MANUAL)
    provider = models.CharField(max_length=20, default="stripe")
    method = models.CharField(max_length=20, choices=Method.choices, default=Method.CARD)
    # The submitted form and its choices: submitting the same form twice creates one purchase.
    form_token = models.CharField(max_length=100, null=True)

    credit_cents = models.PositiveIntegerField()
    fee_cents = models.PositiveIntegerField()
    fee_basis_points = models.PositiveIntegerField()

    saves_card = models.BooleanField(default=False)  # save the card for auto top-up
    # The saved card that auto top-up charged, or that this purchase saved.
    card = models.ForeignKey("SavedCard", null=True, on_delete=models.PROTECT, related_name="purchases")
    state = models.CharField(max_length=12, choices=State.choices, default=State.CREATED)
    failure = models.CharField(max_length=300, blank=True)  # shown to the buyer
    decline_code = models.CharField(max_length=60, blank=True)  # why the bank declined, as the provider names it
    is_final_decline = models.BooleanField(default=False)  # the bank advises against trying this card again
    review_reason = models.CharField(max_length=300, blank=True)  # for operators
    provider_customer = models.CharField(max_length=100, blank=True)
    provider_session = models.CharField(max_length=100, null=True, unique=True)
    provider_payment = models.CharField(max_length=100, null=True, unique=True)
    transaction = models.CharField(max_length=100, blank=True)  # hash of a cryptocurrency payment
    checkout_url = models.TextField(blank=True)
    paid_with = models.CharField(max_length=60, blank=True)  # for example "Visa ending in 4242"
    receipt_url = models.TextField(blank=True)  # the provider's own receipt
    receipt_number = models.CharField(max_length=20, null=True, unique=True)
    expires_at = models.DateTimeField(null=True)  # of the payment page
    synced_at = models.DateTimeField(null=True)  # when its state was last fetched from the provider
    paid_at = models.DateTimeField(null=True)
    credited_at = models.DateTimeField(null=True)
    notified_at = models.DateTimeField(null=True)  # when the owner was emailed the outcome of an auto top-up charge
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(credit_cents__gt=0), name="purchase_buys_something"),
            models.CheckConstraint(
                condition=Q(state="credited", credited_at__isnull=False)
                | (~Q(state="credited") & Q(credited_at__isnull=True)),
                name="purchase_credited_when",
            ),
            models.UniqueConstraint(fields=("account", "form_token"), name="purchase_once_per_form"),
            # Referenced by the composite foreign keys of refunds and disputes.
            models.UniqueConstraint(fields=("id", "provider"), name="purchase_with_provider"),
            # Many requests can report a low balance at once; only one may start a charge.
            models.UniqueConstraint(
                fields=("account",),
                condition=Q(source="auto_top_up", state__in=("created", "processing")),
                name="one_auto_top_up_charge_at_a_time",
            ),
        )
        indexes = (
            models.Index(fields=("account", "-created_at"), name="purchases_of_account"),
            models.Index(fields=("state", "created_at"), name="purchases_by_state"),
        )

    def __str__(self) -> str:
        return f"purchase of {format_cents(self.credit_cents)} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("billing:purchase", args=[self.pk])

    @property
    def total_cents(self) -> int:
        """The price: credits plus fee."""
        return self.credit_cents + self.fee_cents

    @property
    def credit_dollars(self) -> str:
        """The credits in dollars, as a link parameter: "12.50"."""
        return f"{self.credit_cents // 100}.{self.credit_cents % 100:02d}"

    @property
    def is_crypto(self) -> bool:
        """Whether it is paid in cryptocurrency: such a payment is final, and may arrive after the page has closed."""
        return self.provider == "coinbase"

    @property
    def may_arrive_late(self) -> bool:
        """Whether the page is closed but a payment may still arrive."""
        return self.is_crypto and self.state in {self.State.EXPIRED, self.State.CANCELED, self.State.FAILED}

    @property
    def is_pending(self) -> bool:
        """Whether the payment is still outstanding."""
        return self.state in {self.State.CREATED, self.State.OPEN, self.State.PROCESSING}

    @property
    def can_be_canceled(self) -> bool:
        """Whether the buyer can still close its payment page."""
        return self.source == self.Source.MANUAL and self.state in {self.State.CREATED, self.State.OPEN}
