"""The span of time of a view of the logs: "3d" back from now, or between two moments.

An address has the moments in UTC, so that it means the same to every reader; the fields of the page have them in the
reader's time zone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from django.utils.dateparse import parse_datetime

from common.display.moments import local

__all__ = ["SPANS", "Span", "label_of", "local_text", "moment_text", "span_from"]

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
    "min": ("minute", timedelta(minutes=1)),
    "h": ("hour", timedelta(hours=1)),
    "d": ("day", timedelta(days=1)),
    "w": ("week", timedelta(weeks=1)),
    "mo": ("month", timedelta(days=30)),
    "y": ("year", timedelta(days=365)),
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
        return Span(now - int(match[1]) * _UNITS[match[2]][1])
    except OverflowError:  # before the first year
        return Span()


def label_of(time: str) -> str:
    """Return the label of a shorthand, such as "Past 3 days"; empty if it is not understood."""
    if label := SPANS.get(time):
        return label
    if not (match := _SHORTHAND.fullmatch(time)):
        return ""
    count, (unit, _) = int(match[1]), _UNITS[match[2]]
    return f"Past {unit}" if count == 1 else f"Past {count} {unit}s"


def local_text(text: str, zone: tzinfo) -> str:
    """Return the moment of an address as the zone's clocks show it, such as "2026-01-31T15:00"; else an empty text."""
    if not (moment := _moment(text)):
        return ""
    return _written(local(moment, zone))


def moment_text(typed: str, before: str, zone: tzinfo, *, closing: bool = False) -> str:
    """Return what was typed in the zone's time as a moment of an address, such as "2026-01-31T14:00Z".

    `before` is the moment that the field showed: it stays if its text was not changed. A time that the clocks skip
    becomes the moment when they do. Of a time that they show twice it is the first, or the second where it is the end
    of a span: the span has both. What is no time is returned as it is.
    """
    if typed and typed == local_text(before, zone):
        return before
    try:
        moment = parse_datetime(typed)
        if moment is None:
            return typed
        aware = moment if moment.tzinfo else _in_zone(moment, zone, closing=closing)
        return f"{_written(aware.astimezone(UTC))}Z"
    except (OverflowError, ValueError):
        return typed


def _in_zone(naive: datetime, zone: tzinfo, *, closing: bool) -> datetime:
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if closing else first
    # The clocks skip this time, at a moment between the two.
    early, late = second, first
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _written(moment: datetime) -> str:
    """Return the moment without its zone, with seconds only if it has some."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds" if moment.second else "minutes")


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        return None
