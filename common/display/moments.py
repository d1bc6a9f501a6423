"""Moments as their reader wants them: in a time zone, with the date in a chosen order.

The reader is set around a request (`accounts.reader`) and around the writing of an email. Without one, times are UTC.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

__all__ = [
    "DATE_ORDERS",
    "Reader",
    "current_reader",
    "day_text",
    "in_zone",
    "local",
    "moment_text",
    "reading",
    "time_text",
    "zone_text",
]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Order -> (format of a date, of a date without its year, separator before a time).
DATE_ORDERS = {
    "day": ("{day} {month} {year}", "{day} {month}", ", "),
    "month": ("{month} {day}, {year}", "{month} {day}", ", "),
    "iso": ("{year:04}-{number:02}-{day:02}", "{year:04}-{number:02}-{day:02}", " "),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """A time zone, and one of `DATE_ORDERS`."""

    zone: tzinfo = UTC
    date_order: str = "day"


_IN_UTC = Reader()
#: A function, because the reader of a page is looked up only for a page with a moment in it. Not a lazy object: asgiref
#: looks into the values of context variables, which would look the reader up on the event loop.
_reader: ContextVar[Callable[[], Reader]] = ContextVar("reader", default=lambda: _IN_UTC)


def current_reader() -> Reader:
    """Return the reader of what is being written."""
    return _reader.get()()


@contextmanager
def reading(reader: Callable[[], Reader]) -> Iterator[None]:
    """Write moments for the reader that this returns, which is called for each of them."""
    before = _reader.get()
    _reader.set(reader)
    try:
        yield
    finally:
        _reader.set(before)  # not by its token, which belongs to one context: a request may pass through several


@contextmanager
def in_zone(zone: tzinfo) -> Iterator[None]:
    """Write moments for the same reader in another zone."""
    reader = Reader(zone, current_reader().date_order)
    with reading(lambda: reader):
        yield


def local(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the moment in the zone, by default the reader's; in UTC where the year would leave the calendar."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(zone or current_reader().zone)
    except OverflowError:
        return aware.astimezone(UTC)


def zone_text(zone: tzinfo | None = None) -> str:
    """Return the name of the zone, by default the reader's: "UTC" or "America/New York"."""
    return str(zone or current_reader().zone).replace("_", " ")


def day_text(day: date, zone: tzinfo | None = None, *, with_year: bool = True) -> str:
    """Return "29 Nov 2026", "Nov 29, 2026" or "2026-11-29". A date stays as it is; a moment has the zone's date."""
    if isinstance(day, datetime):
        day = local(day, zone)
    full, short, _ = DATE_ORDERS[current_reader().date_order]
    written = full if with_year else short
    return written.format(day=day.day, month=_MONTHS[day.month - 1], number=day.month, year=day.year)


def moment_text(
    moment: datetime,
    zone: tzinfo | None = None,
    *,
    seconds: bool = False,
    with_year: bool = True,
    with_zone: bool = True,
) -> str:
    """Return "29 Nov 2026, 16:05 UTC"."""
    there = local(moment, zone)
    separator = DATE_ORDERS[current_reader().date_order][2]
    return day_text(there.date(), with_year=with_year) + separator + _time(there, seconds=seconds, with_zone=with_zone)


def time_text(moment: datetime, zone: tzinfo | None = None, *, seconds: bool = False, with_zone: bool = True) -> str:
    """Return "16:05 UTC"."""
    return _time(local(moment, zone), seconds=seconds, with_zone=with_zone)


def _time(there: datetime, *, seconds: bool, with_zone: bool) -> str:
    time = f"{there:%H:%M:%S}" if seconds else f"{there:%H:%M}"
    return f"{time} {_abbreviation(there)}" if with_zone else time


def _abbreviation(moment: datetime) -> str:
    """ "EDT", or "UTC+05:45" for a zone whose times have no letters."""
    name = moment.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    return f"UTC{name[:3]}:{name[3:]}" if len(name) > 3 else f"UTC{name}"
