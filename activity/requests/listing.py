"""The list of requests, newest first, paged by keyset.

A page is addressed by the request it follows or precedes, not by a number: new requests don't shift it, and the
database never counts or skips rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from activity.filters import Filter
from activity.sums import rollups
from activity.sums.picks import generations_where
from activity.sums.rollups import Stretch
from billing.models import CreditAccount
from common.clock import hour_of
from gateway.models import Generation, Hold

__all__ = [
    "PAGE_SIZE", "Page", "beyond", "cursor_of", "page_of", "parse_cursor", "recent", "request_of", "running_request",
]  # fmt: skip

PAGE_SIZE = 50
#: Ranges of hours that a query looks into one by one; it reads what is between them if they are more.
MOST_RANGES = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of requests, newest first, with the cursors of the neighboring pages (empty if there is none).

    The newest page also lists up to a page of `running` requests: they are not stored as Generations yet.
    """

    requests: list[Generation]
    running: Sequence[Generation] = ()
    newer: str = ""
    older: str = ""

    @property
    def shown(self) -> list[Generation]:
        """The running requests, then the finished ones."""
        return [*self.running, *self.requests]


def page_of(
    view: Filter, before: str = "", after: str = "", size: int = PAGE_SIZE, *, anything_runs: bool = True
) -> Page:
    """Return the page of requests older than the cursor `before`, or newer than `after`; by default the newest page.

    An invalid cursor is ignored. Running requests are not looked for unless `anything_runs`.
    """
    if (cursor := parse_cursor(after)) is not None:
        newer = _found(view, cursor, "gt", size + 1)
        shown = newer[:size][::-1]
        if len(newer) > size:
            return Page(shown, newer=cursor_of(shown[0]), older=cursor_of(shown[-1]))
        return page_of(view, size=size, anything_runs=anything_runs)  # the newest page again, filled up
    cursor = parse_cursor(before)
    found = _found(view, cursor, "lt", size + 1)
    shown = found[:size]
    return Page(
        shown,
        running=running_of(view) if anything_runs and not cursor else [],
        newer=cursor_of(shown[0]) if cursor and shown else "",
        older=cursor_of(shown[-1]) if len(found) > size else "",
    )


def _found(view: Filter, cursor: tuple[datetime, str] | None, side: str, most: int) -> list[Generation]:
    """Return the requests that are nearest to the cursor on that side, nearest first; without one, the newest."""
    rows = requests_of(view)
    if cursor is not None:
        rows = rows.filter(beyond(cursor, side))
    order = ("created_at", "id") if side == "gt" else ("-created_at", "-id")
    if view.conditions:
        rows = _narrowed(rows, view, cursor, side, most)
    return list(rows.order_by(*order)[:most])


def _narrowed(
    rows: QuerySet[Generation], view: Filter, cursor: tuple[datetime, str] | None, side: str, most: int
) -> QuerySet[Generation]:
    """Return the rows within the hours that have requests of the view: an index ends a search by time only."""
    start, end = hour_of(view.period.start), view.period.end
    if cursor is not None:
        hour = hour_of(cursor[0])
        start, end = (max(start, hour), end) if side == "gt" else (start, min(end, hour + timedelta(hours=1)))
    if start >= end:
        return rows.none()
    stretch, newest_first = Stretch.whole(view.account, start, end), side == "lt"
    hours = rollups.hours_with(stretch, view.rolled_until, most, newest_first=newest_first, **view.conditions)
    if not hours:
        return rows.none()
    if len(hours) == 1 or len(hours) > MOST_RANGES:
        return rows.filter(created_at__gte=hours[0][0], created_at__lt=hours[-1][1])
    # Without order and limit, so that the database looks into these hours only.
    within = Q(*(Q(created_at__gte=begins, created_at__lt=ends) for begins, ends in hours), _connector=Q.OR)
    found = sorted(rows.filter(within).order_by().values_list("created_at", "pk"), reverse=newest_first)
    return requests_of(view).filter(pk__in=[pk for _, pk in found[:most]])


def requests_of(view: Filter) -> QuerySet[Generation]:
    """Return the view's finished requests, newest first, each with its key."""
    period = view.period
    rows = Generation.objects.filter(view.where, account=view.account, created_at__gte=period.start)
    if period.end <= view.now:
        rows = rows.filter(created_at__lt=period.end)
    return rows.select_related("key").order_by("-created_at", "-id")


def running_of(view: Filter) -> list[Generation]:
    """Return up to a page of the view's running requests, newest first, each with its key."""
    if view.provider:  # a running request has no provider yet
        return []
    holds = Hold.objects.filter(generations_where(view.conditions, running=True), account=view.account)
    holds = holds.filter(created_at__gte=view.period.start, created_at__lt=max(view.period.end, view.now))
    found = holds.select_related("key").order_by("-created_at", "-id")[:PAGE_SIZE]
    return [running_request(hold) for hold in found]


def recent(account: CreditAccount, most: int) -> list[Generation]:
    """Return the account's newest requests, running or not."""
    running = [
        running_request(hold) for hold in account.holds.select_related("key").order_by("-created_at", "-id")[:most]
    ]
    ended = account.generations.order_by("-created_at", "-id")[:most]
    return sorted([*running, *ended], key=lambda request: request.created_at, reverse=True)[:most]


def request_of(account: CreditAccount, pk: str) -> Generation | None:
    """Return the account's request with this ID, running or not; None if it has no such request."""
    # The hold first: a request that ends between the two queries is found by the second.
    if hold := account.holds.select_related("key", "user").filter(pk=pk).first():
        return running_request(hold)
    return account.generations.select_related("key", "user").filter(pk=pk).first()


def running_request(hold: Hold) -> Generation:
    """Return the unsaved request of a hold, with the hold's key."""
    request = hold.generation(Generation.State.OPEN)
    request.key = hold.key
    return request


def cursor_of(request: Generation) -> str:
    """Return the cursor of this request."""
    return f"{request.created_at.isoformat()}~{request.pk}"


def parse_cursor(cursor: str) -> tuple[datetime, str] | None:
    """Return the time and ID that a cursor stands for; None if it is not a cursor."""
    moment_text, _, pk = cursor.partition("~")
    if not pk or len(pk) > 40 or not pk.isascii() or not pk.isprintable():
        return None
    try:
        moment = parse_datetime(moment_text)
    except ValueError:
        return None
    return (moment, pk) if moment is not None and moment.tzinfo is not None else None


def beyond(cursor: tuple[datetime, str], side: str) -> Q:
    """Return the condition of requests on one side of a cursor: "lt" for the older ones, "gt" for the newer."""
    moment, pk = cursor
    # The first condition is what an index can use; the second decides between requests of the same microsecond.
    conditions: dict[str, Any] = {f"created_at__{side}e": moment}
    return Q(**conditions) & (Q(**{f"created_at__{side}": moment}) | Q(created_at=moment, **{f"pk__{side}": pk}))
