"""Deliveries: events that endpoints are owed.

A delivery is a row from the moment its event is committed until the endpoint answers with 2xx; `courier.py`
carries them.
"""

import random
from collections.abc import Iterable

from .store import Json, Store

NO_FAULTS: Json = {"copies": 1, "shuffle": 0.0, "delay": 0.0, "drop": 0}


def queue(store: Store, event: str, endpoints: Iterable[str]) -> int:
    """Owe an event to these endpoints, with the faults that are set; to how many."""
    faults = NO_FAULTS | store.setting("webhook_faults", {})
    endpoints = list(endpoints)
    state = "pending"
    if endpoints and faults["drop"] > 0:
        store.set_setting("webhook_faults", faults | {"drop": faults["drop"] - 1})
        state = "dropped"
    for endpoint in endpoints:
        for _ in range(faults["copies"] if state == "pending" else 1):
            now = store.now()
            due = now + faults["delay"] + random.uniform(0, faults["shuffle"])
            store.execute(
                "INSERT INTO deliveries (event, endpoint, state, queued, due) VALUES (?, ?, ?, ?, ?)",
                (event, endpoint, state, now, due),
            )
    return len(endpoints)


def withdraw(store: Store, *, event: str | None = None, endpoint: str | None = None) -> None:
    """Nothing of this event, or nothing to this endpoint, is owed any more."""
    store.execute(
        "UPDATE deliveries SET state = 'canceled' WHERE (event = ? OR endpoint = ?) AND state != 'delivered'",
        (event, endpoint),
    )


def pending(store: Store, event: str) -> int:
    """The number of endpoints that have not accepted this event."""
    rows = store.query(
        "SELECT count(DISTINCT endpoint) AS n FROM deliveries WHERE event = ? AND state IN ('pending', 'dropped')",
        (event,),
    )
    return int(rows[0]["n"])


def fate(store: Store, event: str) -> str:
    """The state of an event's deliveries, in words."""
    states = {row["state"] for row in store.query("SELECT state FROM deliveries WHERE event = ?", (event,))}
    known = {"pending": "waiting", "dropped": "lost", "failed": "given up", "delivered": "delivered"}
    return next((words for state, words in known.items() if state in states), "no endpoint")


def waiting(store: Store) -> int:
    """The number of deliveries that have not been accepted, lost ones included."""
    rows = store.query("SELECT count(*) AS n FROM deliveries WHERE state IN ('pending', 'dropped')")
    return int(rows[0]["n"])
