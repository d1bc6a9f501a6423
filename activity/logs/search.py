"""Search among the requests of an account, newest first, at a bounded cost.

Where no index leads to the matching requests, a search reads `STRIDE` requests and says how far back it came; the next
page goes on from there. So a page takes as long with a million requests as with a thousand, however rare a match is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum

from activity.requests.listing import PAGE_SIZE, beyond, cursor_of, parse_cursor, running_request
from activity.sums.picks import generations_where
from gateway.models import Generation, Hold

from .filters import LogFilter

__all__ = ["STRIDE", "Found", "Session", "search", "sessions", "sessions_after"]

STRIDE = 20_000

Cursor = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of matching requests, newest first.

    `newer` and `older` are the cursors of the neighboring pages, empty if there is none. `searched_to` is the time of
    the oldest request that was looked at, if the search ended before the page was full: `older` goes on from there.
    """

    requests: list[Generation]
    running: Sequence[Generation] = ()
    newer: str = ""
    older: str = ""
    searched_to: datetime | None = None

    @property
    def shown(self) -> list[Generation]:
        """The running requests, then the finished ones."""
        return [*self.running, *self.requests]


@dataclass(frozen=True, slots=True)
class Session:
    """The requests of one session ID. Cost in pico-USD."""

    session_id: str
    requests: int
    tokens: int
    cost: int
    first: datetime
    last: datetime


def search(view: LogFilter, before: str = "", after: str = "", size: int = PAGE_SIZE) -> Found:
    """Return the page of requests older than the cursor `before`, or newer than `after`; by default the newest page.

    An invalid cursor is ignored.
    """
    if view.status == "running":
        return Found([], running_of(view))
    if cursor := parse_cursor(after):
        newer, edge = _walk(view, cursor, "gt", size)
        if len(newer) > size or edge:
            shown = newer[:size][::-1]
            ahead = cursor_of(shown[0]) if len(newer) > size else _written(edge)
            return Found(shown, newer=ahead, older=cursor_of(shown[-1]) if shown else after)
        return search(view, size=size)  # the newest page again, filled up
    cursor = parse_cursor(before)
    found, edge = _walk(view, cursor, "lt", size)
    shown = found[:size]
    full = len(found) > size
    return Found(
        shown,
        running=() if cursor else running_of(view),
        newer=(cursor_of(shown[0]) if shown else before) if cursor else "",
        older=cursor_of(shown[-1]) if full else _written(edge),
        searched_to=edge[0] if edge and not full else None,
    )


def running_of(view: LogFilter) -> list[Generation]:
    """Return up to a page of the view's running requests, newest first, each with its key."""
    known = {field.name for field in Hold._meta.get_fields()}
    if view.status not in ("", "running") or view.usage.provider or not view.conditions.keys() <= known:
        return []  # such a filter is about the end of a request
    where = generations_where(view.usage.conditions, running=True) & Q(**view.conditions) & view.within_span
    holds = Hold.objects.filter(where, account=view.usage.account)
    return [running_request(hold) for hold in holds.select_related("key").order_by("-created_at", "-id")[:PAGE_SIZE]]


def sessions(view: LogFilter, most: int = PAGE_SIZE) -> tuple[list[Session], datetime | None]:
    """Return the sessions of the view's newest requests, last used first, and how far back they were looked for.

    The sums are of the requests since then; None stands for all of them.
    """
    newest = _ordered(Generation.objects.filter(view.bounds), "lt")
    edge = _edge(newest)
    rows = Generation.objects.filter(view.where)
    if edge:
        rows = rows.filter(created_at__gte=edge[0])
    return _grouped(rows, most, "-last", "session_id"), edge[0] if edge else None


def sessions_after(view: LogFilter, session_id: str, most: int) -> list[Session]:
    """Return the view's first sessions whose ID comes after this one, of all its requests, in the order of IDs."""
    rows = Generation.objects.filter(view.where, session_id__gt=session_id)
    return _grouped(rows, most, "session_id")


def _grouped(rows: QuerySet[Generation], most: int, *order: str) -> list[Session]:
    """Return the first `most` sessions of the requests in that order."""
    sums = rows.exclude(session_id="").order_by().values("session_id").annotate(
        requests=Count("pk"), tokens=Sum(F("prompt_tokens") + F("completion_tokens")), sum_cost=Sum("cost"),
        first=Min("created_at"), last=Max("created_at"),
    )  # fmt: skip
    return [
        Session(row["session_id"], row["requests"], row["tokens"], int(row["sum_cost"]), row["first"], row["last"])
        for row in sums.order_by(*order)[:most]
    ]


def _walk(view: LogFilter, cursor: Cursor | None, side: str, size: int) -> tuple[list[Generation], Cursor | None]:
    """Return up to `size` + 1 requests beyond the cursor, and the last one looked at if the search stopped there."""
    where = beyond(cursor, side) if cursor else Q()
    edge = _edge(_ordered(Generation.objects.filter(view.bounds & where), side)) if view.scans else None
    rows = Generation.objects.filter(view.where & where)
    if edge:
        rows = rows.filter(beyond(edge, "gt" if side == "lt" else "lt") | Q(created_at=edge[0], pk=edge[1]))
    return list(_ordered(rows.select_related("key"), side)[: size + 1]), edge


def _edge(rows: QuerySet[Generation]) -> Cursor | None:
    """Return the last of the first `STRIDE` rows; None if there are no more than these."""
    following = list(rows.values_list("created_at", "pk")[STRIDE - 1 : STRIDE + 1])
    return following[0] if len(following) > 1 else None


def _ordered(rows: QuerySet[Generation], side: str) -> QuerySet[Generation]:
    return rows.order_by("-created_at", "-id") if side == "lt" else rows.order_by("created_at", "id")


def _written(cursor: Cursor | None) -> str:
    return f"{cursor[0].isoformat()}~{cursor[1]}" if cursor else ""
