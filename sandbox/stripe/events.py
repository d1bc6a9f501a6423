"""Events: each has its object as it was at that moment, and goes to every endpoint that subscribed to its type."""

from sandbox.payments import deliveries

from . import API_VERSION, webhooks
from .calls.lists import listed
from .calls.parameters import CREATED, PAGE, Rules
from .errors import Json
from .store import Store, public

LIST: Rules = PAGE | {"created": CREATED}


def emit(store: Store, name: str, subject: Json, previous: Json | None = None) -> Json:
    """The new event. `previous` has the former values of the fields that an `updated` event changed."""
    data: Json = {"object": public(subject)}
    if previous is not None:
        data["previous_attributes"] = previous
    event = store.add(
        "evt",
        "event",
        {
            "api_version": API_VERSION,
            "data": data,
            "pending_webhooks": 0,
            "request": dict(store.request),
            "type": name,
        },
    )
    return store.save(event, pending_webhooks=webhooks.queue(store, event))


def list_(store: Store, given: Json) -> Json:
    """Events, newest first, each with the number of endpoints that have not accepted it yet."""
    page = listed(store, "/v1/events", "event", given)
    page["data"] = [event | {"pending_webhooks": deliveries.pending(store, event["id"])} for event in page["data"]]
    return page
