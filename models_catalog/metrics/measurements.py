"""Measurements of endpoints and models in real traffic, provided by the apps that know them.

They are above this one, so they register themselves: the app that serves requests with `provide(source)` and
`provide_models(source)`, the one that counts them with `provide_usage(source)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from common.storage.fresh_cache import FreshCache

__all__ = [
    "FRESH_SECONDS",
    "UNMEASURED",
    "Measurement",
    "ModelFigures",
    "Usage",
    "clear",
    "of",
    "of_models",
    "provide",
    "provide_models",
    "provide_usage",
]

#: Seconds after which the figures of models are read again.
FRESH_SECONDS = 60.0


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


Source = Callable[[str], Mapping[str, Measurement]]
_source: Source | None = None


def provide(source: Source) -> None:
    """Register `source(model id)`, which returns the measurements of a model's endpoints by tag."""
    global _source
    _source = source


def of(model_id: str) -> Mapping[str, Measurement]:
    """Return the measurements of the model's endpoints, by tag. Endpoints without traffic are missing."""
    return _source(model_id) if _source is not None else {}


# --- Of models ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of a model in the last seven days."""

    tokens: int = 0  # prompt and completion
    categories: frozenset[str] = frozenset()  # of the apps that used it


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model's last half hour at all its endpoints, and its use in seven days. None where traffic was too low."""

    latency_ms: float | None = None  # median time to the first token
    throughput: float | None = None  # median tokens per second
    uptime: float | None = None  # per cent of the attempts that succeeded
    tool_success: float | None = None  # per cent of the responses with tool calls whose calls were all sound
    usage: Usage = Usage()

    @property
    def latency_seconds(self) -> float | None:
        """The median time to the first token."""
        return self.latency_ms / 1000 if self.latency_ms is not None else None


UNMEASURED = ModelFigures()

ModelSource = Callable[[], Mapping[str, ModelFigures]]
UsageSource = Callable[[], Mapping[str, Usage]]
_model_source: ModelSource | None = None
_usage_source: UsageSource | None = None
_figures: FreshCache[None, Mapping[str, ModelFigures]] = FreshCache(fresh_seconds=FRESH_SECONDS)


def provide_models(source: ModelSource) -> None:
    """Register `source()`, which returns the figures of all models with traffic, by ID, without their usage."""
    global _model_source
    _model_source = source


def provide_usage(source: UsageSource) -> None:
    """Register `source()`, which returns the usage of all models that were used, by ID."""
    global _usage_source
    _usage_source = source


def of_models() -> Mapping[str, ModelFigures]:
    """Return the figures of models, by ID, at most about FRESH_SECONDS old. Models without traffic are missing."""
    known, stale = _figures.lookup(None)
    if known is None or stale:
        read_at = _figures.now()
        _figures.put(None, known := _read(), read_at=read_at)
    return known


def clear() -> None:
    """Make the next `of_models()` read the figures."""
    _figures.clear()


def _read() -> Mapping[str, ModelFigures]:
    measured = _model_source() if _model_source is not None else {}
    used = _usage_source() if _usage_source is not None else {}
    figures = {model_id: replace(measured.get(model_id, UNMEASURED), usage=usage) for model_id, usage in used.items()}
    return MappingProxyType({**measured, **figures})
