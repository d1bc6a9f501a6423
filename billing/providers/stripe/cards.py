"""Saved cards: saving, charging and detaching them."""

from dataclasses import dataclass
from datetime import datetime

import stripe
from django.conf import settings
from stripe.params import PaymentIntentCreateParams

from billing.providers.types import Checkout, NotFound, Payment, ProviderError, RequestRejected

from .connection import client, id_of, metadata_of, translated_errors
from .payments import payment_of_intent


class Declined(ProviderError):
    """The bank declined the charge. The payment exists at the provider and has failed."""

    def __init__(self, code: str, *, is_final: bool, payment_id: str) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final  # the bank advises against trying this card again
        self.payment_id = payment_id


@dataclass(frozen=True)
class Card:
    """A card saved at the provider for a customer."""

    method_id: str
    customer_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str


@dataclass(frozen=True)
class CardSetup:
    """The result of a hosted page for saving a card. `card` is None until one has been saved."""

    customer_id: str
    user_id: str  # our public id of the user that opened the page
    card: Card | None


def open_card_setup(*, customer_id: str, user_id: str, success_url: str, cancel_url: str, key: str) -> Checkout:
    """Create a hosted page that saves a card without a payment. `user_id` is our public id of the user."""
    with translated_errors():
        session = client().v1.checkout.sessions.create(
            {
                "mode": "setup",
                "ui_mode": "hosted_page",
                "currency": "usd",
                "allowed_payment_method_types": ["card"],
                "branding_settings": {"display_name": settings.SITE_NAME},
                "customer": customer_id,
                "metadata": {"user": user_id},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": key},
        )
    return Checkout(id=session.id, url=session.url or "")


def fetch_card_setup(session_id: str) -> CardSetup | None:
    """The result of a card setup page; None if the session is not a card setup."""
    with translated_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
    if session.mode != "setup":
        return None
    intent = session.setup_intent if isinstance(session.setup_intent, stripe.SetupIntent) else None
    method = intent.payment_method if intent and intent.status == "succeeded" else None
    return CardSetup(
        customer_id=id_of(session.customer),
        user_id=metadata_of(session, "user"),
        card=_to_card(method) if isinstance(method, stripe.PaymentMethod) else None,
    )


def fetch_payment_card(session_id: str) -> Card | None:
    """The saved card that paid a checkout; None if the checkout is unpaid, or its payment method was not saved."""
    with translated_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.payment_method"]})
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    method = intent.payment_method if intent and intent.status == "succeeded" else None
    return _to_card(method) if isinstance(method, stripe.PaymentMethod) else None


def fetch_card(method_id: str) -> Card | None:
    """The card with its current details (banks update expiration dates); None if it is detached or not a card."""
    with translated_errors():
        return _to_card(client().v1.payment_methods.retrieve(method_id))


def detach_card(method_id: str) -> None:
    """Delete the saved card at the provider. Does nothing if it is already deleted."""
    try:
        with translated_errors():
            client().v1.payment_methods.detach(method_id)
    except NotFound:
        return
    except RequestRejected:
        if fetch_card(method_id) is not None:  # None: it was detached already
            raise


def charge_card(
    *, customer_id: str, method_id: str, cents: int, purchase_id: str, receipt_email: str, description: str, key: str
) -> Payment:
    """Charge a saved card off-session and return the payment. The same key charges once.

    Raises Declined when the bank declines, also when it demands that the buyer authenticate.
    """
    parameters: PaymentIntentCreateParams = {
        "amount": cents,
        "currency": "usd",
        "customer": customer_id,
        "payment_method": method_id,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "description": description,
        "metadata": {"purchase": purchase_id},
        "expand": ["latest_charge"],
    }
    if receipt_email:
        parameters["receipt_email"] = receipt_email
    try:
        intent = client().v1.payment_intents.create(parameters, {"idempotency_key": key})
    except stripe.CardError as error:
        raise _to_declined(error) from error
    except stripe.StripeError as error:
        with translated_errors():
            raise error
    return payment_of_intent(intent)


def payments_of(customer_id: str, since: datetime) -> list[Payment]:
    """Every payment of the customer created since `since`, newest first."""
    with translated_errors():
        page = client().v1.payment_intents.list(
            {
                "customer": customer_id,
                "created": {"gte": int(since.timestamp())},
                "limit": 100,
                "expand": ["data.latest_charge"],
            }
        )
        return [payment_of_intent(intent) for intent in page.auto_paging_iter()]


def _to_declined(error: stripe.CardError) -> Declined:
    details = error.error.to_dict() if error.error else {}
    intent = details.get("payment_intent") or {}
    return Declined(
        str(details.get("decline_code") or details.get("code") or "card_declined"),
        is_final=details.get("advice_code") == "do_not_try_again",
        payment_id=str(intent.get("id") or ""),
    )


def _to_card(method: stripe.PaymentMethod) -> Card | None:
    if method.type != "card" or method.card is None or method.customer is None:
        return None
    return Card(
        method_id=method.id,
        customer_id=id_of(method.customer),
        brand=method.card.brand,
        last4=method.card.last4,
        exp_month=method.card.exp_month,
        exp_year=method.card.exp_year,
        fingerprint=method.card.fingerprint or "",
    )
