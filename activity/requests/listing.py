"""The list of requests, newest first, in pages that stay fast however long the list is.

A page is addressed by the request it follows (or precedes), not by a number: new requests do not
shift it, and the database never counts or skips rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from activity.filters import Filter
from billing.models import CreditAccount
from gateway.models import Generation, Hold

__all__ = ["Page", "cursor_of", "page_of", "recent", "request_of"]

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, newest first, and the cursors of the neighbouring pages; empty: there is none.

    The newest page also has those that are `running`, at most a page full: they are not stored as Generations yet.
    """

    requests: list[Generation]
    running: Sequence[Generation] = ()
    newer: str = ""
    older: str = ""

    @property
    def shown(self) -> list[Generation]:
        """All of them."""
        return [*self.running, *self.requests]


def page_of(view: Filter, before: str = "", after: str = "", size: int = PAGE_SIZE) -> Page:
    """The page that follows the cursor `before` in time, or precedes `after`; the newest one for neither.

    A cursor that makes no sense is taken for none.
    """
    rows = requests_of(view)
    if (cursor := _parse(after)) is not None:
        newer = list(rows.filter(_beyond(cursor, "gt")).order_by("created_at", "id")[: size + 1])
        shown = newer[:size][::-1]
        if len(newer) > size:
            return Page(shown, newer=cursor_of(shown[0]), older=cursor_of(shown[-1]))
        return page_of(view, size=size)  # the newest page again, filled up
    cursor = _parse(before)
    found = list((rows.filter(_beyond(cursor, "lt")) if cursor else rows)[: size + 1])
    shown = found[:size]
    return Page(
        shown,
        running=[] if cursor else running_of(view),
        newer=cursor_of(shown[0]) if cursor and shown else "",
        older=cursor_of(shown[-1]) if len(found) > size else "",
    )


def requests_of(view: Filter) -> QuerySet[Generation]:
    """The view's requests that have ended, newest first, each with its key."""
    conditions = dict(view.conditions)
    model = conditions.pop("model", None)
    rows = Generation.objects.filter(account=view.account, created_at__gte=view.period.start, **conditions)
    if model:
        # A request that nobody answered is counted under the model it asked for.
        rows = rows.filter(Q(model=model) | Q(model="", requested_model=model))
    return rows.select_related("key").order_by("-created_at", "-id")


def running_of(view: Filter) -> list[Generation]:
    """The view's requests that have not ended, newest first, each with its key; at most a page full."""
    if view.provider:  # nobody knows yet who answers
        return []
    conditions = dict(view.conditions)
    if model := conditions.pop("model", None):
        conditions["requested_model"] = model
    holds = Hold.objects.filter(account=view.account, **conditions).select_related("key")
    return [_running(hold) for hold in holds.order_by("-created_at", "-id")[:PAGE_SIZE]]


def recent(account: CreditAccount, most: int) -> list[Generation]:
    """The account's newest requests, running or not."""
    running = [_running(hold) for hold in account.holds.select_related("key").order_by("-created_at", "-id")[:most]]
    ended = account.generations.order_by("-created_at", "-id")[:most]
    return sorted([*running, *ended], key=lambda request: request.created_at, reverse=True)[:most]


def request_of(account: CreditAccount, pk: str) -> Generation | None:
    """The account's request with this id, running or not; None when it has no such request."""
    # The hold first: a request that ends between the two questions is found by the second.
    if hold := account.holds.select_related("key", "user").filter(pk=pk).first():
        return _running(hold)
    return account.generations.select_related("key", "user").filter(pk=pk).first()


def _running(hold: Hold) -> Generation:
    request = hold.generation(Generation.State.OPEN)
    request.key = hold.key
    return request


def cursor_of(request: Generation) -> str:
    """What addresses the page next to this request."""
    return f"{request.created_at.isoformat()}~{request.pk}"


def _parse(cursor: str) -> tuple[datetime, str] | None:
    moment_text, _, pk = cursor.partition("~")
    if not pk or len(pk) > 40 or not pk.isascii() or not pk.isprintable():
        return None
    try:
        moment = parse_datetime(moment_text)
    except ValueError:
        return None
    return (moment, pk) if moment is not None and moment.tzinfo is not None else None


def _beyond(cursor: tuple[datetime, str], side: str) -> Q:
    moment, pk = cursor
    # The first condition is what an index can use; the second decides between requests of the same microsecond.
    conditions: dict[str, Any] = {f"created_at__{side}e": moment}
    return Q(**conditions) & (Q(**{f"created_at__{side}": moment}) | Q(created_at=moment, **{f"pk__{side}": pk}))
