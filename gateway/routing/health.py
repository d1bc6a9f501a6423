"""Endpoint health: what real traffic says about each endpoint, by the minute.

Every process counts in memory and writes its own rows, so nobody waits for anybody; readers add the
rows of all processes together. Latencies and speeds are kept as histograms whose buckets grow by a
tenth, so percentiles over any window are within five per cent and cost no raw samples.
"""

import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from gateway.models import EndpointMinute
from models_catalog.measurements import Measurement

__all__ = ["EndpointHealth", "EndpointKey", "Health", "Histogram", "book", "measured", "percentiles", "read"]

#: An endpoint that failed last, and less long ago than this, stands behind the others, in seconds.
OUTAGE_SECONDS = 30.0
#: Fewer requests than this say nothing about uptime.
FEWEST_FOR_UPTIME = 100
#: The windows for routing, and for uptime.
ROUTING_WINDOW = timedelta(minutes=5)
UPTIME_WINDOW = timedelta(minutes=30)

PERCENTILES = (50, 75, 90, 99)

_GROWTH = math.log(1.1)


class EndpointKey(NamedTuple):
    """An endpoint's name in the books: it survives a reload of the catalogue, unlike its row's id."""

    model: str
    tag: str


Histogram = Counter[int]


def bucket(value: float) -> int:
    """The histogram bucket of a positive value."""
    return round(math.log(max(value, 1e-3)) / _GROWTH)


def percentiles(histogram: Mapping[int, int], *, high_is_good: bool = False) -> dict[str, float] | None:
    """`{"p50", "p75", "p90", "p99"}` of a histogram; None when it is empty.

    pN is what N per cent of the samples do at least as well as: for speeds it falls with rising N.
    """
    total = sum(histogram.values())
    if not total:
        return None
    ordered = sorted(histogram.items(), reverse=high_is_good)
    found: dict[str, float] = {}
    for percent in PERCENTILES:
        wanted = math.ceil(total * percent / 100)
        seen = 0
        for number, count in ordered:
            seen += count
            if seen >= wanted:
                found[f"p{percent}"] = round(math.exp(number * _GROWTH), 4)
                break
    return found


class EndpointHealth(msgspec.Struct, frozen=True):
    """What is known of one endpoint. Latency in milliseconds to the first token, speed in tokens per second."""

    uptime: float | None = None  # per cent
    latency: dict[str, float] | None = None
    throughput: dict[str, float] | None = None

    @property
    def is_degraded(self) -> bool:
        return self.uptime is not None and 80 <= self.uptime < 95

    @property
    def is_down(self) -> bool:
        return self.uptime is not None and self.uptime < 80


_UNKNOWN = EndpointHealth()


class Health(msgspec.Struct, frozen=True):
    """The health of all endpoints at one moment, for routing."""

    endpoints: Mapping[EndpointKey, EndpointHealth] = {}
    failing: frozenset[EndpointKey] = frozenset()  # failed last, within the outage window

    def of(self, key: EndpointKey) -> EndpointHealth:
        return self.endpoints.get(key, _UNKNOWN)


class _Minute:
    """One endpoint's minute in this process."""

    __slots__ = ("changed", "errors", "latency", "ok", "rate_limited", "speed")

    def __init__(self) -> None:
        self.ok = self.errors = self.rate_limited = 0
        self.latency: Histogram = Counter()
        self.speed: Histogram = Counter()
        self.changed = False


class HealthBook:
    """This process's counts, and the latest sums of every process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[tuple[datetime, EndpointKey], _Minute] = defaultdict(_Minute)
        self._failed_at: dict[EndpointKey, float] = {}
        self._known: Mapping[EndpointKey, EndpointHealth] = {}

    def succeeded(self, key: EndpointKey, latency_ms: float, tokens: int, seconds: float) -> None:
        """An answer came to its end: `tokens` in `seconds` from the request on."""
        with self._lock:
            minute = self._minute(key)
            minute.ok += 1
            minute.latency[bucket(latency_ms)] += 1
            if tokens > 1 and seconds > 0:
                minute.speed[bucket(tokens / seconds)] += 1
            self._failed_at.pop(key, None)

    def failed(self, key: EndpointKey, status: int) -> None:
        """An attempt failed. What the caller did wrong (400, 413, 422) does not count against an endpoint."""
        if status in {400, 413, 422}:
            return
        with self._lock:
            minute = self._minute(key)
            if status in {403, 429}:
                minute.rate_limited += 1
            else:
                minute.errors += 1
            self._failed_at[key] = time.monotonic()

    def health(self) -> Health:
        """What routing should know now."""
        since = time.monotonic() - OUTAGE_SECONDS
        with self._lock:
            failing = frozenset(key for key, at in self._failed_at.items() if at >= since)
            if len(failing) < len(self._failed_at):
                self._failed_at = {key: at for key, at in self._failed_at.items() if at >= since}
        return Health(self._known, failing)

    def exchange(self, process_id: str, now: datetime) -> None:
        """Write this process's minutes and read everybody's."""
        with self._lock:
            changed = {key: minute for key, minute in self._minutes.items() if minute.changed}
            rows = [
                EndpointMinute(
                    process_id=process_id,
                    model=key.model,
                    tag=key.tag,
                    minute=at,
                    ok=minute.ok,
                    errors=minute.errors,
                    rate_limited=minute.rate_limited,
                    latency=dict(minute.latency),
                    speed=dict(minute.speed),
                )
                for (at, key), minute in changed.items()
            ]
            for minute in changed.values():
                minute.changed = False
            old = _minute_of(now) - timedelta(minutes=2)
            for stale in [known for known in self._minutes if known[0] < old]:
                del self._minutes[stale]
        if rows:
            EndpointMinute.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["process_id", "model", "tag", "minute"],
                update_fields=["ok", "errors", "rate_limited", "latency", "speed"],
            )
        self._known = read(now)

    def forget(self) -> None:
        """Start afresh."""
        self.__init__()  # type: ignore[misc]

    def _minute(self, key: EndpointKey) -> _Minute:
        minute = self._minutes[_minute_of(datetime.now(UTC)), key]
        minute.changed = True
        return minute


#: This process's book.
book = HealthBook()


def read(now: datetime) -> dict[EndpointKey, EndpointHealth]:
    """The health of every endpoint with traffic, from the rows of all processes: two windows, one query."""
    recent = now - ROUTING_WINDOW
    ok: Counter[EndpointKey] = Counter()
    errors: Counter[EndpointKey] = Counter()
    latency: dict[EndpointKey, Histogram] = defaultdict(Counter)
    speed: dict[EndpointKey, Histogram] = defaultdict(Counter)
    for row in EndpointMinute.objects.filter(minute__gte=_minute_of(now - UPTIME_WINDOW)):
        key = EndpointKey(row.model, row.tag)
        ok[key] += row.ok
        errors[key] += row.errors
        if row.minute >= recent:
            latency[key].update(_histogram(row.latency))
            speed[key].update(_histogram(row.speed))
    return {
        key: EndpointHealth(
            uptime=uptime(ok[key], errors[key]),
            latency=percentiles(latency[key]),
            throughput=percentiles(speed[key], high_is_good=True),
        )
        for key in ok.keys() | errors.keys()
    }


def measured(model_id: str, now: datetime | None = None) -> dict[str, Measurement]:
    """The published figures of a model's endpoints, by tag: a day's uptime, half an hour's latency and speed."""
    now = now or datetime.now(UTC)
    rows: dict[str, list[EndpointMinute]] = defaultdict(list)
    for row in EndpointMinute.objects.filter(model=model_id, minute__gte=_minute_of(now - timedelta(days=1))):
        rows[row.tag].append(row)
    return {tag: _measurement(minutes, now) for tag, minutes in rows.items()}


def _measurement(minutes: list[EndpointMinute], now: datetime) -> Measurement:
    def since(window: timedelta) -> list[EndpointMinute]:
        return [row for row in minutes if row.minute >= _minute_of(now - window)]

    def up(rows: list[EndpointMinute]) -> float | None:
        return uptime(sum(row.ok for row in rows), sum(row.errors for row in rows))

    recent = since(UPTIME_WINDOW)
    return Measurement(
        uptime_5m=up(since(ROUTING_WINDOW)),
        uptime_30m=up(recent),
        uptime_1d=up(minutes),
        latency_ms=percentiles(merged(row.latency for row in recent)),
        throughput=percentiles(merged(row.speed for row in recent), high_is_good=True),
    )


def uptime(ok: int, errors: int) -> float | None:
    """Per cent of requests that were answered; None when there were too few to say."""
    total = ok + errors
    return round(100 * ok / total, 2) if total >= FEWEST_FOR_UPTIME else None


def merged(histograms: Iterable[Mapping[str, int]]) -> Histogram:
    """Stored histograms added together."""
    total: Histogram = Counter()
    for histogram in histograms:
        total.update(_histogram(histogram))
    return total


def _histogram(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(number): count for number, count in stored.items()}


def _minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
