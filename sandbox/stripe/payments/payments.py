"""Payment intents by the API: a saved card charged while its owner is away, in one step.

Payments of the hosted page begin in `buyer.py`; the attempts of both are in `attempts.py`.
"""

from sandbox.stripe import events
from sandbox.stripe.calls.lists import Filter, listed
from sandbox.stripe.calls.parameters import (
    CREATED,
    EXPAND,
    PAGE,
    Rules,
    amount,
    boolean,
    choice,
    currency,
    email,
    metadata,
    required,
    several,
    text,
)
from sandbox.stripe.customers import payment_methods
from sandbox.stripe.errors import InvalidParameter, InvalidRequest, Json
from sandbox.stripe.store import Store

from . import attempts

CREATE: Rules = EXPAND | {
    "allowed_payment_method_types": required(several(choice("card"))),
    "amount": required(amount()),
    "confirm": required(boolean()),
    "currency": required(currency()),
    "customer": required(text()),
    "description": text(1000),
    "metadata": metadata(),
    "off_session": required(boolean()),
    "payment_method": required(text()),
    "receipt_email": email(),
}
LIST: Rules = PAGE | {"created": CREATED, "customer": text()}


def create(store: Store, given: Json) -> Json:
    """The payment intent after its one attempt. Raises CardDeclined."""
    for name in ("confirm", "off_session"):
        if not given[name]:
            raise InvalidParameter(f"The sandbox takes payments by the API only with `{name}`.", param=name)
    customer = store.get(given["customer"], "customer", "customer")
    method = payment_methods.find(store, given["payment_method"])
    if method["customer"] not in (None, customer["id"]):
        raise InvalidRequest(
            f"The PaymentMethod {method['id']} does not belong to the Customer you supplied {customer['id']}. "
            "Please use this PaymentMethod with the Customer that it belongs to instead.",
            param="payment_method",
        )
    payment_methods.refuse_spent(method)
    intent = attempts.add(store, given, ["card"])
    store.save(intent, payment_method=method["id"], status="requires_confirmation")
    events.emit(store, "payment_intent.created", intent)
    return attempts.confirm(store, intent, off_session=True)


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One payment intent."""
    return store.get(identifier, "payment_intent")


def list_(store: Store, given: Json) -> Json:
    """Payment intents, newest first."""
    return listed(store, "/v1/payment_intents", "payment_intent", given, [Filter("$.customer", given.get("customer"))])
