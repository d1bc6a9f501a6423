"""The span of time of a view of the logs: "3d" back from now, or between two moments."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_datetime

__all__ = ["SPANS", "Span", "span_from"]

#: The choices: value of `time` in the query string, and its label. Any number of a unit is understood.
SPANS = {
    "15min": "Past 15 minutes",
    "1h": "Past hour",
    "1d": "Past 24 hours",
    "7d": "Past 7 days",
    "30d": "Past 30 days",
    "": "All time",
}
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
_SHORTHAND = re.compile(rf"([1-9]\d{{0,3}})({'|'.join(_UNITS)})")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to before `end`; None is unbounded. `problem` is a sentence if the text was not understood."""

    start: datetime | None = None
    end: datetime | None = None
    problem: str = ""


def span_from(time: str, start: str, end: str, now: datetime) -> Span:
    """Return the span of a shorthand such as "15min" or "3d", or of two moments in ISO 8601 (UTC without an offset).

    The two moments take precedence. What is not understood restricts nothing and has a `problem`.
    """
    if start or end:
        first, last = _moment(start), _moment(end)
        if (start and first is None) or (end and last is None):
            return Span(problem="Enter the time as 2026-01-31T15:00.")
        if first and last and first >= last:
            return Span(problem="The start must be before the end.")
        return Span(first, last)
    if not time:
        return Span()
    if not (match := _SHORTHAND.fullmatch(time)):
        return Span(problem="Enter a time such as 15min, 1h, 3d, 8w, 1mo or 2y.")
    try:
        return Span(now - int(match[1]) * _UNITS[match[2]])
    except OverflowError:  # before the first year
        return Span()


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        return None
