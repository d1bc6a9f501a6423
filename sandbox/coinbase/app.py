"""The whole crypto sandbox as one ASGI application."""

from functools import partial

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.payments import serving
from sandbox.payments.store import Store

from . import checkouts, faults, pages, webhooks
from .api import Api


def application(store: Store) -> Starlette:
    """API, hosted page and control API over one store, with the courier and the clock running."""
    routes = [*Api(store).routes(), Mount("/_test", routes=faults.routes(store)), *pages.routes(store)]
    return serving.application(store, routes, webhooks.letter, partial(checkouts.run_due, store))
