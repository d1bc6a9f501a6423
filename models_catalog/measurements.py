"""Measurements of endpoints in real traffic, provided by the app that serves them.

The app that serves requests knows; it is above this one, so it registers itself: `provide(source)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Measurement", "of", "provide"]


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
