"""Payment intents: the state of one payment from the first attempt to the money.

requires_payment_method -> requires_confirmation -> [requires_action] -> [processing] -> succeeded
A declined attempt goes back to requires_payment_method; what has not succeeded can be cancelled.
"""

from . import attempts, events, payment_methods
from .errors import InvalidParameter, InvalidRequest, Json
from .lists import Filter, listed
from .parameters import (
    CREATED,
    EXPAND,
    PAGE,
    Rules,
    amount,
    boolean,
    choice,
    clearable,
    currency,
    email,
    metadata,
    nested,
    required,
    several,
    text,
    url,
)
from .parameters import merged as merged_metadata
from .store import Store, public

_FUTURE_USE = choice("off_session", "on_session")
_CONFIRMATION: Rules = {
    "error_on_requires_action": boolean(),
    "off_session": boolean(),
    "payment_method": text(),
    "receipt_email": clearable(email()),
    "return_url": url(),
    "setup_future_usage": clearable(_FUTURE_USE),
}
CREATE: Rules = (
    EXPAND
    | _CONFIRMATION
    | {
        "allowed_payment_method_types": several(choice(*payment_methods.TYPES)),
        "amount": required(amount()),
        "automatic_payment_methods": nested(
            {"allow_redirects": choice("always", "never"), "enabled": required(boolean())}
        ),
        "capture_method": choice("automatic", "automatic_async"),
        "confirm": boolean(),
        "currency": required(currency()),
        "customer": text(),
        "description": text(1000),
        "metadata": metadata(),
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
    }
)
UPDATE: Rules = EXPAND | {
    "amount": amount(),
    "customer": text(),
    "description": text(1000),
    "metadata": metadata(),
    "payment_method": text(),
    "receipt_email": clearable(email()),
    "setup_future_usage": clearable(_FUTURE_USE),
}
CONFIRM: Rules = EXPAND | _CONFIRMATION
CANCEL: Rules = EXPAND | {
    "cancellation_reason": choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")
}
RETRIEVE: Rules = EXPAND | {"client_secret": text()}
LIST: Rules = PAGE | {"created": CREATED, "customer": text()}


def create(store: Store, given: Json) -> Json:
    """A new payment intent, confirmed at once when `confirm` says so."""
    if given.get("off_session") and not given.get("confirm"):
        raise InvalidParameter("`off_session` cannot be true when `confirm` is not true.", param="off_session")
    redirects = given.get("automatic_payment_methods", {}).get("allow_redirects", "always") == "always"
    allowed = given.get("allowed_payment_method_types")
    types = [each for each in allowed or payment_methods.TYPES if redirects or each == "card"]
    if given.get("confirm") and types != ["card"] and "return_url" not in given:
        raise InvalidParameter(
            "This PaymentIntent is configured to accept payment methods that may redirect your customer off of your "
            "page, so you must provide a `return_url`. If you don't want to accept redirect-based payment methods, "
            "set `automatic_payment_methods[allow_redirects]` to `never`, or `allowed_payment_method_types` to `card`.",
            param="return_url",
        )
    if "customer" in given:
        store.get(given["customer"], "customer", "customer")
    intent = attempts.add(store, given | {"payment_method": None}, types, allowed, redirects)
    if "payment_method" in given:
        method = payment_methods.find(store, given["payment_method"])
        _check_usable(intent, method)
        store.save(intent, payment_method=method["id"], status="requires_confirmation")
    events.emit(store, "payment_intent.created", intent)
    return attempts.confirm(store, intent, given) if given.get("confirm") else intent


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One payment intent."""
    return store.get(identifier, "payment_intent")


def list_(store: Store, given: Json) -> Json:
    """Payment intents, newest first."""
    return listed(store, "/v1/payment_intents", "payment_intent", given, [Filter("$.customer", given.get("customer"))])


def update(store: Store, given: Json, identifier: str) -> Json:
    """The intent with the given fields changed; most of them only before it succeeds."""
    intent = store.get(identifier, "payment_intent")
    frozen = set(given) - {"expand", "metadata", "description"}
    if intent["status"] in ("succeeded", "canceled", "processing") and frozen:
        raise _unexpected_state(intent, "updated")
    changes = {name: value for name, value in given.items() if name not in ("expand", "metadata", "payment_method")}
    if "customer" in changes:
        store.get(changes["customer"], "customer", "customer")
    if "metadata" in given:
        changes["metadata"] = merged_metadata(intent["metadata"], given["metadata"])
    if "payment_method" in given:
        method = payment_methods.find(store, given["payment_method"])
        _check_usable(intent | changes, method)
        changes |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return store.save(intent, **changes)


def confirm(store: Store, given: Json, identifier: str) -> Json:
    """The intent after one attempt to take the money."""
    intent = store.get(identifier, "payment_intent")
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise _unexpected_state(intent, "confirmed")
    if "payment_method" in given:
        method = payment_methods.find(store, given["payment_method"])
        _check_usable(intent, method)
        store.save(intent, payment_method=method["id"])
    changes = {name: given[name] for name in ("receipt_email", "setup_future_usage") if name in given}
    store.save(intent, **changes)
    return attempts.confirm(store, intent, given)


def cancel(store: Store, given: Json, identifier: str) -> Json:
    """The intent, cancelled for good."""
    intent = store.get(identifier, "payment_intent")
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise _unexpected_state(intent, "canceled")
    return attempts.cancel(store, intent, given.get("cancellation_reason"))


def _check_usable(intent: Json, method: Json) -> None:
    """Raises InvalidRequest for a method that this intent's customer may not use."""
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        if intent["customer"] is None:
            raise InvalidRequest(
                f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. Please include the "
                "Customer in the `customer` parameter on the PaymentIntent.",
                param="customer",
            )
        raise InvalidRequest(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {intent['customer']}. "
            "Please use this PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    payment_methods.refuse_spent(method)
    if method["type"] not in intent["payment_method_types"]:
        raise InvalidRequest(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of these types: {', '.join(intent['payment_method_types'])}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )


def _unexpected_state(intent: Json, verb: str) -> InvalidRequest:
    return InvalidRequest(
        f"This PaymentIntent could not be {verb} because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=public(intent),
    )
