"""What a buyer does on the hosted pages: pay, or agree and refuse on the bank's page."""

from typing import Any
from urllib.parse import quote, urlsplit

from . import attempts, checkout, customers, events, payment_methods, setup
from .cards import Card
from .errors import InvalidRequest, Json
from .store import Store


def saved_cards(store: Store, session: Json) -> list[Json]:
    """The customer's cards that the page may offer, newest first."""
    if not session["customer"] or session["mode"] != "payment":
        return []
    filters = session["saved_payment_method_options"]["allow_redisplay_filters"]
    methods = payment_methods.of_customer(store, session["customer"])
    return [each for each in methods if each["type"] == "card" and each["allow_redisplay"] in filters]


def pay(store: Store, session: Json, method: Json, email: str | None = None, save: bool = False) -> Json:
    """The intent of the session after an attempt to pay, or to keep a card, with this method.

    The session is complete when the intent succeeded; an intent that requires an action waits for
    `authorise` or `refuse`.

    Raises:
        CardDeclined: the session stays open for another try.
    """
    if not session["customer"]:
        _meet(store, session, email, method["billing_details"]["name"])
    if session["mode"] == "setup":
        intent = store.get(session["setup_intent"], "setup_intent")
        setup.confirm(store, intent, method)
    else:
        intent = _payment_intent(store, session, method, save)
        attempts.confirm(store, intent, {"return_url": session["success_url"]})
    if intent["status"] == "succeeded":
        _complete(store, session, paid=True)
    return intent


def _meet(store: Store, session: Json, email: str | None, name: str | None) -> None:
    store.save(session, customer_details=checkout.details(email or session["customer_email"], name))
    if session["customer_creation"] == "always":
        details = session["customer_details"]
        customer = customers.create(store, {key: details[key] for key in ("email", "name") if details[key]})
        store.save(session, customer=customer["id"])


def _payment_intent(store: Store, session: Json, method: Json, save: bool) -> Json:
    if session["payment_intent"]:
        intent = store.get(session["payment_intent"], "payment_intent")
    else:
        wanted: dict[str, Any] = {name: session[name] for name in ("currency", "customer")}
        wanted |= session["_intent"] | {"amount": session["amount_total"]}
        types, allowed = session["payment_method_types"], session["allowed_payment_method_types"]
        intent = attempts.add(store, wanted, types, allowed, session=session["id"])
        events.emit(store, "payment_intent.created", intent)
        store.save(session, payment_intent=intent["id"])
    options = session["payment_method_options"].get(method["type"], {})
    usage = options.get("setup_future_usage", session["_intent"].get("setup_future_usage"))
    if method["type"] != "card":
        usage = None
    if save and usage is None:
        usage = "on_session"
    return store.save(
        intent,
        customer=session["customer"],
        payment_method=method["id"],
        setup_future_usage=usage,
        _allow_redisplay="always" if save else "limited" if method["customer"] is None else None,
    )


def authorise(store: Store, intent: Json, later: bool = False) -> Json:
    """The intent after its owner agreed on the bank's page. `later`: the money is still under way.

    Raises:
        CardDeclined: agreed, but the bank declines all the same.
    """
    _waiting(intent)
    method = store.get(intent["payment_method"], "payment_method")
    if intent["object"] == "setup_intent":
        card = payment_methods.card_of(method)
        if card is not None and card.decline == "generic_decline":
            return setup.decline(store, intent, method, card.decline)
        setup.succeed(store, intent, method)
    elif later:
        attempts.process(store, intent, method)
    else:
        attempts.take(store, intent, method, authenticated=method["type"] == "card")
    if session := session_of(store, intent):
        _complete(store, session, paid=not later)
    return intent


def refuse(store: Store, intent: Json) -> Json:
    """The intent after its owner refused, or failed, on the bank's page."""
    _waiting(intent)
    if intent["object"] == "setup_intent":
        return setup.fail_authentication(store, intent)
    return attempts.fail_authentication(store, intent)


def _waiting(intent: Json) -> None:
    if intent["status"] != "requires_action":
        raise InvalidRequest(f"Nothing is waiting for you here: this payment has a status of {intent['status']}.")


def session_of(store: Store, intent: Json) -> Json | None:
    """The session that this intent pays for, if it came from a hosted page."""
    return store.find(intent["_session"]) if intent["_session"] else None


def _complete(store: Store, session: Json, paid: bool) -> Json:
    """The session, finished by its buyer."""
    status = session["payment_status"] if session["mode"] == "setup" else "paid" if paid else "unpaid"
    store.save(session, status="complete", payment_status=status, url=None)
    events.emit(store, "checkout.session.completed", session)
    return session


def settle(store: Store, session: Json, succeeded: bool) -> Json:
    """The session after the answer that `authorise(later=True)` left open."""
    intent = store.find(session["payment_intent"] or "", "payment_intent")
    if intent is None:
        raise InvalidRequest("This session has no payment that is under way.", param="session")
    settle_intent(store, intent, succeeded)
    return store.get(session["id"], "checkout.session")


def settle_intent(store: Store, intent: Json, succeeded: bool) -> Json:
    """The intent after the late answer, and with it the session that it pays for."""
    if intent["status"] != "processing":
        raise InvalidRequest("This payment is not under way.")
    attempts.settle(store, intent, succeeded)
    if session := session_of(store, intent):
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
    """Where the buyer goes after paying."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def return_url(intent: Json, session: Json | None) -> str:
    """Where the buyer goes from the bank's page."""
    if session:
        return success_url(session)
    target = intent.get("_return_url")
    if not target:
        return ""
    sign = "&" if urlsplit(target).query else "?"
    secret = quote(intent["client_secret"])
    return f"{target}{sign}payment_intent={intent['id']}&payment_intent_client_secret={secret}"
