"""Measurements of endpoints and providers by day, and those of the last day, for pages: at most a minute old.

The app that serves requests knows the days. It is above this one, so it registers itself:
`provide(of_model, of_provider)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.core.cache import cache

from . import measurements
from .measurements import Measurement

__all__ = ["MIN_ANSWERS", "Day", "Days", "last_day", "of_model", "of_provider", "provide"]

#: Latency and throughput are unknown below this many measured answers.
MIN_ANSWERS = 20
_CACHED_SECONDS = 60

T = TypeVar("T")


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


OfModel = Callable[[str], Mapping[str, Days]]
OfProvider = Callable[[str], Days | None]

_of_model: OfModel | None = None
_of_provider: OfProvider | None = None


def provide(of_model: OfModel, of_provider: OfProvider) -> None:
    """Register what returns the days of a model's endpoints by tag, and those of a provider, None without traffic."""
    global _of_model, _of_provider
    _of_model, _of_provider = of_model, of_provider


def last_day(model_id: str) -> Mapping[str, Measurement]:
    """Return the measurements of the model's endpoints, by tag. Endpoints without traffic are missing."""
    return _cached("measured", model_id, measurements.of)


def of_model(model_id: str) -> Mapping[str, Days]:
    """Return the days of the model's endpoints, by tag. Endpoints without traffic are missing."""
    return _cached("days", model_id, _of_model) if _of_model is not None else {}


def of_provider(slug: str) -> Days | None:
    """Return the days of a provider; None without traffic."""
    return _cached("provider-days", slug, _of_provider) if _of_provider is not None else None


def _cached(kind: str, name: str, read: Callable[[str], T]) -> T:
    # The cache holds objects with the path of their class. A class that moves needs another key: processes of both
    # versions run during an update.
    found: T | None = cache.get(key := f"catalog-metrics-{kind}:{name}")
    if found is None:
        cache.set(key, found := read(name), _CACHED_SECONDS)
    return found
