"""Sums for the dashboard, read from the rollups, never from requests.

The rollups are written in the transaction that charges the account, or added up from what it wrote, so these sums and
the balance agree to the pico-USD at any moment.
"""

import functools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, OuterRef, Subquery

from billing.models import CreditAccount
from common.clock import hour_of
from gateway.models import Generation

from .filters import GROUPS, Filter
from .sums import minutes, rollups
from .sums.kept_sums import kept_sums_by
from .sums.rollups import Stretch

__all__ = ["Group", "Report", "Stamp", "Sums", "choices", "report", "stamp"]

#: The sums of a report: the first of `Sums`.
SUMS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost",
    "discount",
)  # fmt: skip
_Row = tuple[int, ...]


@dataclass(slots=True)
class Sums:
    """Totals of requests. Money in pico-USD, durations in milliseconds. What was not asked for is 0."""

    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0  # part of completion_tokens
    cached_tokens: int = 0  # part of prompt_tokens
    cost: int = 0
    discount: int = 0  # taken off the prices of logged requests
    byok_cost: int = 0  # list prices on own provider keys
    latency_ms: int = 0
    duration_ms: int = 0

    @classmethod
    def of(cls, rows: Sequence[_Row]) -> "Sums":
        """The sums of rows that are in the same order. A page has thousands: this takes a third of `add`."""
        return cls(*map(sum, zip(*rows, strict=True))) if rows else cls()

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def cached_percent(self) -> int | None:
        """Share of prompt tokens read from providers' caches; None without prompt tokens."""
        return self.cached_tokens * 100 // self.prompt_tokens if self.prompt_tokens else None

    def add(self, other: "Sums") -> None:
        """Add other sums."""
        self.requests += other.requests
        self.failures += other.failures
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.cached_tokens += other.cached_tokens
        self.cost += other.cost
        self.byok_cost += other.byok_cost
        self.discount += other.discount
        self.latency_ms += other.latency_ms
        self.duration_ms += other.duration_ms

    def measure(self, show: str) -> int:
        """Return the measure that the chart shows: pico-USD, requests or tokens."""
        match show:
            case "spend":
                return self.cost
            case "requests":
                return self.requests
            case _:
                return self.tokens


@dataclass(slots=True)
class Group:
    """One model, provider, key, member or app: `value` as stored, totals by bucket and in all."""

    value: Any
    total: Sums = field(default_factory=Sums)
    by_bucket: dict[datetime, Sums] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """The usage of one view, with the sums in `SUMS`."""

    total: Sums
    by_bucket: dict[datetime, Sums]
    groups: list[Group]  # largest measure first
    before: Sums | None  # the equally long stretch before; None when there is none


def report(view: Filter) -> Report:
    """Return the usage of a view, read in two queries, or in four if the cache does not have the days that are over."""
    groups: dict[Any, Group] = {}
    buckets = list(view.period.buckets())
    by_bucket: dict[datetime, list[_Row]] = {bucket: [] for bucket in buckets}
    by_group: defaultdict[Any, list[_Row]] = defaultdict(list)
    places: dict[datetime, datetime] = {}  # of the few moments at which thousands of rows begin
    for start, (value,), row in _rows(view, buckets):
        bucket = places.get(start)
        if bucket is None:  # the first may begin in the middle of a week
            bucket = places[start] = buckets[max(0, bisect_right(buckets, start) - 1)]
        by_bucket[bucket].append(row)
        by_group[value].append(row)
        group = groups.get(value)
        if group is None:
            group = groups[value] = Group(value)
        if (known := group.by_bucket.get(bucket)) is not None:
            known.add(Sums(*row))
        else:
            group.by_bucket[bucket] = Sums(*row)
    total = Sums()
    for value, group in groups.items():
        group.total = Sums.of(by_group[value])
        total.add(group.total)
    return Report(
        total=total,
        by_bucket={bucket: Sums.of(rows) for bucket, rows in by_bucket.items()},
        groups=sorted(
            (group for group in groups.values() if group.total.requests),  # an interrupted request counts nothing
            key=lambda group: (-group.total.measure(view.show), str(group.value)),
        ),
        before=_before(view),
    )


def _rows(view: Filter, buckets: list[datetime]) -> Iterable[tuple[datetime, tuple[Any, ...], _Row]]:
    """Return (a moment of the bucket, value of the group, sums) of the view."""
    period, column = view.period, GROUPS[view.by][0]
    if period.bucket == "minute":
        return minutes.sums_by(view.account, period.start, period.end, SUMS, column, view.where)
    stretch = Stretch(view.account, [*buckets, period.end], period.bucket, period.zone)
    return kept_sums_by(None, stretch, view.completed, SUMS, (column,), view.conditions) or ()


def choices(view: Filter) -> dict[str, list[Any]]:
    """Return the values that occur in the period regardless of filters, sorted, by column of `GROUPS`."""
    columns = [column for column, _ in GROUPS.values()]
    stretch = Stretch.whole(view.account, hour_of(view.period.start), view.period.end)
    found = rollups.distinct(stretch, view.rolled_until, *columns)
    return {column: sorted(value for value in values if value) for column, values in zip(columns, found, strict=True)}


@dataclass(frozen=True, slots=True)
class Stamp:
    """Values that change whenever a request of the account starts or ends. Their text goes to the page and back."""

    account: CreditAccount  # as it was when the others were read
    newest: str  # request; empty before the first
    running: int
    newest_running: str

    def __str__(self) -> str:
        return f"{self.account.usage}.{self.account.held}.{self.newest}.{self.running}.{self.newest_running}"

    @property
    def unused(self) -> bool:
        """Whether the account has no requests."""
        return not (self.newest or self.running)


def stamp(account: CreditAccount) -> Stamp:
    """Return the account's stamp, read in one query."""
    found = _stamps().get(pk=account.pk)
    return Stamp(found, found.newest or "", found.running, found.newest_running or "")


@functools.cache
def _stamps() -> Any:
    """Return the query of what is in stamps, by account. Making it takes longer than running it."""
    newest = Generation.objects.filter(account=OuterRef("pk")).order_by("-created_at", "-id").values("id")[:1]
    return CreditAccount.objects.annotate(
        newest=Subquery(newest), running=Count("holds"), newest_running=Max("holds__id")
    )


def _before(view: Filter) -> Sums | None:
    if view.period.before is None or view.period.before_end is None:
        return None
    if view.period.bucket == "minute":
        start, end = view.period.before, view.period.before_end
        rows = minutes.sums_by(view.account, start, end, SUMS, "source", view.where)
    else:
        stretch = Stretch.whole(view.account, view.period.before, view.period.before_end)
        rows = kept_sums_by(None, stretch, view.completed, SUMS, (), view.conditions) or []
    return Sums.of([row for _, _, row in rows])
