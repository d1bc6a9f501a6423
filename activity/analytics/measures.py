"""The metrics, dimensions and granularities of analytics queries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from operator import add

__all__ = ["DIMENSIONS", "GRANULARITIES", "METRICS", "Dimension", "Figure", "Granularity", "Metric"]

Figure = int | float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a row. `columns` are the sums that it is made of, `figure` makes it; `format` says how to show it.

    A currency is in pico-USD. A rate is None where there is nothing to divide by, and rates do not add up.
    """

    name: str
    label: str
    format: str
    columns: tuple[str, ...]
    figure: Callable[..., Figure] = int
    is_rate: bool = False


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to divide and filter usage. `unset` is stored where a request has none; no column: it has one value."""

    name: str
    label: str
    column: str = ""
    unset: int | str = ""


@dataclass(frozen=True, slots=True)
class Granularity:
    """The length of the buckets of time, and the longest range that may be divided by it."""

    name: str
    label: str
    longest: timedelta


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _per_served(milliseconds: int, requests: int, failures: int) -> float | None:
    return _ratio(milliseconds, requests - failures)


def _throughput(tokens: int, duration_ms: int, latency_ms: int) -> float | None:
    return _ratio(tokens * 1000, duration_ms - latency_ms)


_SERVED = ("requests", "failures")
_BOTH = ("prompt_tokens", "completion_tokens")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("request_count", "Requests", "number", ("requests",)),
        Metric("failed_requests", "Failed requests", "number", ("failures",)),
        Metric("total_usage", "Spend", "currency", ("cost",)),
        Metric("tokens_total", "Tokens", "number", _BOTH, add),
        Metric("tokens_prompt", "Prompt tokens", "number", ("prompt_tokens",)),
        Metric("tokens_completion", "Completion tokens", "number", ("completion_tokens",)),
        Metric("reasoning_tokens", "Reasoning tokens", "number", ("reasoning_tokens",)),
        Metric("cached_tokens", "Cached tokens", "number", ("cached_tokens",)),
        Metric(
            "cache_hit_rate", "Cache hit rate", "percent", ("cached_tokens", "prompt_tokens"), _ratio, is_rate=True
        ),
        Metric(
            "avg_latency", "Time to first token", "latency", ("latency_ms", *_SERVED), _per_served, is_rate=True
        ),
        Metric(
            "avg_generation_time", "Total time", "latency", ("duration_ms", *_SERVED), _per_served, is_rate=True
        ),
        Metric(
            "avg_throughput", "Throughput", "throughput", ("completion_tokens", "duration_ms", "latency_ms"),
            _throughput, is_rate=True,
        ),
    )
}  # fmt: skip

DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("model", "Model", "model"),
        Dimension("provider", "Provider", "provider"),
        Dimension("api_key_id", "API key", "key_id", 0),
        Dimension("user", "User", "user_id", 0),
        Dimension("app", "App", "app"),
        Dimension("source", "Source", "source"),
        Dimension("workspace", "Workspace"),
    )
}

GRANULARITIES = {
    granularity.name: granularity
    for granularity in (
        Granularity("hour", "Hour", timedelta(days=31)),
        Granularity("day", "Day", timedelta(days=366)),
        Granularity("week", "Week", timedelta(days=366)),
        Granularity("month", "Month", timedelta(days=1830)),
    )
}
