"""Webhooks: verifying their signature and reading which objects they concern."""

import stripe
from django.conf import settings

from billing.providers.types import InvalidSignature, WebhookEvent

from .connection import secret_key

#: Maximum age of a webhook in seconds; an older one may be a replay.
TOLERANCE = 300


def read_event(body: bytes, signature: str) -> WebhookEvent:
    """The event in a webhook's raw body. InvalidSignature unless one of our secrets signed it recently."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            event = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE, api_key=secret_key())
            return _to_event(event)
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise InvalidSignature("The body is not an event.") from error
    raise InvalidSignature("The signature matches none of the webhook secrets.")


def _to_event(event: stripe.Event) -> WebhookEvent:
    subject = event.data.object.to_dict() if isinstance(event.data.object, stripe.StripeObject) else event.data.object
    metadata = subject.get("metadata") or {}
    payment = subject["id"] if subject.get("object") == "payment_intent" else subject.get("payment_intent")
    return WebhookEvent(
        id=event.id,
        type=event.type,
        is_live=event.livemode,
        object_id=str(subject.get("id") or ""),
        payment_id=payment if isinstance(payment, str) else "",
        purchase_id=str(metadata.get("purchase") or ""),
        customer_id=customer if isinstance(customer := subject.get("customer"), str) else "",
    )
