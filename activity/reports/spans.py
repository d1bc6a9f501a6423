"""Spans of time that reports are about: calendar months, and weeks from Monday to Sunday."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

from activity.filters import Filter
from activity.times.periods import Period, local_start

__all__ = ["Month", "Spanned", "span_between"]

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of UTC, written "2026-11"."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def named(cls, text: str) -> "Month | None":
        """Return the month that is written so; None if it is no month between the years 1000 and 9998."""
        match = _MONTH.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match and 1000 <= int(match[1]) <= 9998 else None

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    def plus(self, months: int) -> "Month":
        """Return the month so many months later."""
        year, index = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, index + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The start of the next month."""
        return self.plus(1).start

    @property
    def words(self) -> str:
        """ "November 2026"."""
        return f"{self.start:%B %Y}"


@dataclass(frozen=True)
class Spanned(Filter):
    """A view of an account's usage in `span`, for `usage.report`."""

    span: Period = field(kw_only=True)

    @property
    def period(self) -> Period:  # a Filter has it of a name
        return self.span


def span_between(first: date, end: date, before: date | None = None, zone: tzinfo = UTC, bucket: str = "day") -> Period:
    """Return the days from `first` to before `end` in a zone, by `bucket`; `before` begins the span to compare with.

    Usage is kept by UTC hours: an hour belongs to the day in which it begins.
    """
    start, until = local_start(first, zone), local_start(end, zone)
    if before is None:
        return Period("", start, until, bucket, None, None, zone)
    return Period("", start, until, bucket, local_start(before, zone), start, zone)
