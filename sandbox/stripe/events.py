"""Events: what happened, with the object as it was at that moment, to be delivered to every endpoint that asked."""

import json

from sandbox.payments import deliveries

from . import API_VERSION, webhooks
from .errors import Json
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, boolean, several, text
from .store import Store, public

RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {
    "created": CREATED,
    "delivery_success": boolean(),
    "type": text(),
    "types": several(text(), most=20),
}


def emit(store: Store, name: str, subject: Json, previous: Json | None = None) -> Json:
    """The new event. `previous` holds the former values of what an `updated` event changed."""
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
    waiting = webhooks.queue(store, event)
    return store.save(event, pending_webhooks=waiting)


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One event."""
    return current(store, store.get(identifier, "event"))


def list_(store: Store, given: Json) -> Json:
    """Events, newest first; `delivery_success=false` shows those that some endpoint has not accepted."""
    filters = [Filter("$.type", given.get("type"))]
    where, values = "", []
    if "types" in given:
        where += " AND json_extract(body, '$.type') IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(given["types"]))
    if "delivery_success" in given:
        within = "NOT IN" if given["delivery_success"] else "IN"
        where += f" AND id {within} (SELECT event FROM deliveries WHERE state NOT IN ('delivered', 'cancelled'))"
    page = listed(store, "/v1/events", "event", given, filters, where, values)
    page["data"] = [current(store, event) for event in page["data"]]
    return page


def current(store: Store, event: Json) -> Json:
    """The event with the number of endpoints that have not accepted it yet."""
    return event | {"pending_webhooks": deliveries.pending(store, event["id"])}
