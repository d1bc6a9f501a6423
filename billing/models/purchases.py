"""Purchases: credits bought by somebody, or by auto top-up."""

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from common.money import format_cents

from .accounts import CreditAccount


def id_in(text: str) -> uuid.UUID | None:
    """The id that a provider reports; None for anything that cannot be one of ours."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def seen_by(self, user: User) -> "PurchaseQuerySet":
        """Purchases of the organisations that the person is an admin of, whichever they are working in now."""
        return self.filter(
            account__organisation__memberships__user=user,
            account__organisation__memberships__role=Membership.Role.ADMIN,
        ).select_related("account__organisation", "user")

    def named(self, *texts: str) -> "PurchaseQuerySet":
        """The purchases whose ids a provider reports; texts that are no ids are passed over."""
        return self.filter(pk__in=[found for text in texts if (found := id_in(text))])

    def awaiting_payment(self) -> "PurchaseQuerySet":
        """Purchases of which the provider may have news."""
        waiting = self.filter(state__in=(Purchase.State.OPEN, Purchase.State.PROCESSING))
        return waiting.exclude(provider_session=None, provider_payment=None)


class Purchase(models.Model):
    """One buying of credits. The quote is frozen here before anybody is asked for money.

    Only `billing/payments/purchases.py` changes the state. CREDITED is the end; every other state gives way when
    the provider reports that the buyer has paid after all.
    """

    class State(models.TextChoices):
        CREATED = "created", "Created"  # the provider has not answered yet
        OPEN = "open", "Waiting for payment"
        PROCESSING = "processing", "Processing"
        CREDITED = "credited", "Credited"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Payment failed"
        REVIEW = "review", "Under review"  # paid, but not what was asked for: a person decides

    class Source(models.TextChoices):
        MANUAL = "manual", "Bought"
        AUTO_TOP_UP = "auto_top_up", "Auto top-up"

    class Method(models.TextChoices):
        CARD = "card", "Card"
        ALIPAY = "alipay", "AliPay"
        USDC = "usdc", "USDC"

    # Also the provider's idempotency key: written down before the provider is asked.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="purchases")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.MANUAL)
    provider = models.CharField(max_length=20, default="stripe")
    method = models.CharField(max_length=20, choices=Method.choices, default=Method.CARD)
    # The form that asked for it, with what it asked for: sending a form twice makes one purchase.
    form_token = models.CharField(max_length=100, null=True)

    credit_cents = models.PositiveIntegerField()
    fee_cents = models.PositiveIntegerField()
    fee_basis_points = models.PositiveIntegerField()

    saves_card = models.BooleanField(default=False)  # whether the buyer wants the card kept for auto top-up
    # The saved card that auto top-up charges, or that this purchase has saved.
    card = models.ForeignKey("SavedCard", null=True, on_delete=models.PROTECT, related_name="purchases")
    state = models.CharField(max_length=12, choices=State.choices, default=State.CREATED)
    failure = models.CharField(max_length=300, blank=True)  # what the buyer is told
    decline_code = models.CharField(max_length=60, blank=True)  # the provider's word for why the bank said no
    # The bank's advice is not to try this card again.
    is_final_decline = models.BooleanField(default=False)
    review_reason = models.CharField(max_length=300, blank=True)  # what an operator must look at
    provider_customer = models.CharField(max_length=100, blank=True)
    provider_session = models.CharField(max_length=100, null=True, unique=True)
    provider_payment = models.CharField(max_length=100, null=True, unique=True)
    # The network's own name for a payment in cryptocurrency: what the buyer's wallet shows, and support is told.
    transaction = models.CharField(max_length=100, blank=True)
    checkout_url = models.TextField(blank=True)
    # What was paid with, e.g. "Visa ending in 4242".
    paid_with = models.CharField(max_length=60, blank=True)
    receipt_url = models.TextField(blank=True)  # the provider's own receipt
    receipt_number = models.CharField(max_length=20, null=True, unique=True)
    expires_at = models.DateTimeField(null=True)  # of the checkout page
    synced_at = models.DateTimeField(null=True)  # when the provider was last asked about it
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
            # What refunds and disputes refer to, who repeat the provider.
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
        """What the buyer pays: credits and fee."""
        return self.credit_cents + self.fee_cents

    @property
    def credit_dollars(self) -> str:
        """The credits as plain dollars for a link: "12.50"."""
        return f"{self.credit_cents // 100}.{self.credit_cents % 100:02d}"

    @property
    def is_crypto(self) -> bool:
        """True when it is paid in cryptocurrency: final, and it may arrive after its page has closed."""
        return self.provider == "coinbase"

    @property
    def may_arrive_late(self) -> bool:
        """True when the page is closed and what the buyer has sent may still be on its way."""
        return self.is_crypto and self.state in {self.State.EXPIRED, self.State.CANCELLED, self.State.FAILED}

    @property
    def is_pending(self) -> bool:
        """True while the provider may still report the payment by itself."""
        return self.state in {self.State.CREATED, self.State.OPEN, self.State.PROCESSING}
