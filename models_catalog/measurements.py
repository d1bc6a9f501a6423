"""Measurements of endpoints in real traffic, provided by the app that serves them.

The app that serves requests knows; it is above this one, so it registers itself: `provide(source)` for the last day,
`provide_days(of_model, of_provider)` for the days before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.core.cache import cache

__all__ = [
    "MIN_ANSWERS",
    "Day",
    "Days",
    "Measurement",
    "cached_days",
    "cached_of",
    "cached_provider_days",
    "of",
    "provide",
    "provide_days",
]

#: Latency and throughput are unknown below this many measured answers.
MIN_ANSWERS = 20
#: Pages show figures that are at most this old.
_CACHED_SECONDS = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One endpoint's last half hour, and its last day. None where traffic was too low.

    States of a part of the time are "ok", "warn", "bad", or "none" where too little is known; oldest first.
    """

    uptime_5m: float | None = None  # per cent of requests answered
    uptime_30m: float | None = None
    uptime_1h: float | None = None
    uptime_1d: float | None = None
    latency_ms: Mapping[str, float] | None = None  # to the first token: {"p50", "p75", "p90", "p99"}
    throughput: Mapping[str, float] | None = None  # tokens per second, likewise
    answers: int = 0  # in the last half hour
    latency_ms_1d: Mapping[str, float] | None = None  # the same for the last day
    throughput_1d: Mapping[str, float] | None = None
    answers_1d: int = 0
    tool_success_1d: float | None = None  # per cent of the responses with tool calls whose calls were all sound
    hour: tuple[str, ...] = ()  # the state in each five minutes of the last hour
    day: tuple[str, ...] = ()  # the state in each of the last 24 hours

    @property
    def latency_seconds(self) -> float | None:
        """The median time to first token."""
        return self.latency_ms["p50"] / 1000 if self.latency_ms else None

    @property
    def tokens_per_second(self) -> float | None:
        """The median throughput."""
        return self.throughput["p50"] if self.throughput else None


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day of an endpoint or a provider: its state, and its medians; None where there were too few answers."""

    date: date
    state: str
    latency_ms: float | None = None
    throughput: float | None = None  # tokens per second


@dataclass(frozen=True, slots=True)
class Days:
    """The last 30 days, today included, oldest first. `uptime` is of all of them, in percent; None if unknown."""

    days: tuple[Day, ...]
    uptime: float | None
    answered: int  # requests

    @property
    def states(self) -> tuple[str, ...]:
        """The state of each day."""
        return tuple(each.state for each in self.days)


Source = Callable[[str], Mapping[str, Measurement]]
DaysOfModel = Callable[[str], Mapping[str, Days]]
DaysOfProvider = Callable[[str], Days | None]

_source: Source | None = None
_days_of_model: DaysOfModel | None = None
_days_of_provider: DaysOfProvider | None = None


def provide(source: Source) -> None:
    """Register `source(model id)`, which returns the measurements of a model's endpoints by tag."""
    global _source
    _source = source


def provide_days(of_model: DaysOfModel, of_provider: DaysOfProvider) -> None:
    """Register what returns the days of a model's endpoints by tag, and those of a provider, None without traffic."""
    global _days_of_model, _days_of_provider
    _days_of_model, _days_of_provider = of_model, of_provider


def of(model_id: str) -> Mapping[str, Measurement]:
    """Return the measurements of the model's endpoints, by tag. Endpoints without traffic are missing."""
    return _source(model_id) if _source is not None else {}


def cached_of(model_id: str) -> Mapping[str, Measurement]:
    """Return the same as `of`, up to a minute old."""
    return _cached("measured", model_id, of)


def cached_days(model_id: str) -> Mapping[str, Days]:
    """Return the days of the model's endpoints, by tag, up to a minute old. Endpoints without traffic are missing."""
    return _cached("days", model_id, _days_of_model) if _days_of_model is not None else {}


def cached_provider_days(slug: str) -> Days | None:
    """Return the days of a provider, up to a minute old; None without traffic."""
    return _cached("provider-days", slug, _days_of_provider) if _days_of_provider is not None else None


def _cached(kind: str, name: str, read: Callable[[str], T]) -> T:
    found: T | None = cache.get(key := f"catalog-{kind}:{name}")
    if found is None:
        cache.set(key, found := read(name), _CACHED_SECONDS)
    return found
