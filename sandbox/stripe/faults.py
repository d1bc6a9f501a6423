"""The control API of the payments sandbox, under `/_test`: acts of a buyer, a bank or bad luck."""

from functools import partial

from starlette.routing import Route

from sandbox.payments.faults import Control

from . import errors, timers, webhooks
from .customers import cards, configurations, payment_methods
from .errors import Json
from .payments import buyer, disputes, refunds
from .store import Store


def routes(store: Store) -> list[Route]:
    """The addresses under `/_test`."""
    control = Control(store, partial(timers.run_due, store), partial(webhooks.queue, store), errors.failure)
    return control.routes(
        {
            "/sessions/{identifier}/pay": pay,
            "/sessions/{identifier}/settle": settle,
            "/payment_methods/{identifier}/renew": renew,
            "/payment_method_configurations": configure_methods,
            "/disputes": open_dispute,
            "/disputes/{identifier}/{verdict}": close_dispute,
            "/refunds": refund,
            "/refunds/{identifier}/{outcome}": end_refund,
        }
    )


def pay(store: Store, given: Json, identifier: str) -> Json:
    """Pay a session as its page would: with `card`, a number, or `type` for Alipay, PayPal and crypto."""
    session = store.get(identifier, "checkout.session")
    if session["status"] != "open":
        raise errors.InvalidRequest(f"This session has a status of {session['status']}.")
    kind = given.get("type", "card")
    number = given.get("card", cards.DEFAULT.number)
    card = payment_methods.card_of_number(number, "card") if kind == "card" else None
    intent = buyer.pay(store, session, buyer.method_for(store, session, kind, card))
    if intent["status"] == "requires_action":
        buyer.authorize(store, intent, later=bool(given.get("later")))
    return store.get(identifier, "checkout.session")


def settle(store: Store, given: Json, identifier: str) -> Json:
    """The late answer to a payment that is no card's: `outcome` is succeeded or failed."""
    if given["outcome"] not in ("succeeded", "failed"):
        raise ValueError("outcome is succeeded or failed")
    session = store.get(identifier, "checkout.session")
    if session["payment_intent"] is None:
        raise errors.InvalidRequest("This session has no payment that is under way.")
    buyer.settle(store, store.get(session["payment_intent"], "payment_intent"), given["outcome"] == "succeeded")
    return store.get(identifier, "checkout.session")


def renew(store: Store, given: Json, identifier: str) -> Json:
    """The bank replaces a saved card: a new `exp_month` and `exp_year`."""
    method = store.get(identifier, "payment_method")
    return payment_methods.renew(store, method, int(given["exp_month"]), int(given["exp_year"]))


def configure_methods(store: Store, given: Json) -> Json:
    """Switch payment methods on or off in the provider's dashboard: `paypal` is true or false."""
    return configurations.switch(store, {name: bool(given[name]) for name in given})


def open_dispute(store: Store, given: Json) -> Json:
    """The bank disputes a `payment_intent`; with `inquiry` it only asks."""
    reason = given.get("reason", "fraudulent")
    if reason not in disputes.REASONS:
        raise ValueError(f"reason is one of {', '.join(disputes.REASONS)}")
    intent = store.get(given["payment_intent"], "payment_intent", "payment_intent")
    charge = store.get(intent["latest_charge"] or "", "charge", "payment_intent")
    return disputes.open_(store, charge, reason, bool(given.get("inquiry")))


def close_dispute(store: Store, given: Json, identifier: str, verdict: str) -> Json:
    """The bank decides: `win` or `lose`, from the shop's point of view."""
    if verdict not in ("win", "lose"):
        raise ValueError("the verdict is win or lose")
    return disputes.close(store, store.get(identifier, "dispute"), won=verdict == "win")


def refund(store: Store, given: Json) -> Json:
    """A refund of a `payment_intent` from the provider's dashboard."""
    return refunds.create(
        store, {name: given[name] for name in ("payment_intent", "amount", "reason") if name in given}
    )


def end_refund(store: Store, given: Json, identifier: str, outcome: str) -> Json:
    """The bank finishes a refund: `succeed` when it was pending, `fail` at any time."""
    found = store.get(identifier, "refund")
    if outcome == "fail":
        return refunds.fail(store, found)
    if outcome != "succeed":
        raise ValueError("the outcome is succeed or fail")
    return refunds.settle(store, found)
