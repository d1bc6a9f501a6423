"""Sums for the dashboard, read from the hourly rollups, never from requests.

The rollups are written in the transaction that charges the account, so these sums and the balance
agree to the pico-USD at any moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth

from billing.models import CreditAccount
from gateway.models import UsageHour

from .filters import GROUPS, Filter
from .periods import Period

__all__ = ["Group", "Report", "Sums", "choices", "report", "stamp"]

_COLUMNS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost",
    "latency_ms", "duration_ms",
)  # fmt: skip
_SUMS = {f"sum_{column}": Sum(column) for column in _COLUMNS}


@dataclass(slots=True)
class Sums:
    """Totals of requests. Money in pico-USD, durations in milliseconds."""

    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0  # part of completion_tokens
    cached_tokens: int = 0  # part of prompt_tokens
    cost: int = 0
    latency_ms: int = 0
    duration_ms: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def cached_percent(self) -> int | None:
        """Share of prompt tokens read from providers' caches; None without prompt tokens."""
        return self.cached_tokens * 100 // self.prompt_tokens if self.prompt_tokens else None

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the sums of a database row."""
        for column in _COLUMNS:
            # PostgreSQL sums big integers as exact decimals.
            setattr(self, column, getattr(self, column) + int(row[f"sum_{column}"] or 0))

    def measure(self, show: str) -> int:
        """Return the measure that the chart shows: pico-USD, requests or tokens."""
        return {"spend": self.cost, "requests": self.requests, "tokens": self.tokens}[show]


@dataclass(slots=True)
class Group:
    """One model, provider, key, member or app: `value` as stored, totals by bucket and in all."""

    value: Any
    total: Sums = field(default_factory=Sums)
    by_bucket: dict[datetime, Sums] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """The usage of one view."""

    total: Sums
    by_bucket: dict[datetime, Sums]
    groups: list[Group]  # largest measure first
    before: Sums | None  # the equally long stretch before; None when there is none


def report(view: Filter) -> Report:
    """Return the usage of a view, read in two queries."""
    groups: dict[Any, Group] = {}
    total = Sums()
    by_bucket = {bucket: Sums() for bucket in view.period.buckets()}
    column = GROUPS[view.by][0]
    rows = _bucketed(_hours(view, view.period.start, view.period.end), view.period).values("bucket", column)
    for row in rows.annotate(**_SUMS).order_by():
        group = groups.setdefault(row[column], Group(row[column]))
        bucket = row["bucket"].astimezone(UTC)
        for sums in (total, group.total, group.by_bucket.setdefault(bucket, Sums()), by_bucket[bucket]):
            sums.add(row)
    return Report(
        total=total,
        by_bucket=by_bucket,
        groups=sorted(groups.values(), key=lambda group: (-group.total.measure(view.show), str(group.value))),
        before=_before(view),
    )


def choices(view: Filter) -> dict[str, list[Any]]:
    """Return the values that occur in the period regardless of filters, sorted, by column of `GROUPS`."""
    columns = [column for column, _ in GROUPS.values()]
    everything = view.everything()
    combinations = _hours(everything, view.period.start, view.period.end).order_by().values_list(*columns).distinct()
    found: list[set[Any]] = [set() for _ in columns]
    for combination in combinations:
        for values, value in zip(found, combination, strict=True):
            values.add(value)
    return {column: sorted(value for value in values if value) for column, values in zip(columns, found, strict=True)}


def stamp(account: CreditAccount) -> str:
    """Return a text that changes whenever a request of the account starts or ends."""
    newest = account.generations.order_by("-created_at", "-id").values_list("id", flat=True).first()
    running = account.holds.aggregate(count=Count("pk"), newest=Max("pk"))
    return f"{account.usage}.{account.held}.{newest or ''}.{running['count']}.{running['newest'] or ''}"


def _hours(view: Filter, start: datetime, end: datetime) -> QuerySet[UsageHour]:
    return UsageHour.objects.filter(account=view.account, hour__gte=start, hour__lt=end, **view.conditions)


def _bucketed(hours: QuerySet[UsageHour], period: Period) -> QuerySet[UsageHour]:
    match period.bucket:
        case "hour":
            return hours.annotate(bucket=F("hour"))
        case "day":
            return hours.annotate(bucket=TruncDay("hour", tzinfo=UTC))
        case _:
            return hours.annotate(bucket=TruncMonth("hour", tzinfo=UTC))


def _before(view: Filter) -> Sums | None:
    if view.period.before is None or view.period.before_end is None:
        return None
    sums = Sums()
    sums.add(_hours(view, view.period.before, view.period.before_end).aggregate(**_SUMS))
    return sums
