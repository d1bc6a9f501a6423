"""Webhooks: the provider says that something happened, and we go and look.

An event is verified, written down, and only then processed. It is a hint which purchase to ask about,
never a source of facts: so events may come twice, late, in any order, or not at all.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.models import CreditAccount, ProviderEvent, Purchase
from billing.providers import coinbase, stripe
from billing.providers.registry import PROVIDERS
from billing.providers.types import InvalidSignature, Unavailable, WebhookEvent

from . import auto_top_up_charges, cards, disputes, purchases, refunds

__all__ = ["coinbase_webhook", "look_into", "process", "receive", "stripe_webhook"]

logger = logging.getLogger(__name__)

State = ProviderEvent.State

#: Events about these things are looked into.
FOLLOWED = (
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


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 when the event is dealt with; 400 for a forgery; 500 asks the provider to send it again."""
    signature = request.headers.get("Stripe-Signature", "")
    return _answer("stripe", lambda: stripe.read_event(request.body, signature))


@csrf_exempt
@require_POST
def coinbase_webhook(request: HttpRequest) -> HttpResponse:
    """200 when the event is dealt with; 400 for a forgery; 500 asks the provider to send it again."""
    return _answer("coinbase", lambda: coinbase.read_event(request.body, request.headers))


def _answer(provider: str, read: Callable[[], WebhookEvent]) -> HttpResponse:
    try:
        event = receive(provider, read())
    except InvalidSignature as forgery:
        logger.warning("a webhook of %s was refused: %s", provider, forgery)
        return HttpResponse("The signature is not valid.\n", status=400, content_type="text/plain")
    return HttpResponse(status=200 if process(event) else 500)


def receive(provider: str, told: WebhookEvent) -> ProviderEvent:
    """The verified event, written down before anything else happens; the first copy when it came before."""
    followed = told.type.startswith(FOLLOWED) and told.is_live == PROVIDERS[provider].gateway.is_live()
    event, _ = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=told.id[:100],
        defaults={
            "type": told.type[:100],
            "object_id": told.object_id[:100],
            "payment_id": told.payment_id[:100],
            "purchase_id": told.purchase_id[:36],
            "customer_id": told.customer_id[:100],
            "state": State.NEW if followed else State.IGNORED,
        },
    )
    return event


def process(event: ProviderEvent) -> bool:
    """Look at what the event is about. False when that failed and must be tried again."""
    try:
        return look_into(event)
    except Unavailable:
        logger.warning("event %s (%s) waits: the provider does not answer", event.event_id, event.type)
        return False


def look_into(event: ProviderEvent) -> bool:
    """As `process`, but raises Unavailable when the provider cannot be asked: the event is then as good as new."""
    if event.state in {State.DONE, State.IGNORED}:
        return True
    event.tried_at = timezone.now()
    try:
        is_ours = _is_about_ours(event)
        event.state, event.error = State.DONE if is_ours else State.IGNORED, ""
        event.attempts += 1
    except Unavailable as silence:
        event.state, event.error = State.FAILED, _named(silence)
        raise
    except Exception as error:
        logger.exception("event %s (%s) failed", event.event_id, event.type)
        event.state, event.error = State.FAILED, _named(error)
        event.attempts += 1
    finally:
        event.save(update_fields=["state", "error", "attempts", "tried_at"])
    return event.state != State.FAILED


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _is_about_ours(event: ProviderEvent) -> bool:
    """Ask the provider about what the event names; whether that is anything of ours."""
    if event.type.startswith("payment_method."):
        return cards.refresh(event.object_id) is not None
    purchase = _purchase_of(event)
    if purchase is None:
        # A page on which a card was saved belongs to no purchase; its customer is ours.
        is_page = event.type.startswith("checkout.session.") and event.customer_id
        known = is_page and CreditAccount.objects.filter(stripe_customer_id=event.customer_id).exists()
        return bool(known) and cards.keep(event.object_id) is not None
    purchase = purchases.sync(purchase)
    auto_top_up_charges.report_outcome(purchase)
    if event.type.startswith(("refund.", "charge.refund", "checkout.refund.")):
        refunds.sync(purchase)
    if event.type.startswith("charge.dispute."):
        disputes.sync(purchase)
    if event.type.startswith("radar."):
        logger.error("purchase %s: the bank warns that the card may be stolen (%s)", purchase.pk, event.object_id)
    return True


def _purchase_of(event: ProviderEvent) -> Purchase | None:
    """The purchase that the event is about; None when it is nothing of ours."""
    if found := Purchase.objects.filter(provider_session=event.object_id).first():
        return found
    if found := Purchase.objects.with_ids(event.purchase_id).first():
        return found
    if not event.payment_id:
        return None
    if found := Purchase.objects.filter(provider_payment=event.payment_id).first():
        return found
    # It can come before the purchase knows its payment; the payment knows its purchase.
    return Purchase.objects.with_ids(stripe.fetch_payment(event.payment_id).purchase_id).first()
