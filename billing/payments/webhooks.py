"""Webhooks of the payment providers.

An event is verified, stored and only then processed. It only says which purchase to fetch from the provider; its
contents are never trusted. So events may arrive late, twice, in any order, or not at all.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.models import CreditAccount, ProviderEvent, Purchase, SavedCard
from billing.providers import coinbase, stripe
from billing.providers.registry import PROVIDERS
from billing.providers.types import InvalidSignature, Unavailable, WebhookEvent
from common.storage.outages import outage_of

from . import auto_top_up_charges, cards, disputes, purchases, refunds

__all__ = ["coinbase_webhook", "process", "process_or_raise", "store", "stripe_webhook"]

logger = logging.getLogger(__name__)

State = ProviderEvent.State

#: Only events whose type starts with one of these are processed.
HANDLED_TYPES = (
    "charge.dispute.",
    "charge.refund",
    "checkout.payment.",
    "checkout.refund.",
    "checkout.session.",
    "payment_intent.",
    "payment_method.",
    "radar.early_fraud_warning.",
    "refund.",
)
#: Events about a person's data at the provider, which has them for deleted accounts as well.
PERSONAL_TYPES = ("customer.", "payment_method.")


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 if the event was processed; 400 if the signature is invalid; 503 asks the provider to retry."""
    signature = request.headers.get("Stripe-Signature", "")
    return _handle("stripe", lambda: stripe.read_event(request.body, signature))


@csrf_exempt
@require_POST
def coinbase_webhook(request: HttpRequest) -> HttpResponse:
    """200 if the event was processed; 400 if the signature is invalid; 503 asks the provider to retry."""
    return _handle("coinbase", lambda: coinbase.read_event(request.body, request.headers))


def _handle(provider: str, read: Callable[[], WebhookEvent]) -> HttpResponse:
    try:
        event = store(provider, read())
    except InvalidSignature as error:
        logger.warning("a webhook from %s was rejected: %s", provider, error)
        return HttpResponse("Invalid signature.\n", status=400, content_type="text/plain")
    return HttpResponse(status=200 if process(event) else 503)


def store(provider: str, received: WebhookEvent) -> ProviderEvent:
    """The stored copy of a verified event; if it was received before, the first copy."""
    customer_id, object_id = received.customer_id[:100], received.object_id[:100]
    if not CreditAccount.objects.filter(stripe_customer_id=customer_id).exclude(stripe_customer_id="").exists():
        # No customer of ours, or that of a deleted account: what no account has is not kept of them.
        customer_id = ""
        if (
            received.type.startswith(PERSONAL_TYPES)
            and not SavedCard.objects.filter(provider_method=object_id).exists()
        ):
            object_id = ""
    is_handled = received.type.startswith(HANDLED_TYPES) and received.is_live == PROVIDERS[provider].gateway.is_live()
    event, _ = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=received.id[:100],
        defaults={
            "type": received.type[:100],
            "object_id": object_id,
            "payment_id": received.payment_id[:100],
            "purchase_id": received.purchase_id[:36],
            "customer_id": customer_id,
            "state": State.NEW if is_handled else State.IGNORED,
        },
    )
    return event


def process(event: ProviderEvent) -> bool:
    """Process the event; False if that failed and must be retried."""
    try:
        return process_or_raise(event)
    except Unavailable:
        logger.warning("event %s (%s) will be retried: the provider is unavailable", event.event_id, event.type)
        return False


def process_or_raise(event: ProviderEvent) -> bool:
    """Like `process`, but raises Unavailable during an outage of the provider, which does not count as an attempt."""
    if event.state in {State.DONE, State.IGNORED}:
        return True
    event.tried_at = timezone.now()
    try:
        is_ours = _sync_subject(event)
        event.state, event.error = State.DONE if is_ours else State.IGNORED, ""
        event.attempts += 1
    except Unavailable as error:
        event.state, event.error = State.FAILED, _describe(error)
        raise
    except Exception as error:
        if outage_of(error):
            raise
        logger.exception("event %s (%s) failed", event.event_id, event.type)
        event.state, event.error = State.FAILED, _describe(error)
        event.attempts += 1
    finally:
        event.save(update_fields=["state", "error", "attempts", "tried_at"])
    return event.state != State.FAILED


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _sync_subject(event: ProviderEvent) -> bool:
    """Fetch the objects that the event concerns from the provider; False if none of them is ours."""
    if event.type.startswith("payment_method."):
        return cards.refresh(event.object_id) is not None
    purchase = _purchase_of(event)
    if purchase is None:
        # A card setup page belongs to a customer but to no purchase.
        is_page = event.type.startswith("checkout.session.") and event.customer_id
        is_ours = is_page and CreditAccount.objects.filter(stripe_customer_id=event.customer_id).exists()
        return bool(is_ours) and cards.save_from_setup(event.object_id) is not None
    purchase = purchases.sync(purchase)
    auto_top_up_charges.report_outcome(purchase)
    if event.type.startswith(("refund.", "charge.refund", "checkout.refund.")):
        refunds.sync(purchase)
    if event.type.startswith("charge.dispute."):
        disputes.sync(purchase)
    if event.type.startswith("radar."):
        logger.error("purchase %s: early fraud warning %s, the card may be stolen", purchase.pk, event.object_id)
    return True


def _purchase_of(event: ProviderEvent) -> Purchase | None:
    """The purchase that the event concerns; None if it is not one of ours."""
    if found := Purchase.objects.filter(provider_session=event.object_id).first():
        return found
    if found := Purchase.objects.with_ids(event.purchase_id).first():
        return found
    if not event.payment_id:
        return None
    if found := Purchase.objects.filter(provider_payment=event.payment_id).first():
        return found
    # The event may arrive before the payment id is stored; the payment's metadata names its purchase.
    return Purchase.objects.with_ids(stripe.fetch_payment(event.payment_id).purchase_id).first()
