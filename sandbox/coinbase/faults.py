"""The control API of the crypto sandbox, under `/_test`: acts of a buyer, a chain or bad luck."""

from functools import partial

from starlette.routing import Route

from sandbox.payments.faults import Control
from sandbox.payments.store import Json, Store

from . import checkouts, webhooks
from .errors import failure


def routes(store: Store) -> list[Route]:
    """The addresses under `/_test`."""
    control = Control(store, partial(checkouts.run_due, store), partial(webhooks.send, store), failure)
    return control.routes(
        {
            "/checkouts/{identifier}/pay": pay,
            "/checkouts/{identifier}/confirm": confirm,
            "/checkouts/{identifier}/expire": expire,
            "/checkouts/{identifier}/fail": fail,
            "/checkouts/{identifier}/refunds/{refund}/fail": fail_refund,
        }
    )


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
