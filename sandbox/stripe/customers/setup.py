"""Setup intents: a card kept for later payments, without one now."""

from sandbox.stripe import events, ids
from sandbox.stripe.errors import CardDeclined, Json, documentation
from sandbox.stripe.store import Store, public

from . import payment_methods
from .cards import DECLINES


def add(store: Store, customer: str, session: str) -> Json:
    """A new setup intent for a checkout session."""
    intent = store.add(
        "seti",
        "setup_intent",
        {
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": None,
            "customer": customer,
            "customer_account": None,
            "description": None,
            "excluded_payment_method_types": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "mandate": None,
            "metadata": {},
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
        return decline(store, intent, card.decline, method)
    if card.authentication != "never":
        details = {"return_url": None, "url": f"{store.address}/authorize/{intent['id']}"}
        action = {"type": "redirect_to_url", "redirect_to_url": details}
        store.save(intent, payment_method=method["id"], status="requires_action", next_action=action)
        events.emit(store, "setup_intent.requires_action", intent)
        return intent
    return succeed(store, intent, method)


def succeed(store: Store, intent: Json, method: Json) -> Json:
    """The intent, done: the card is the customer's and may be charged while they are away."""
    payment_methods.keep(store, method, intent["customer"])
    store.save(intent, payment_method=method["id"], status="succeeded", next_action=None, last_setup_error=None)
    events.emit(store, "setup_intent.succeeded", intent)
    return intent


def decline(store: Store, intent: Json, reason: str, method: Json) -> Json:
    """Record the refusal. Always raises CardDeclined."""
    why = DECLINES[reason]
    fields: Json = {
        "advice_code": why.advice,
        "code": why.code,
        "decline_code": why.decline_code,
        "message": why.message,
        "network_decline_code": why.network_code,
    }
    _fail(store, intent, method, fields | {"type": "card_error"})
    raise CardDeclined(kept=True, setup_intent=public(intent), **fields)


def cancel(store: Store, intent: Json) -> Json:
    """The intent, closed with its session."""
    store.save(intent, status="canceled", cancellation_reason="abandoned", next_action=None)
    events.emit(store, "setup_intent.canceled", intent)
    return intent


def fail_authentication(store: Store, intent: Json) -> Json:
    """The intent after its owner has failed, or refused, to authenticate."""
    message = "The provided PaymentMethod has failed authentication. Provide another PaymentMethod to try again."
    fields = {
        "code": "setup_intent_authentication_failure",
        "message": message,
        "type": "invalid_request_error",
    }
    return _fail(store, intent, store.get(intent["payment_method"], "payment_method"), fields)


def _fail(store: Store, intent: Json, method: Json, fields: Json) -> Json:
    """The intent after a failed attempt, waiting for another card."""
    last = {name: value for name, value in fields.items() if value is not None}
    last |= {"doc_url": documentation(fields["code"]), "payment_method": public(method)}
    store.save(
        intent,
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=dict(sorted(last.items())),
    )
    events.emit(store, "setup_intent.setup_failed", intent)
    return intent
