"""Cards that the provider keeps: saving one, charging it while the buyer is away, giving it up."""

from dataclasses import dataclass
from datetime import datetime

import stripe
from django.conf import settings
from stripe.params import PaymentIntentCreateParams

from billing.providers.types import Checkout, NotThere, Payment, ProviderError, Refused

from .connection import client, identifier, metadata_of, translated
from .payments import payment_of_intent


class Declined(ProviderError):
    """The bank said no. The payment exists at the provider and has failed."""

    def __init__(self, code: str, *, is_final: bool, payment_id: str) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final  # the bank's advice is not to try this card again
        self.payment_id = payment_id


@dataclass(frozen=True)
class Card:
    """A card that the provider keeps for a customer."""

    method_id: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str


def open_card_setup(*, customer: str, user: str, success_url: str, cancel_url: str, key: str) -> Checkout:
    """A page on which a card is saved and nothing is paid. `user` is who asked, as our id."""
    with translated():
        session = client().v1.checkout.sessions.create(
            {
                "mode": "setup",
                "ui_mode": "hosted_page",
                "currency": "usd",
                "allowed_payment_method_types": ["card"],
                "branding_settings": {"display_name": settings.SITE_NAME},
                "customer": customer,
                "metadata": {"user": user},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": key},
        )
    return Checkout(id=session.id, url=session.url or "")


@dataclass(frozen=True)
class CardSetup:
    """A page on which a card was to be saved. `card` is None until it has been."""

    customer: str
    user: str
    card: Card | None


def fetch_card_setup(session_id: str) -> CardSetup | None:
    """What came of the page; None when it is a page for something else."""
    with translated():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
    if session.mode != "setup":
        return None
    intent = session.setup_intent if isinstance(session.setup_intent, stripe.SetupIntent) else None
    method = intent.payment_method if intent and intent.status == "succeeded" else None
    return CardSetup(
        customer=identifier(session.customer),
        user=metadata_of(session, "user"),
        card=_card(method) if isinstance(method, stripe.PaymentMethod) else None,
    )


def fetch_card_paid_with(session_id: str) -> Card | None:
    """The card that paid on the page, if it was kept; None for a page that is unpaid, or was paid otherwise."""
    with translated():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.payment_method"]})
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    method = intent.payment_method if intent and intent.status == "succeeded" else None
    return _card(method) if isinstance(method, stripe.PaymentMethod) else None


def fetch_card(method_id: str) -> Card | None:
    """The card as it is now (banks send new expiry dates); None when it is no card or belongs to nobody any more."""
    with translated():
        return _card(client().v1.payment_methods.retrieve(method_id))


def remove_card(method_id: str) -> None:
    """Have the provider forget the card. Harmless when it has already."""
    try:
        with translated():
            client().v1.payment_methods.detach(method_id)
    except NotThere:
        return
    except Refused:
        if fetch_card(method_id) is not None:  # otherwise it belongs to nobody any more, as was asked for
            raise


def charge_card(
    *, customer: str, method_id: str, cents: int, purchase: str, receipt_email: str, description: str, key: str
) -> Payment:
    """The payment, taken from the saved card while the buyer is away.

    Declined when the bank says no, also when it wants the buyer to be there. The same key charges once.
    """
    parameters: PaymentIntentCreateParams = {
        "amount": cents,
        "currency": "usd",
        "customer": customer,
        "payment_method": method_id,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "description": description,
        "metadata": {"purchase": purchase},
        "expand": ["latest_charge"],
    }
    if receipt_email:
        parameters["receipt_email"] = receipt_email
    try:
        intent = client().v1.payment_intents.create(parameters, {"idempotency_key": key})
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.StripeError as error:
        with translated():
            raise error
    return payment_of_intent(intent)


def payments_of(customer: str, since: datetime) -> list[Payment]:
    """Every payment of the customer that was begun since `since`, newest first."""
    with translated():
        page = client().v1.payment_intents.list(
            {
                "customer": customer,
                "created": {"gte": int(since.timestamp())},
                "limit": 100,
                "expand": ["data.latest_charge"],
            }
        )
        return [payment_of_intent(intent) for intent in page.auto_paging_iter()]


def _declined(error: stripe.CardError) -> Declined:
    told = error.error.to_dict() if error.error else {}
    intent = told.get("payment_intent") or {}
    return Declined(
        str(told.get("decline_code") or told.get("code") or "card_declined"),
        is_final=told.get("advice_code") == "do_not_try_again",
        payment_id=str(intent.get("id") or ""),
    )


def _card(method: stripe.PaymentMethod) -> Card | None:
    if method.type != "card" or method.card is None or method.customer is None:
        return None
    return Card(
        method_id=method.id,
        customer=identifier(method.customer),
        brand=method.card.brand,
        last4=method.card.last4,
        exp_month=method.card.exp_month,
        exp_year=method.card.exp_year,
        fingerprint=method.card.fingerprint or "",
    )
