"""Endpoint health as pages and the public API show it: percentiles from enough answers on, uptime by parts of a day."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.models import EndpointMinute
from models_catalog.metrics.measured_days import MIN_ANSWERS
from models_catalog.metrics.measurements import Measurement, ModelFigures

from .health import (
    ROUTING_WINDOW,
    UPTIME_WINDOW,
    Histogram,
    merged,
    minute_of,
    percentiles,
    state,
    tool_success,
    uptime,
)

__all__ = ["published", "published_models", "published_percentiles"]


def published(model_id: str, now: datetime | None = None) -> dict[str, Measurement]:
    """The public figures of a model's endpoints, by tag: uptime over a day, the rest over half an hour."""
    now = now or datetime.now(UTC)
    rows: dict[str, list[EndpointMinute]] = defaultdict(list)
    for row in EndpointMinute.objects.filter(model=model_id, minute__gte=minute_of(now - timedelta(days=1))):
        rows[row.tag].append(row)
    return {tag: _measurement(minutes, now) for tag, minutes in rows.items()}


def published_models(now: datetime | None = None) -> dict[str, ModelFigures]:
    """The public figures of all models with traffic in the last half hour, by ID: of all their endpoints together."""
    now = now or datetime.now(UTC)
    rows: dict[str, list[EndpointMinute]] = defaultdict(list)
    for row in EndpointMinute.objects.filter(minute__gte=minute_of(now - UPTIME_WINDOW)).iterator():
        rows[row.model].append(row)
    return {model_id: _figures(minutes) for model_id, minutes in rows.items()}


def _figures(minutes: list[EndpointMinute]) -> ModelFigures:
    return ModelFigures(
        latency_ms=_median(merged(row.latency for row in minutes)),
        throughput=_median(merged(row.throughput for row in minutes), high_is_good=True),
        uptime=uptime(sum(row.ok for row in minutes), sum(row.errors for row in minutes)),
        tool_success=tool_success(sum(row.sound_tools for row in minutes), sum(row.unsound_tools for row in minutes)),
    )


def _median(histogram: Histogram, *, high_is_good: bool = False) -> float | None:
    """The median of a histogram; None below MIN_ANSWERS."""
    if sum(histogram.values()) < MIN_ANSWERS:
        return None
    found = percentiles(histogram, high_is_good=high_is_good)
    return found["p50"] if found else None


def _measurement(minutes: list[EndpointMinute], now: datetime) -> Measurement:
    def since(window: timedelta) -> list[EndpointMinute]:
        return [row for row in minutes if row.minute >= minute_of(now - window)]

    def up(rows: list[EndpointMinute]) -> float | None:
        return uptime(sum(row.ok for row in rows), sum(row.errors for row in rows))

    recent, hour = since(UPTIME_WINDOW), since(timedelta(hours=1))
    latency, throughput, answers = published_percentiles(recent)
    latency_1d, throughput_1d, answers_1d = published_percentiles(minutes)
    return Measurement(
        uptime_5m=up(since(ROUTING_WINDOW)),
        uptime_30m=up(recent),
        uptime_1h=up(hour),
        uptime_1d=up(minutes),
        latency_ms=latency,
        throughput=throughput,
        answers=answers,
        latency_ms_1d=latency_1d,
        throughput_1d=throughput_1d,
        answers_1d=answers_1d,
        tool_success_1d=tool_success(
            sum(row.sound_tools for row in minutes), sum(row.unsound_tools for row in minutes)
        ),
        hour=_states(hour, now, timedelta(minutes=5), 12),
        day=_states(minutes, now, timedelta(hours=1), 24),
    )


class _Counts(Protocol):
    latency: dict[str, int]
    throughput: dict[str, int]


def published_percentiles(
    rows: Iterable[_Counts],
) -> tuple[dict[str, float] | None, dict[str, float] | None, int]:
    """The percentiles of latency and of throughput, None below MIN_ANSWERS, and the number of measured answers."""
    rows = list(rows)
    latency = merged(row.latency for row in rows)
    throughput = merged(row.throughput for row in rows)
    return (
        percentiles(latency) if latency.total() >= MIN_ANSWERS else None,
        percentiles(throughput, high_is_good=True) if throughput.total() >= MIN_ANSWERS else None,
        latency.total(),
    )


def _states(rows: Iterable[EndpointMinute], now: datetime, step: timedelta, number: int) -> tuple[str, ...]:
    """The state in each of `number` parts of the time until now, oldest first."""
    counts = [[0, 0] for _ in range(number)]
    for row in rows:
        part = number - 1 - (minute_of(now) - row.minute) // step
        if 0 <= part < number:
            counts[part][0] += row.ok
            counts[part][1] += row.errors
    return tuple(state(ok, errors) for ok, errors in counts)
