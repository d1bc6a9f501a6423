"""Lists, a page at a time, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.errors import Json, missing
from sandbox.stripe.store import Store


@dataclass(frozen=True)
class Filter:
    """Keep objects whose field at this JSON path has this value; None keeps all."""

    path: str
    value: Any


def listed(store: Store, url: str, kind: str, given: Json, filters: Sequence[Filter] = ()) -> Json:
    """One page of the objects of a kind, as Stripe's list object."""
    conditions, bound = "", list[Any]()
    for condition in filters:
        if condition.value is not None:
            conditions += " AND json_extract(body, ?) = ?"
            bound += [condition.path, condition.value]
    for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
        if name in given.get("created", {}):
            conditions += f" AND created {sign} ?"
            bound.append(given["created"][name])
    if "starting_after" in given:
        place = store.sequence(given["starting_after"], kind)
        if place is None:
            raise missing(kind, given["starting_after"], "starting_after")
        conditions += " AND seq < ?"
        bound.append(place)
    limit = given.get("limit", 10)
    rows = store.all(kind, conditions, bound, limit + 1)
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[:limit]}
