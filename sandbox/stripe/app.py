"""The whole payments sandbox as one ASGI application."""

from functools import partial

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.payments import serving

from . import faults, timers, webhooks
from .api import Api
from .pages import routes as pages
from .store import Store


def application(store: Store) -> Starlette:
    """API, hosted pages and control API over one store, with the courier and the clock running."""
    routes = [
        *Api(store).routes(),
        Mount("/_test", routes=faults.routes(store)),
        *pages.routes(store),
    ]
    return serving.application(store, routes, webhooks.letter, partial(timers.run_due, store))
