"""The control API of the crypto sandbox, under `/_test`: what a buyer, a chain or bad luck could do."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.payments import deliveries, faults
from sandbox.payments.store import Json, Store

from . import checkouts, webhooks
from .errors import ApiError, invalid


def routes(store: Store) -> list[Route]:
    """The addresses under `/_test`."""

    def action(work: Callable[..., Json]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                given = await faults.body_of(request)
                checkouts.run_due(store)
                with store.transaction():
                    answer = work(store, given, **request.path_params)
                checkouts.run_due(store)
                return JSONResponse(answer)
            except ApiError as error:
                return JSONResponse(error.body(), error.status)
            except faults.NotUnderstood as error:
                return JSONResponse(invalid(str(error)).body(), error.status)
            except (KeyError, TypeError, ValueError) as error:
                return JSONResponse(invalid(f"Not understood: {type(error).__name__} {error}").body(), 400)

        return endpoint

    return [
        Route("/", action(faults.state)),
        Route("/reset", action(faults.reset), methods=["POST"]),
        Route("/clock", action(faults.advance_clock), methods=["POST"]),
        Route("/requests", action(faults.fail_requests), methods=["POST"]),
        Route("/webhooks", action(faults.disturb_webhooks), methods=["POST"]),
        Route("/deliveries", action(faults.deliveries)),
        Route("/events/{identifier}/resend", action(resend), methods=["POST"]),
        Route("/checkouts/{identifier}/pay", action(pay), methods=["POST"]),
        Route("/checkouts/{identifier}/confirm", action(confirm), methods=["POST"]),
        Route("/checkouts/{identifier}/expire", action(expire), methods=["POST"]),
        Route("/checkouts/{identifier}/fail", action(fail), methods=["POST"]),
        Route("/checkouts/{identifier}/refunds/{refund}/fail", action(fail_refund), methods=["POST"]),
    ]


def resend(store: Store, given: Json, identifier: str) -> Json:
    """Deliver an event once more, whether or not it was accepted before."""
    event = store.find(identifier, "event")
    if event is None:
        raise invalid(f"There is no event {identifier}.")
    deliveries.withdraw(store, event=identifier)
    return {"queued": webhooks.send(store, event)}


def pay(store: Store, given: Json, identifier: str) -> Json:
    """Pay a checkout as its page would; with `later` the confirmation is still to come, `received` may differ."""
    checkout = checkouts.pay(store, checkouts.get(store, identifier))
    return checkout if given.get("later") else checkouts.confirm(store, checkout, given.get("received"))


def confirm(store: Store, given: Json, identifier: str) -> Json:
    """The chain confirms the payment, even after the checkout has expired."""
    return checkouts.confirm(store, checkouts.get(store, identifier), given.get("received"))


def expire(store: Store, given: Json, identifier: str) -> Json:
    """The checkout's time is over, without moving the clock of all others."""
    return checkouts.expire(store, checkouts.get(store, identifier))


def fail(store: Store, given: Json, identifier: str) -> Json:
    """The payment goes wrong."""
    return checkouts.fail(store, checkouts.get(store, identifier))


def fail_refund(store: Store, given: Json, identifier: str, refund: str) -> Json:
    """A refund that is under way goes wrong."""
    return checkouts.finish_refund(store, checkouts.get(store, identifier), refund, succeeded=False)
