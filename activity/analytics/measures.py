"""The metrics, dimensions and granularities of analytics queries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from activity.usage import Sums
from common.money import PicoUsd, as_usd

__all__ = ["DIMENSIONS", "GRANULARITIES", "METRICS", "Dimension", "Figure", "Granularity", "Metric"]

Figure = int | float | Decimal | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a row. `columns` are the sums that it is made of; `format` says how to show it.

    A rate is null where there is nothing to divide by, and rates do not add up.
    """

    name: str
    label: str
    format: str
    columns: tuple[str, ...]
    value: Callable[[Sums], Figure]
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


_SERVED = ("requests", "failures")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("request_count", "Requests", "number", (), lambda sums: sums.requests),
        Metric("failed_requests", "Failed requests", "number", ("failures",), lambda sums: sums.failures),
        Metric("total_usage", "Spend", "currency", ("cost",), lambda sums: as_usd(PicoUsd(sums.cost))),
        Metric("tokens_total", "Tokens", "number", ("prompt_tokens", "completion_tokens"), lambda sums: sums.tokens),
        Metric("tokens_prompt", "Prompt tokens", "number", ("prompt_tokens",), lambda sums: sums.prompt_tokens),
        Metric(
            "tokens_completion", "Completion tokens", "number", ("completion_tokens",),
            lambda sums: sums.completion_tokens,
        ),
        Metric(
            "reasoning_tokens", "Reasoning tokens", "number", ("reasoning_tokens",), lambda sums: sums.reasoning_tokens
        ),
        Metric("cached_tokens", "Cached tokens", "number", ("cached_tokens",), lambda sums: sums.cached_tokens),
        Metric(
            "cache_hit_rate", "Cache hit rate", "percent", ("prompt_tokens", "cached_tokens"),
            lambda sums: _ratio(sums.cached_tokens, sums.prompt_tokens), is_rate=True,
        ),
        Metric(
            "avg_latency", "Time to first token", "latency", (*_SERVED, "latency_ms"),
            lambda sums: _ratio(sums.latency_ms, sums.requests - sums.failures), is_rate=True,
        ),
        Metric(
            "avg_generation_time", "Total time", "latency", (*_SERVED, "duration_ms"),
            lambda sums: _ratio(sums.duration_ms, sums.requests - sums.failures), is_rate=True,
        ),
        Metric(
            "avg_throughput", "Throughput", "throughput", ("completion_tokens", "latency_ms", "duration_ms"),
            lambda sums: _ratio(sums.completion_tokens * 1000, sums.duration_ms - sums.latency_ms), is_rate=True,
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
