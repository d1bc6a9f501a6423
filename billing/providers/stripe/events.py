"""Webhooks: who really sent them, and what they hint at."""

import stripe
from django.conf import settings

from billing.providers.types import Event, ForgedEvent

from .connection import secret_key

#: A webhook older than this many seconds is a replay.
TOLERANCE = 300


def read_event(body: bytes, signature: str) -> Event:
    """The event in a webhook's raw body. ForgedEvent unless one of our secrets signed it lately."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            event = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE, api_key=secret_key())
            return _event(event)
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ForgedEvent("The body is not an event.") from error
    raise ForgedEvent("None of the webhook secrets fits the signature.")


def _event(event: stripe.Event) -> Event:
    thing = event.data.object.to_dict() if isinstance(event.data.object, stripe.StripeObject) else event.data.object
    metadata = thing.get("metadata") or {}
    payment = thing["id"] if thing.get("object") == "payment_intent" else thing.get("payment_intent")
    return Event(
        id=event.id,
        type=event.type,
        is_live=event.livemode,
        object_id=str(thing.get("id") or ""),
        payment_id=payment if isinstance(payment, str) else "",
        purchase=str(metadata.get("purchase") or ""),
        customer=customer if isinstance(customer := thing.get("customer"), str) else "",
    )
