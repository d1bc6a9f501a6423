"""Endpoint health by day: added up by the clock from the minutes, which are deleted after two days.

An hour is added once, when it is over. Each row says until when it is counted, so no run can add an hour twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Max, Min, Q

from common.clock import hour_of, utc_now
from gateway.models import EndpointDay, EndpointMinute
from models_catalog.metrics.measured_days import Day, Days

from .health import EndpointKey, Histogram, merged, state, uptime
from .published_health import published_percentiles

__all__ = ["DAYS", "count_hours", "of_model", "of_provider"]

#: Days that are kept and shown, today included.
DAYS = 30
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: An hour is counted this long after its end, when every process has written its minutes.
PATIENCE = timedelta(minutes=5)
#: Minutes are kept for this long.
MINUTES_KEPT = 2 * DAY


def count_hours(most: int = 6) -> int:
    """Add hours that are over to their days, at most so many, and delete old days; the number of hours added."""
    now = utc_now()
    counted = 0
    start = EndpointDay.objects.aggregate(until=Max("until"))["until"] or now - MINUTES_KEPT
    while counted < most:
        first = EndpointMinute.objects.filter(minute__gte=start).aggregate(first=Min("minute"))["first"]
        if first is None or (start := hour_of(first) + HOUR) + PATIENCE > now:
            break
        _count(start - HOUR)
        counted += 1
    EndpointDay.objects.filter(day__lte=now.date() - DAYS * DAY).delete()
    return counted


class _Sums:
    """The counts of an endpoint in an hour."""

    __slots__ = ("errors", "latency", "ok", "throughput")

    def __init__(self) -> None:
        self.ok = self.errors = 0
        self.latency: Histogram = Counter()
        self.throughput: Histogram = Counter()

    def add(self, row: EndpointMinute) -> None:
        self.ok += row.ok
        self.errors += row.errors
        self.latency.update(merged([row.latency]))
        self.throughput.update(merged([row.throughput]))


def _count(hour: datetime) -> None:
    """Add one hour to its day, except to rows that have it."""
    sums: dict[EndpointKey, _Sums] = defaultdict(_Sums)
    rows = EndpointMinute.objects.filter(minute__gte=hour, minute__lt=hour + HOUR)
    for row in rows.order_by().iterator(chunk_size=1000):
        sums[EndpointKey(row.model, row.tag)].add(row)
    day = hour.astimezone(UTC).date()
    midnight = datetime.combine(day, time(), UTC)
    with transaction.atomic():
        missing = [EndpointDay(day=day, model=key.model, tag=key.tag, until=midnight) for key in sums]
        EndpointDay.objects.bulk_create(missing, ignore_conflicts=True)
        known = EndpointDay.objects.select_for_update().filter(day=day, until__lte=hour).order_by("pk")
        changed = []
        for each in known:
            if added := sums.get(EndpointKey(each.model, each.tag)):
                each.ok += added.ok
                each.errors += added.errors
                each.latency = _stored(merged([each.latency]) + added.latency)
                each.throughput = _stored(merged([each.throughput]) + added.throughput)
                each.until = hour + HOUR
                changed.append(each)
        EndpointDay.objects.bulk_update(changed, ["ok", "errors", "latency", "throughput", "until"], batch_size=100)


def _stored(histogram: Mapping[int, int]) -> dict[str, int]:
    return {str(number): count for number, count in histogram.items()}


def of_model(model_id: str) -> dict[str, Days]:
    """The last days of a model's endpoints, by tag. Endpoints without traffic are missing. One query."""
    rows: dict[str, list[EndpointDay]] = defaultdict(list)
    for row in EndpointDay.objects.filter(model=model_id, day__gt=utc_now().date() - DAYS * DAY):
        rows[row.tag].append(row)
    return {tag: _days(each) for tag, each in rows.items()}


def of_provider(slug: str) -> Days | None:
    """The last days of all endpoints of a provider together, without medians; None without traffic. One query."""
    mine = Q(tag=slug) | Q(tag__startswith=f"{slug}/")  # a tag begins with its provider
    within = EndpointDay.objects.filter(mine, day__gt=utc_now().date() - DAYS * DAY)
    rows = list(within.only("day", "ok", "errors").order_by())
    return _days(rows, timed=False) if rows else None


def _days(rows: Iterable[EndpointDay], *, timed: bool = True) -> Days:
    by_day: dict[date, list[EndpointDay]] = defaultdict(list)
    for row in rows:
        by_day[row.day].append(row)
    today = utc_now().date()
    days = [_day(today - ago * DAY, by_day[today - ago * DAY], timed=timed) for ago in range(DAYS - 1, -1, -1)]
    ok = sum(row.ok for each in by_day.values() for row in each)
    errors = sum(row.errors for each in by_day.values() for row in each)
    return Days(tuple(days), uptime(ok, errors), ok)


def _day(day: date, rows: list[EndpointDay], *, timed: bool) -> Day:
    found = state(sum(row.ok for row in rows), sum(row.errors for row in rows))
    if not timed:
        return Day(day, found)
    latency, throughput, _ = published_percentiles(rows)
    return Day(day, found, latency["p50"] if latency else None, throughput["p50"] if throughput else None)
