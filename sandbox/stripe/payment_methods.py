"""Payment methods: cards, Alipay and crypto, kept by a customer or used once."""

import datetime

from . import events
from .cards import BY_ALIAS, BY_NUMBER, DECLINES, Card, valid_number
from .errors import CardDeclined, InvalidRequest, Json
from .lists import Filter, listed
from .parameters import EXPAND, PAGE, Rules, choice, clearable, email, integer, metadata, nested, required, text
from .parameters import merged as merged_metadata
from .store import Store

TYPES = ("card", "alipay", "crypto")

_BILLING = nested(
    {
        "address": nested({name: text() for name in ("city", "country", "line1", "line2", "postal_code", "state")}),
        "email": clearable(email()),
        "name": clearable(text()),
        "phone": clearable(text()),
    }
)
_REDISPLAY = choice("always", "limited", "unspecified")
CREATE: Rules = EXPAND | {
    "allow_redisplay": _REDISPLAY,
    "billing_details": _BILLING,
    "card": nested(
        {
            "cvc": text(4),
            "exp_month": required(integer(least=1, most=12)),
            "exp_year": required(integer()),
            "number": required(text(23)),
        }
    ),
    "alipay": nested({}),
    "crypto": nested({}),
    "metadata": metadata(),
    "type": required(choice(*TYPES)),
}
UPDATE: Rules = EXPAND | {"allow_redisplay": _REDISPLAY, "billing_details": _BILLING, "metadata": metadata()}
ATTACH: Rules = EXPAND | {"customer": required(text())}
DETACH: Rules = EXPAND
RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {"allow_redisplay": _REDISPLAY, "customer": text(), "type": choice(*TYPES)}
LIST_OF_CUSTOMER: Rules = PAGE | {"allow_redisplay": _REDISPLAY, "type": choice(*TYPES)}


def create(store: Store, given: Json) -> Json:
    """A new payment method that belongs to nobody yet."""
    card = None
    if given["type"] == "card":
        if "card" not in given:
            raise InvalidRequest("Missing required param: card.", code="parameter_missing", param="card")
        card = card_of_number(given["card"]["number"], "card[number]")
        check_expiry(store, given["card"]["exp_month"], given["card"]["exp_year"], "card")
    return add(store, given["type"], card, given)


def add(store: Store, kind: str, card: Card | None, given: Json | None = None) -> Json:
    """A new payment method of this type; `card` for cards only."""
    given = given or {}
    details: Json = {}
    if card is not None:
        numbers = given.get("card", {})
        details = shape(card, numbers.get("exp_month", 12), numbers.get("exp_year", 2034), "cvc" in numbers)
    billing = given.get("billing_details", {})
    return store.add(
        "pm",
        "payment_method",
        {
            "allow_redisplay": given.get("allow_redisplay", "unspecified"),
            "billing_details": {
                "address": _address(billing.get("address", {})),
                "email": billing.get("email"),
                "name": billing.get("name"),
                "phone": billing.get("phone"),
                "tax_id": None,
            },
            kind: details,
            "customer": None,
            "customer_account": None,
            "metadata": merged_metadata({}, given.get("metadata")),
            "type": kind,
            "_number": card and card.number,
            "_set_up": card is not None and card.set_up,
            "_spent": False,
        },
    )


def _address(given: Json) -> Json:
    return {name: given.get(name) for name in ("city", "country", "line1", "line2", "postal_code", "state")}


def shape(card: Card, exp_month: int, exp_year: int, cvc_given: bool) -> Json:
    """The `card` part of a payment method."""
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": ("fail" if card.decline == "incorrect_cvc" else "pass") if cvc_given else None,
        },
        "country": card.country,
        "display_brand": {"amex": "american_express", "diners": "diners_club"}.get(card.brand, card.brand),
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.brand in ("visa", "mastercard")},
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
    """Raises CardDeclined for a date that has passed or lies absurdly far ahead."""
    today = datetime.datetime.fromtimestamp(store.now(), datetime.UTC)
    full = year + 2000 if year < 100 else year
    if not today.year <= full <= today.year + 50:
        raise CardDeclined(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param=f"{param}[exp_year]"
        )
    if (full, month) < (today.year, today.month):
        raise CardDeclined(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param=f"{param}[exp_month]"
        )


def find(store: Store, identifier: str, param: str = "payment_method") -> Json:
    """The payment method with this id; a ready-made name such as `pm_card_visa` makes a new one."""
    if identifier in BY_ALIAS:
        return add(store, "card", BY_ALIAS[identifier])
    return store.get(identifier, "payment_method", param)


def card_of(method: Json) -> Card | None:
    """How the test card behind this payment method behaves; None when it is no card."""
    return BY_NUMBER[method["_number"]] if method["_number"] else None


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One payment method."""
    return find(store, identifier, "id")


def retrieve_of_customer(store: Store, given: Json, customer: str, identifier: str) -> Json:
    """One payment method of one customer."""
    method = store.get(identifier, "payment_method")
    if method["customer"] != customer:
        store.get(customer, "customer")
        raise InvalidRequest(
            f"No such PaymentMethod: '{identifier}'", status=404, code="resource_missing", param="payment_method"
        )
    return method


def update(store: Store, given: Json, identifier: str) -> Json:
    """The payment method with the given fields changed."""
    method = store.get(identifier, "payment_method")
    if method["customer"] is None:
        raise InvalidRequest("You must save this PaymentMethod to a customer before you can update it.")
    before = dict(method)
    changes = {name: given[name] for name in ("allow_redisplay",) if name in given}
    if "metadata" in given:
        changes["metadata"] = merged_metadata(method["metadata"], given["metadata"])
    if "billing_details" in given:
        changes["billing_details"] = method["billing_details"] | given["billing_details"]
    store.save(method, **changes)
    previous = {name: before[name] for name in changes if before[name] != method[name]}
    events.emit(store, "payment_method.updated", method, previous)
    return method


def attach(store: Store, given: Json, identifier: str) -> Json:
    """The payment method, now the customer's. Raises CardDeclined when the bank refuses the check."""
    customer = store.get(given["customer"], "customer", "customer")
    method = find(store, identifier, "id")
    if method["customer"] is not None:
        raise InvalidRequest(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )
    refuse_spent(method)
    if method["type"] != "card":
        raise InvalidRequest(
            f"This PaymentMethod is of type {method['type']}, which cannot be saved to a customer.",
            code="payment_method_unactivated",
        )
    card = card_of(method)
    if card is not None and card.decline and not card.attaches:
        decline = DECLINES[card.decline]
        raise CardDeclined(
            decline.message,
            code=decline.code,
            decline_code=decline.decline_code,
            advice_code=decline.advice,
            network_decline_code=decline.network_code,
        )
    return keep(store, method, customer["id"])


def keep(store: Store, method: Json, customer: str, set_up: bool = False, allow_redisplay: str | None = None) -> Json:
    """The payment method as the customer's own. `set_up` when its owner agreed to later payments."""
    changes: Json = {"customer": customer}
    if set_up:
        changes["_set_up"] = True
    if allow_redisplay is not None:
        changes["allow_redisplay"] = allow_redisplay
    new = method["customer"] is None
    store.save(method, **changes)
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
    """The payment method, nobody's and never to be used again."""
    method = store.get(identifier, "payment_method")
    if method["customer"] is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    owner = store.get(method["customer"], "customer")
    store.save(method, customer=None, _spent=True)
    if owner["invoice_settings"]["default_payment_method"] == identifier:
        store.save(owner, invoice_settings=owner["invoice_settings"] | {"default_payment_method": None})
    events.emit(store, "payment_method.detached", method, {"customer": owner["id"]})
    return method


def list_(store: Store, given: Json) -> Json:
    """Payment methods of a customer, newest first."""
    if "customer" not in given:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    store.get(given["customer"], "customer", "customer")
    return _listed(store, "/v1/payment_methods", given)


def list_of_customer(store: Store, given: Json, customer: str) -> Json:
    """Payment methods of the customer named in the address."""
    store.get(customer, "customer")
    return _listed(store, f"/v1/customers/{customer}/payment_methods", given | {"customer": customer})


def of_customer(store: Store, customer: str) -> list[Json]:
    """Every payment method that the customer keeps, newest first."""
    return store.all("payment_method", "AND json_extract(body, '$.customer') = ?", [customer])


def renew(store: Store, method: Json, exp_month: int, exp_year: int) -> Json:
    """The saved card as its bank has replaced it, without anybody having been asked."""
    store.save(method, card=method["card"] | {"exp_month": exp_month, "exp_year": exp_year})
    events.emit(store, "payment_method.automatically_updated", method)
    return method


def _listed(store: Store, url: str, given: Json) -> Json:
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("customer", "type", "allow_redisplay")]
    return listed(store, url, "payment_method", given, filters)
