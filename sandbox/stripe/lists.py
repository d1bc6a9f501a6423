"""Lists, a page at a time, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InvalidParameter, Json, missing
from .store import Store


@dataclass(frozen=True)
class Filter:
    """Keep objects whose field at this JSON path has this value; None keeps all."""

    path: str
    value: Any


def listed(
    store: Store,
    url: str,
    kind: str,
    given: Json,
    filters: Sequence[Filter] = (),
    where: str = "",
    values: Sequence[Any] = (),
) -> Json:
    """One page of the objects of a kind, as Stripe's list object."""
    conditions, bound = where, list(values)
    for condition in filters:
        if condition.value is not None:
            conditions += " AND json_extract(body, ?) = ?"
            bound += [condition.path, condition.value]
    for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
        if name in given.get("created", {}):
            conditions += f" AND created {sign} ?"
            bound.append(given["created"][name])
    if "starting_after" in given and "ending_before" in given:
        raise InvalidParameter("Received both starting_after and ending_before.", param="ending_before")
    limit = given.get("limit", 10)
    if "ending_before" in given:
        first = _place(store, given, "ending_before", kind)
        rows = store.all(kind, conditions + " AND seq > ?", [*bound, first])
        return as_list(url, rows[-limit:], len(rows) > limit)
    if "starting_after" in given:
        conditions += " AND seq < ?"
        bound.append(_place(store, given, "starting_after", kind))
    rows = store.all(kind, conditions, bound, limit + 1)
    return as_list(url, rows[:limit], len(rows) > limit)


def _place(store: Store, given: Json, name: str, kind: str) -> int:
    place = store.sequence(given[name], kind)
    if place is None:
        raise missing(kind, given[name], name)
    return place


def as_list(url: str, rows: Sequence[Json], has_more: bool = False) -> Json:
    """Stripe's list object around these rows."""
    return {"object": "list", "url": url, "has_more": has_more, "data": list(rows)}
