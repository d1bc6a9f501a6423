"""Periods of the dashboard, in whole hours, days or months of a time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

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
    """The time from `start` to before `end`, divided into buckets of an "hour", "day" or "month" of `zone`.

    Moments are whole UTC hours, as usage is: a local day has 23 or 25 of them when the clocks change, and where clocks
    are off by half an hour, an hour belongs to the day in which it begins.
    `before` is the start of the previous period, None if there is nothing to compare with. That period ends at
    `before_end`, as far into it as the current hour is into this one.
    """

    name: str
    start: datetime
    end: datetime
    bucket: str
    before: datetime | None
    before_end: datetime | None
    zone: tzinfo = UTC

    def buckets(self) -> Iterator[datetime]:
        """Return the start of each bucket, oldest first."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment = _next(moment, self.bucket, self.zone)

    @property
    def words(self) -> str:
        """ "30 days"."""
        return PERIODS[self.name].lower()

    def label(self, moment: datetime) -> str:
        """Return a short label of the bucket that starts at `moment`, for an axis."""
        moment = moment.astimezone(self.zone)
        match self.bucket:
            case "hour":
                return f"{moment:%H:%M}"
            case "day":
                return f"{moment.day} {moment:%b}"
            case _:
                return f"{moment:%b %Y}"

    def full_label(self, moment: datetime) -> str:
        """Return the bucket's full label, for a tooltip or a table."""
        moment = moment.astimezone(self.zone)
        match self.bucket:
            case "hour":
                return f"{moment.day} {moment:%b %Y, %H:%M %Z}"
            case "day":
                return f"{moment:%a} {moment.day} {moment:%b %Y}"
            case _:
                return f"{moment:%B %Y}"


def period_named(name: str, now: datetime, first_usage: datetime | None = None, zone: tzinfo = UTC) -> Period:
    """Return the period `name` (one of `PERIODS`; otherwise the default) that ends with the current hour.

    `first_usage` is the start of "all".
    """
    end = hour_of(now) + timedelta(hours=1)
    today = _local_day(now, zone)
    month = today.replace(day=1)
    if name == "24h":
        start = end - timedelta(hours=24)
        return Period(name, start, end, "hour", start - timedelta(hours=24), end - timedelta(hours=24), zone)
    if name == "12mo":
        first = _months_before(month, 11)
        before = _moment(_months_before(first, 12), zone)
        return Period(name, _moment(first, zone), end, "month", before, _a_year_before(end), zone)
    if name == "all":
        first = min(_local_day(first_usage, zone).replace(day=1), month) if first_usage else month
        return Period(name, _moment(first, zone), end, "month", None, None, zone)
    days = timedelta(days=_DAYS.get(name, _DAYS[DEFAULT]))
    first = today - days + timedelta(days=1)
    before, before_end = _moment(first - days, zone), end - days
    return Period(name if name in _DAYS else DEFAULT, _moment(first, zone), end, "day", before, before_end, zone)


def _next(moment: datetime, bucket: str, zone: tzinfo) -> datetime:
    if bucket == "hour":
        return moment + timedelta(hours=1)
    day = _local_day(moment, zone)
    return _moment(_months_before(day, -1) if bucket == "month" else day + timedelta(days=1), zone)


def _local_day(moment: datetime, zone: tzinfo) -> datetime:
    """Return the day of the moment on calendars of the zone, at midnight and without a zone."""
    return datetime.combine(moment.astimezone(zone).date(), time())


def _moment(day: datetime, zone: tzinfo) -> datetime:
    """Return the UTC moment when that day begins in the zone, or the first whole UTC hour in it."""
    start = day.replace(tzinfo=zone).astimezone(UTC)
    return hour_of(start + timedelta(minutes=59))


def _months_before(month: datetime, count: int) -> datetime:
    years, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return month.replace(year=years, month=index + 1)


def _a_year_before(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - 1, month=3, day=1, hour=0)
