"""Payment methods: cards, Alipay, PayPal and crypto, kept by a customer or used once."""

import datetime

from sandbox.stripe import events
from sandbox.stripe.errors import CardDeclined, InvalidRequest, Json
from sandbox.stripe.store import Store

from .cards import BY_ALIAS, BY_NUMBER, Card, valid_number

TYPES = ("card", "alipay", "paypal", "crypto")
#: The part of a payment method that is named after its type, where it is not empty.
_PARTS: dict[str, Json] = {"paypal": {"country": "US", "payer_email": "payer@example.com", "payer_id": "SANDBOXPAYER"}}
_SUPPORTED_3DS = ("visa", "mastercard")


def add(store: Store, kind: str, card: Card | None, given: Json | None = None) -> Json:
    """A new payment method of this type. `given` may have `email`, `name`, and `exp_month`, `exp_year` of the card."""
    given = given or {}
    return store.add(
        "pm",
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
                "email": given.get("email"),
                "name": given.get("name"),
                "phone": None,
                "tax_id": None,
            },
            kind: _card(card, given) if card else _PARTS.get(kind, {}),
            "customer": None,
            "customer_account": None,
            "metadata": {},
            "type": kind,
            "_number": card and card.number,
            "_set_up": False,
            "_spent": False,
        },
    )


def _card(card: Card, given: Json) -> Json:
    """The `card` part of a payment method."""
    cvc = "fail" if card.decline == "incorrect_cvc" else "pass"
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": cvc if "exp_month" in given else None,
        },
        "country": "US",
        "display_brand": {"amex": "american_express"}.get(card.brand, card.brand),
        "exp_month": given.get("exp_month", 12),
        "exp_year": given.get("exp_year", 2034),
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand in _SUPPORTED_3DS},
        "wallet": None,
    }


def card_of_number(number: str, param: str | None) -> Card:
    """The test card with this number. Raises CardDeclined for any other number."""
    digits = number.replace(" ", "").replace("-", "")
    card = BY_NUMBER.get(digits)
    if card is not None:
        return card
    if not valid_number(digits):
        raise CardDeclined("Your card number is incorrect.", code="incorrect_number", param=param)
    raise CardDeclined(
        "Your card was declined. Your request was in test mode, but used a non test card. "
        "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
        code="card_declined",
        decline_code="test_mode_live_card",
        param=param,
    )


def check_expiry(store: Store, month: int, year: int, param: str) -> None:
    """Raises CardDeclined for a date that has passed or is absurdly far ahead."""
    today = datetime.datetime.fromtimestamp(store.now(), datetime.UTC)
    if not today.year <= year <= today.year + 50:
        raise CardDeclined(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param=f"{param}[exp_year]"
        )
    if (year, month) < (today.year, today.month):
        raise CardDeclined(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param=f"{param}[exp_month]"
        )


def find(store: Store, identifier: str) -> Json:
    """The payment method with this id; a ready-made name such as `pm_card_visa` makes a new one."""
    if identifier in BY_ALIAS:
        return add(store, "card", BY_ALIAS[identifier])
    return store.get(identifier, "payment_method", "payment_method")


def card_of(method: Json) -> Card | None:
    """The test card of a payment method, which says how it behaves; None when it is no card."""
    return BY_NUMBER[method["_number"]] if method["_number"] else None


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One payment method."""
    return store.get(identifier, "payment_method")


def keep(store: Store, method: Json, customer: str) -> Json:
    """The payment method as the customer's own, kept for later payments."""
    new = method["customer"] is None
    store.save(method, customer=customer, allow_redisplay="limited", _set_up=True)
    if new:
        events.emit(store, "payment_method.attached", method)
    return method


def refuse_spent(method: Json) -> None:
    """Raises InvalidRequest for a method that was used once, or detached."""
    if method["_spent"] and method["customer"] is None:
        raise InvalidRequest(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
        )


def detach(store: Store, given: Json, identifier: str) -> Json:
    """The payment method without its customer, never to be used again."""
    method = store.get(identifier, "payment_method")
    owner = method["customer"]
    if owner is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    store.save(method, customer=None, _spent=True)
    events.emit(store, "payment_method.detached", method, {"customer": owner})
    return method


def renew(store: Store, method: Json, exp_month: int, exp_year: int) -> Json:
    """The saved card as its bank has replaced it, without its owner doing anything."""
    store.save(method, card=method["card"] | {"exp_month": exp_month, "exp_year": exp_year})
    events.emit(store, "payment_method.automatically_updated", method)
    return method
