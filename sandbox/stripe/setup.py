"""Setup intents: a card kept for later payments, without one now."""

from . import events, ids, payment_methods
from .cards import DECLINES
from .errors import CardDeclined, Json, documentation
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, text
from .parameters import merged as merged_metadata
from .store import Store, public

RETRIEVE: Rules = EXPAND | {"client_secret": text()}
LIST: Rules = PAGE | {"created": CREATED, "customer": text(), "payment_method": text()}


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One setup intent."""
    return store.get(identifier, "setup_intent")


def list_(store: Store, given: Json) -> Json:
    """Setup intents, newest first."""
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("customer", "payment_method")]
    return listed(store, "/v1/setup_intents", "setup_intent", given, filters)


def add(store: Store, given: Json, session: str) -> Json:
    """A new setup intent for a checkout session."""
    intent = store.add(
        "seti",
        "setup_intent",
        {
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": None,
            "customer": given.get("customer"),
            "customer_account": None,
            "description": given.get("description"),
            "excluded_payment_method_types": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "mandate": None,
            "metadata": merged_metadata({}, given.get("metadata")),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"mandate_options": None, "request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": "off_session",
            "_session": session,
            "_return_url": None,
        },
    )
    store.save(intent, client_secret=ids.client_secret(intent["id"]))
    events.emit(store, "setup_intent.created", intent)
    return intent


def confirm(store: Store, intent: Json, method: Json) -> Json:
    """The intent after its card was checked: succeeded or requires_action. Raises CardDeclined."""
    card = payment_methods.card_of(method)
    assert card is not None
    if card.decline and not card.attaches:
        return decline(store, intent, method, card.decline)
    if card.authentication != "never":
        address = f"{store.address}/authorise/{intent['id']}"
        details = {"return_url": intent["_return_url"], "url": address}
        action = {"type": "redirect_to_url", "redirect_to_url": details}
        store.save(intent, payment_method=method["id"], status="requires_action", next_action=action)
        events.emit(store, "setup_intent.requires_action", intent)
        return intent
    return succeed(store, intent, method)


def succeed(store: Store, intent: Json, method: Json) -> Json:
    """The intent, done: the card is the customer's and may be charged while they are away."""
    if intent["customer"]:
        payment_methods.keep(store, method, intent["customer"], set_up=True)
    store.save(intent, payment_method=method["id"], status="succeeded", next_action=None, last_setup_error=None)
    events.emit(store, "setup_intent.succeeded", intent)
    return intent


def decline(store: Store, intent: Json, method: Json, reason: str) -> Json:
    """Record the refusal. Always raises CardDeclined."""
    why = DECLINES[reason]
    fields: Json = {
        "advice_code": why.advice,
        "code": why.code,
        "decline_code": why.decline_code,
        "message": why.message,
        "network_decline_code": why.network_code,
    }
    fail(store, intent, method, fields, "card_error")
    raise CardDeclined(kept=True, setup_intent=public(intent), **fields)


def cancel(store: Store, intent: Json) -> Json:
    """The intent, closed with its session."""
    store.save(intent, status="canceled", cancellation_reason="abandoned", next_action=None)
    events.emit(store, "setup_intent.canceled", intent)
    return intent


def fail_authentication(store: Store, intent: Json) -> Json:
    """The intent after its owner could not, or would not, prove who they are."""
    method = store.get(intent["payment_method"], "payment_method")
    message = "The provided PaymentMethod has failed authentication. Provide another PaymentMethod to try again."
    fields = {"code": "setup_intent_authentication_failure", "message": message}
    return fail(store, intent, method, fields, "invalid_request_error")


def fail(store: Store, intent: Json, method: Json, fields: Json, error: str) -> Json:
    """The intent after a failed attempt, waiting for another card."""
    last = {name: value for name, value in fields.items() if value is not None}
    last |= {"doc_url": documentation(fields["code"]), "payment_method": public(method), "type": error}
    store.save(
        intent,
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=dict(sorted(last.items())),
    )
    events.emit(store, "setup_intent.setup_failed", intent)
    return intent
