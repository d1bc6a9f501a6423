"""The buyer's acts on the hosted pages: paying, and agreeing or refusing on the bank's page."""

from typing import Any

from sandbox.stripe import events
from sandbox.stripe.customers import payment_methods, setup
from sandbox.stripe.customers.cards import Card
from sandbox.stripe.errors import InvalidRequest, Json
from sandbox.stripe.store import Store

from . import attempts


def pay(store: Store, session: Json, method: Json) -> Json:
    """The intent of the session after an attempt to pay, or to keep a card, with this method.

    The session is complete when the intent succeeded; an intent that requires an action waits for
    `authorize` or `refuse`.

    Raises:
        CardDeclined: the session stays open for another try.
    """
    if session["mode"] == "setup":
        intent = store.get(session["setup_intent"], "setup_intent")
        setup.confirm(store, intent, method)
    else:
        intent = _payment_intent(store, session, method)
        attempts.confirm(store, intent, off_session=False)
    if intent["status"] == "succeeded":
        _complete(store, session, paid=True)
    return intent


def _payment_intent(store: Store, session: Json, method: Json) -> Json:
    if session["payment_intent"]:
        intent = store.get(session["payment_intent"], "payment_intent")
    else:
        wanted: dict[str, Any] = {name: session[name] for name in ("currency", "customer")}
        wanted |= session["_intent"] | {"amount": session["amount_total"]}
        intent = attempts.add(store, wanted, session["payment_method_types"], session["id"])
        events.emit(store, "payment_intent.created", intent)
        store.save(session, payment_intent=intent["id"])
    usage = session["payment_method_options"].get(method["type"], {}).get("setup_future_usage")
    return store.save(intent, payment_method=method["id"], setup_future_usage=usage)


def authorize(store: Store, intent: Json, later: bool = False) -> Json:
    """The intent after its owner agreed on the bank's page. `later`: the money is still under way.

    Raises:
        CardDeclined: agreed, but the bank still declines.
    """
    _check_waiting(intent)
    method = store.get(intent["payment_method"], "payment_method")
    if intent["object"] == "setup_intent":
        setup.succeed(store, intent, method)
    elif later:
        attempts.process(store, intent, method)
    else:
        attempts.take(store, intent, method, authenticated=method["type"] == "card")
    _complete(store, session_of(store, intent), paid=not later)
    return intent


def refuse(store: Store, intent: Json) -> Json:
    """The intent after its owner refused, or failed, on the bank's page."""
    _check_waiting(intent)
    if intent["object"] == "setup_intent":
        return setup.fail_authentication(store, intent)
    return attempts.fail_authentication(store, intent)


def _check_waiting(intent: Json) -> None:
    if intent["status"] != "requires_action":
        raise InvalidRequest(f"Nothing to do here: this payment has a status of {intent['status']}.")


def session_of(store: Store, intent: Json) -> Json:
    """The session that this intent pays for."""
    return store.get(intent["_session"], "checkout.session")


def _complete(store: Store, session: Json, paid: bool) -> Json:
    """The session, finished by its buyer."""
    status = session["payment_status"] if session["mode"] == "setup" else "paid" if paid else "unpaid"
    store.save(session, status="complete", payment_status=status, url=None)
    events.emit(store, "checkout.session.completed", session)
    return session


def settle(store: Store, intent: Json, succeeded: bool) -> Json:
    """The intent after the answer that `authorize(later=True)` left open, and with it its session."""
    if intent["status"] != "processing":
        raise InvalidRequest("This payment is not under way.")
    attempts.settle(store, intent, succeeded)
    session = session_of(store, intent)
    if succeeded:
        store.save(session, payment_status="paid")
    outcome = "succeeded" if succeeded else "failed"
    events.emit(store, f"checkout.session.async_payment_{outcome}", session)
    return intent


def method_for(store: Store, session: Json, method: str, card: Card | None, details: Json | None = None) -> Json:
    """A new payment method for this session. Raises InvalidRequest for a type that it does not accept."""
    if method not in session["payment_method_types"]:
        raise InvalidRequest(f"This page does not accept {method}.", param="type")
    return payment_methods.add(store, method, card, details)


def success_url(session: Json) -> str:
    """The address to which the buyer goes after paying."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
