"""Endpoint health: uptime, latency and throughput of each endpoint, measured on real traffic by the minute.

Every process counts in memory and writes rows of its own, so that no process waits for another; readers add up the rows
of all processes. Latencies and throughputs are stored as histograms whose buckets grow by 10%: percentiles over any
window are exact to 5% and need no raw samples.
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

__all__ = [
    "EndpointHealth",
    "EndpointKey",
    "Health",
    "HealthTracker",
    "bucket",
    "merged",
    "minute_of",
    "percentiles",
    "read",
    "state",
    "tool_success",
    "tracker",
    "uptime",
]

#: Seconds during which an endpoint whose last request failed is tried after the others.
OUTAGE_SECONDS = 30.0
#: Uptime is unknown below this many requests.
MIN_REQUESTS_FOR_UPTIME = 100
#: The share of sound tool calls is unknown below this many responses with tool calls.
MIN_RESPONSES_WITH_TOOLS = 20
#: Latency and throughput that routing sorts by are those of this window...
ROUTING_WINDOW = timedelta(minutes=5)
#: ...and uptime and sound tool calls those of this one.
UPTIME_WINDOW = timedelta(minutes=30)

PERCENTILES = (50, 75, 90, 99)

#: A part of the time with fewer attempts has no state.
MIN_ATTEMPTS = 10
#: Percent of answered requests from which a part of the time is good, and from which it is degraded rather than bad.
GOOD, DEGRADED = 95.0, 80.0

_GROWTH = math.log(1.1)


class EndpointKey(NamedTuple):
    """Identifies an endpoint across reloads of the catalog, which give its row another ID."""

    model: str
    tag: str


Histogram = Counter[int]


def bucket(value: float) -> int:
    """The histogram bucket of a positive value."""
    return round(math.log(max(value, 1e-3)) / _GROWTH)


def percentiles(histogram: Mapping[int, int], *, high_is_good: bool = False) -> dict[str, float] | None:
    """`{"p50", "p75", "p90", "p99"}` of a histogram; None when it is empty.

    N% of the samples are at least as good as pN: for throughputs it falls as N rises.
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
    """The figures of one endpoint, None where unknown. Latencies and throughputs are percentiles by name (`p50`)."""

    uptime: float | None = None  # percent
    latency: dict[str, float] | None = None  # milliseconds to the first token
    throughput: dict[str, float] | None = None  # tokens per second
    tool_success: float | None = None  # percent of the responses with tool calls

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
    failing: frozenset[EndpointKey] = frozenset()  # whose last request failed, within OUTAGE_SECONDS

    def of(self, key: EndpointKey) -> EndpointHealth:
        return self.endpoints.get(key, _UNKNOWN)

    def is_failing(self, key: EndpointKey) -> bool:
        """Whether the endpoint is to be tried after all others: its last request failed, or many did."""
        return key in self.failing or self.of(key).is_down


class _Minute:
    """The counts of one endpoint in one minute of this process."""

    __slots__ = ("changed", "errors", "latency", "ok", "rate_limited", "sound_tools", "throughput", "unsound_tools")

    def __init__(self) -> None:
        self.ok = self.errors = self.rate_limited = self.sound_tools = self.unsound_tools = 0
        self.latency: Histogram = Counter()
        self.throughput: Histogram = Counter()
        self.changed = False


class HealthTracker:
    """The counts of this process, and the latest figures from the counts of all processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._minutes: dict[tuple[datetime, EndpointKey], _Minute] = defaultdict(_Minute)
            self._failed_at: dict[EndpointKey, float] = {}
            self._known: Mapping[EndpointKey, EndpointHealth] = {}

    def record_success(self, key: EndpointKey, latency_ms: float, tokens: int, seconds: float) -> None:
        """Count a complete response: the first token after `latency_ms`, `tokens` in `seconds` from the request on."""
        with self._lock:
            minute = self._minute(key)
            minute.ok += 1
            minute.latency[bucket(latency_ms)] += 1
            if tokens > 1 and seconds > 0:
                minute.throughput[bucket(tokens / seconds)] += 1
            self._failed_at.pop(key, None)

    def record_tool_calls(self, key: EndpointKey, *, sound: bool) -> None:
        """Count a complete response with tool calls: all of them `sound`, or one of no use to a program."""
        with self._lock:
            minute = self._minute(key)
            if sound:
                minute.sound_tools += 1
            else:
                minute.unsound_tools += 1

    def record_failure(self, key: EndpointKey, status: int) -> None:
        """Count a failed attempt, except for errors of the caller (400, 413, 422)."""
        if status in {400, 413, 422}:
            return
        with self._lock:
            minute = self._minute(key)
            if status in {403, 429}:
                minute.rate_limited += 1
            else:
                minute.errors += 1
            self._failed_at[key] = time.monotonic()

    def snapshot(self) -> Health:
        """The health of all endpoints now."""
        since = time.monotonic() - OUTAGE_SECONDS
        with self._lock:
            failing = frozenset(key for key, at in self._failed_at.items() if at >= since)
            if len(failing) < len(self._failed_at):
                self._failed_at = {key: at for key, at in self._failed_at.items() if at >= since}
        return Health(self._known, failing)

    def sync(self, process_id: str, now: datetime) -> None:
        """Write the counts of this process to the database, and read the figures of all processes."""
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
                    sound_tools=minute.sound_tools,
                    unsound_tools=minute.unsound_tools,
                    latency=dict(minute.latency),
                    throughput=dict(minute.throughput),
                )
                for (at, key), minute in changed.items()
            ]
            for minute in changed.values():
                minute.changed = False
            old = minute_of(now) - timedelta(minutes=2)
            for stale in [known for known in self._minutes if known[0] < old]:
                del self._minutes[stale]
        if rows:
            EndpointMinute.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["process_id", "model", "tag", "minute"],
                update_fields=[
                    "ok",
                    "errors",
                    "rate_limited",
                    "sound_tools",
                    "unsound_tools",
                    "latency",
                    "throughput",
                ],
            )
        self._known = read(now)

    def _minute(self, key: EndpointKey) -> _Minute:
        minute = self._minutes[minute_of(datetime.now(UTC)), key]
        minute.changed = True
        return minute


#: That of this process.
tracker = HealthTracker()


def read(now: datetime) -> dict[EndpointKey, EndpointHealth]:
    """The health of every endpoint with traffic, from the rows of all processes. One query for both windows."""
    recent = now - ROUTING_WINDOW
    ok: Counter[EndpointKey] = Counter()
    errors: Counter[EndpointKey] = Counter()
    sound: Counter[EndpointKey] = Counter()
    unsound: Counter[EndpointKey] = Counter()
    latency: dict[EndpointKey, Histogram] = defaultdict(Counter)
    throughput: dict[EndpointKey, Histogram] = defaultdict(Counter)
    for row in EndpointMinute.objects.filter(minute__gte=minute_of(now - UPTIME_WINDOW)):
        key = EndpointKey(row.model, row.tag)
        ok[key] += row.ok
        errors[key] += row.errors
        sound[key] += row.sound_tools
        unsound[key] += row.unsound_tools
        if row.minute >= recent:
            latency[key].update(_histogram(row.latency))
            throughput[key].update(_histogram(row.throughput))
    return {
        key: EndpointHealth(
            uptime=uptime(ok[key], errors[key]),
            latency=percentiles(latency[key]),
            throughput=percentiles(throughput[key], high_is_good=True),
            tool_success=tool_success(sound[key], unsound[key]),
        )
        for key in ok.keys() | errors.keys()
    }


def state(ok: int, errors: int) -> str:
    """ "ok", "warn" or "bad"; "none" where there were too few requests to tell."""
    if ok + errors < MIN_ATTEMPTS:
        return "none"
    percent = 100 * ok / (ok + errors)
    return "ok" if percent >= GOOD else "warn" if percent >= DEGRADED else "bad"


def uptime(ok: int, errors: int) -> float | None:
    """Percent of requests that succeeded; None when there were too few to tell."""
    return _percent(ok, errors, MIN_REQUESTS_FOR_UPTIME)


def tool_success(sound: int, unsound: int) -> float | None:
    """Percent of responses with tool calls of which all were sound; None when there were too few to tell."""
    return _percent(sound, unsound, MIN_RESPONSES_WITH_TOOLS)


def _percent(good: int, bad: int, least: int) -> float | None:
    total = good + bad
    return round(100 * good / total, 2) if total >= least else None


def merged(histograms: Iterable[Mapping[str, int]]) -> Histogram:
    """The sum of stored histograms."""
    total: Histogram = Counter()
    for histogram in histograms:
        total.update(_histogram(histogram))
    return total


def _histogram(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(number): count for number, count in stored.items()}


def minute_of(moment: datetime) -> datetime:
    """The start of the minute that contains the moment."""
    return moment.replace(second=0, microsecond=0)
