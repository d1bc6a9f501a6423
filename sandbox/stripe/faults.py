"""The control API of the payments sandbox, under `/_test`: what a buyer, a bank or bad luck could do."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.payments import faults
from sandbox.payments.faults import NONE, Fault, take

from . import buyer, cards, disputes, errors, expansion, payment_methods, refunds, timers, webhooks
from .errors import Json
from .idempotency import Answer
from .store import Store

__all__ = ["NONE", "Fault", "disguise", "refuse", "routes", "take"]


class Refused(errors.StripeError):
    """The request is turned away at the door: nothing was executed, nothing is remembered."""

    type = "api_error"


def refuse(fault: Fault) -> None:
    """Raises Refused when that is the fault."""
    if fault.mode == "refuse":
        code = "rate_limit" if fault.status == 429 else None
        raise Refused("The sandbox was asked to refuse this request.", status=fault.status, code=code)


def disguise(fault: Fault, answer: Answer) -> Answer:
    """The answer, or a failure in its place although the work was done."""
    if fault.mode != "crash":
        return answer
    crash = errors.Crashed("The sandbox was asked to fail after executing this request.", status=fault.status)
    return Answer(fault.status, json.dumps(crash.body(), indent=2))


def routes(store: Store) -> list[Route]:
    """The addresses under `/_test`."""

    def action(work: Callable[..., Json]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                given = await faults.body_of(request)
                timers.run_due(store)
                return JSONResponse(*_carry_out(store, work, given, request.path_params))
            except errors.StripeError as error:
                return JSONResponse(error.body(), error.status)
            except faults.NotUnderstood as error:
                return JSONResponse(errors.InvalidRequest(str(error)).body(), error.status)
            except (KeyError, TypeError, ValueError) as error:
                problem = errors.InvalidRequest(f"Not understood: {type(error).__name__} {error}")
                return JSONResponse(problem.body(), problem.status)
            finally:
                timers.run_due(store)

        return endpoint

    return [
        Route("/", action(faults.state)),
        Route("/reset", action(faults.reset), methods=["POST"]),
        Route("/clock", action(faults.advance_clock), methods=["POST"]),
        Route("/requests", action(faults.fail_requests), methods=["POST"]),
        Route("/webhooks", action(faults.disturb_webhooks), methods=["POST"]),
        Route("/deliveries", action(faults.deliveries)),
        Route("/events/{identifier}/resend", action(resend), methods=["POST"]),
        Route("/sessions/{identifier}/pay", action(pay), methods=["POST"]),
        Route("/sessions/{identifier}/settle", action(settle), methods=["POST"]),
        Route("/payment_methods/{identifier}/renew", action(renew), methods=["POST"]),
        Route("/disputes", action(open_dispute), methods=["POST"]),
        Route("/disputes/{identifier}/{verdict}", action(close_dispute), methods=["POST"]),
        Route("/refunds", action(refund), methods=["POST"]),
        Route("/refunds/{identifier}/{outcome}", action(end_refund), methods=["POST"]),
    ]


def _carry_out(store: Store, work: Callable[..., Json], given: Json, path: Json) -> tuple[Json, int]:
    """The answer and its status. What a declined attempt leaves behind is kept."""
    with store.transaction():
        store.request = {"id": None, "idempotency_key": None}
        try:
            return expansion.shown(store, work(store, given, **path), []), 200
        except errors.CardDeclined as error:
            if not error.kept:
                raise
            return error.body(), error.status


def resend(store: Store, given: Json, identifier: str) -> Json:
    """Deliver an event once more, whether or not it was accepted before."""
    return {"queued": webhooks.resend(store, store.get(identifier, "event"))}


def pay(store: Store, given: Json, identifier: str) -> Json:
    """Pay a session as its page would: with `card`, a number, or `type` for AliPay and crypto."""
    session = store.get(identifier, "checkout.session")
    if session["status"] != "open":
        raise errors.InvalidRequest(f"This session has a status of {session['status']}.")
    kind = given.get("type", "card")
    card = payment_methods.card_of_number(given.get("card", cards.CARDS[0].number), "card") if kind == "card" else None
    method = buyer.method_for(store, session, kind, card)
    intent = buyer.pay(store, session, method, given.get("email", "buyer@example.com"))
    if intent["status"] == "requires_action":
        buyer.authorise(store, intent, later=bool(given.get("later")))
    return store.get(identifier, "checkout.session")


def settle(store: Store, given: Json, identifier: str) -> Json:
    """The late answer to an AliPay or crypto payment: `outcome` is succeeded or failed."""
    if given["outcome"] not in ("succeeded", "failed"):
        raise ValueError("outcome is succeeded or failed")
    return buyer.settle(store, store.get(identifier, "checkout.session"), given["outcome"] == "succeeded")


def renew(store: Store, given: Json, identifier: str) -> Json:
    """The bank replaces a saved card: a new `exp_month` and `exp_year`."""
    method = store.get(identifier, "payment_method")
    return payment_methods.renew(store, method, int(given["exp_month"]), int(given["exp_year"]))


def _charge(store: Store, given: Json) -> Json:
    if "charge" in given:
        return store.get(given["charge"], "charge", "charge")
    intent = store.get(given["payment_intent"], "payment_intent", "payment_intent")
    return store.get(intent["latest_charge"] or "", "charge", "payment_intent")


def open_dispute(store: Store, given: Json) -> Json:
    """The bank disputes a `charge` or `payment_intent`; with `inquiry` it only asks."""
    reason = given.get("reason", "fraudulent")
    if reason not in disputes.REASONS:
        raise ValueError(f"reason is one of {', '.join(disputes.REASONS)}")
    return disputes.open_(store, _charge(store, given), reason, bool(given.get("inquiry")))


def close_dispute(store: Store, given: Json, identifier: str, verdict: str) -> Json:
    """The bank decides: `win` or `lose`, from the shop's point of view."""
    if verdict not in ("win", "lose"):
        raise ValueError("the verdict is win or lose")
    return disputes.close_(store, store.get(identifier, "dispute"), won=verdict == "win")


def refund(store: Store, given: Json) -> Json:
    """Somebody refunds a `charge` or `payment_intent` in the provider's dashboard."""
    given = {name: given[name] for name in ("charge", "payment_intent", "amount", "reason") if name in given}
    return refunds.create(store, given)


def end_refund(store: Store, given: Json, identifier: str, outcome: str) -> Json:
    """The bank finishes a refund: `succeed` when it was pending, `fail` at any time."""
    found = store.get(identifier, "refund")
    if outcome == "fail":
        return refunds.fail(store, found)
    if outcome != "succeed":
        raise ValueError("the outcome is succeed or fail")
    return refunds.settle(store, found)
