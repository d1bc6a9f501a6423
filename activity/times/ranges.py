"""The time between two dates or moments, as typed in an address: `from` and `to`."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from django.utils.dateparse import parse_date, parse_datetime

from common.clock import hour_of

from .periods import local_start

__all__ = ["EXAMPLE", "range_from"]

EXAMPLE = "2026-01-31 or 2026-01-31T15:00"
#: Usage is not older.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def range_from(first: str, last: str, zone: tzinfo, now: datetime) -> tuple[datetime, datetime] | str:
    """Return start and end in UTC, or a sentence that names the problem.

    A date is a day of the zone, the last one included; a moment without an offset is one of the zone. The range ends
    with the current hour at the latest. Without `last` it does; without `first` it begins with the account's usage.
    """
    latest = hour_of(now) + timedelta(hours=1)
    start = _moment(first, zone) if first else EARLIEST
    end = _moment(last, zone, closing=True) if last else latest
    if start is None or end is None:
        return f"Enter dates as {EXAMPLE}."
    if start >= latest:
        return "This range is in the future. Choose an earlier start."
    if end <= EARLIEST:
        return "This range ends before 2000. Choose a later end."
    if start >= end:
        return "The start must be before the end."
    return max(start, EARLIEST), min(end, latest)


def _moment(text: str, zone: tzinfo, *, closing: bool = False) -> datetime | None:
    """Return the UTC minute of a date or date-time; of a date that closes a range, the end."""
    try:
        if (day := parse_date(text)) is not None:
            return _start_of(day, zone, timedelta(days=1) if closing else timedelta())
        moment = parse_datetime(text)
        if moment is None:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC).replace(second=0, microsecond=0)
    except (ValueError, OverflowError):
        return None


def _start_of(day: date, zone: tzinfo, later: timedelta) -> datetime:
    if day.year <= EARLIEST.year - 1:
        return EARLIEST - timedelta(days=1) + later
    if day.year >= 9999:  # its last day has no next one
        return datetime(9998, 12, 31, tzinfo=UTC)
    return local_start(day + later, zone)
