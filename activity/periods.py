"""Periods of the dashboard, in UTC and in whole hours, days or months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.clock import hour_of

__all__ = ["DEFAULT", "PERIODS", "Period", "period_named"]

#: The choices: value of `period` in the query string, and its label.
PERIODS = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "12mo": "12 months",
    "all": "All time",
}
DEFAULT = "30d"

_DAYS = {"7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `start` to before `end`, divided into buckets of an "hour", "day" or "month".

    `before` is the start of the previous period, None if there is nothing to compare with. That period ends at
    `before_end`, as far into it as the current hour is into this one.
    """

    name: str
    start: datetime
    end: datetime
    bucket: str
    before: datetime | None
    before_end: datetime | None

    def buckets(self) -> Iterator[datetime]:
        """Return the start of each bucket, oldest first."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment = _next(moment, self.bucket)

    @property
    def words(self) -> str:
        """ "30 days"."""
        return PERIODS[self.name].lower()

    def label(self, moment: datetime) -> str:
        """Return a short label of the bucket that starts at `moment`, for an axis."""
        match self.bucket:
            case "hour":
                return f"{moment:%H:%M}"
            case "day":
                return f"{moment.day} {moment:%b}"
            case _:
                return f"{moment:%b %Y}"

    def full_label(self, moment: datetime) -> str:
        """Return the bucket's full label, for a tooltip or a table."""
        match self.bucket:
            case "hour":
                return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
            case "day":
                return f"{moment:%a} {moment.day} {moment:%b %Y}"
            case _:
                return f"{moment:%B %Y}"


def period_named(name: str, now: datetime, first_usage: datetime | None = None) -> Period:
    """Return the period `name` (one of `PERIODS`; otherwise the default) that ends with the current hour.

    `first_usage` is the start of "all".
    """
    end = hour_of(now) + timedelta(hours=1)
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    if name == "24h":
        start = end - timedelta(hours=24)
        return Period(name, start, end, "hour", start - timedelta(hours=24), end - timedelta(hours=24))
    if name == "12mo":
        start = _months_before(month, 11)
        return Period(name, start, end, "month", _months_before(start, 12), _a_year_before(end))
    if name == "all":
        start = min(first_usage or month, month).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0)
        return Period(name, start, end, "month", None, None)
    days = timedelta(days=_DAYS.get(name, _DAYS[DEFAULT]))
    start = today - days + timedelta(days=1)
    return Period(name if name in _DAYS else DEFAULT, start, end, "day", start - days, end - days)


def _next(moment: datetime, bucket: str) -> datetime:
    if bucket == "month":
        return _months_before(moment, -1)
    return moment + (timedelta(hours=1) if bucket == "hour" else timedelta(days=1))


def _months_before(month: datetime, count: int) -> datetime:
    years, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return month.replace(year=years, month=index + 1)


def _a_year_before(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - 1, month=3, day=1, hour=0)
