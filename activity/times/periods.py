"""Periods of the dashboard, in minutes, whole hours, days, weeks or months of a time zone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from common.clock import hour_of, months_after
from common.display.moments import current_reader, day_text

__all__ = [
    "BUCKETS",
    "CUSTOM",
    "DEFAULT",
    "PERIODS",
    "Period",
    "divided",
    "local_start",
    "period_between",
    "period_named",
]

#: The choices: value of `period` in the query string, and its label.
PERIODS = {
    "1h": "1 hour",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "12mo": "12 months",
    "all": "All time",
}
DEFAULT = "30d"
#: The name of a period between two moments.
CUSTOM = "custom"
#: The units of a chart, each with its shortest length.
BUCKETS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
}
MOST_BUCKETS = 400
#: Minutes have no sums of their own: they are counted request by request.
LONGEST_IN_MINUTES = timedelta(hours=6)

_DAYS = {"7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `start` to before `end`, divided into buckets of one of `BUCKETS` of `zone`.

    Moments are whole minutes if the bucket is one, else whole UTC hours, as usage is: a local day has 23 or 25 of them
    when the clocks change, and where clocks are off by half an hour, an hour belongs to the day in which it begins.
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
            moment = self.following(moment)

    def following(self, moment: datetime) -> datetime:
        """Return the end of the bucket that starts at `moment`."""
        return _next(moment, self.bucket, self.zone)

    @property
    def words(self) -> str:
        """ "30 days", or "3 Mar 2026 to 9 Mar 2026"."""
        if self.name != CUSTOM:
            return PERIODS[self.name].lower()
        first, last = self.start.astimezone(self.zone), (self.end - timedelta(minutes=1)).astimezone(self.zone)
        if first.date() == last.date():
            hours = "" if last - first >= timedelta(hours=22) else f", {first:%H:%M} to {self._closing()}"
            return f"{day_text(first.date())}{hours}"
        return f"{day_text(first.date())} to {day_text(last.date())}"

    @property
    def words_before(self) -> str:
        """The period that this one is compared with: "30 days before"."""
        if self.name == CUSTOM:
            return "same time before"
        return f"{'month' if self.name == 'month' else self.words} before"

    def _closing(self) -> str:
        return f"{self.end.astimezone(self.zone):%H:%M}"

    def label(self, moment: datetime) -> str:
        """Return a short label of the bucket that starts at `moment`, for an axis."""
        moment = moment.astimezone(self.zone)
        match self.bucket:
            case "minute" | "hour":
                return f"{moment:%H:%M}"
            case "day" | "week":
                return f"{moment:%m-%d}" if _is_iso() else day_text(moment.date(), with_year=False)
            case _:
                return f"{moment:%Y-%m}" if _is_iso() else f"{moment:%b %Y}"

    def full_label(self, moment: datetime) -> str:
        """Return the bucket's full label, for a tooltip or a table."""
        local = moment.astimezone(self.zone)
        match self.bucket:
            case "minute" | "hour":
                return f"{day_text(local.date())}, {local:%H:%M %Z}"
            case "day":
                return f"{local:%a} {day_text(local.date())}"
            case "week":
                last = min(self.following(moment), self.end) - timedelta(minutes=1)
                return f"{day_text(local.date())} to {day_text(last.astimezone(self.zone).date())}"
            case _:
                return f"{local:%Y-%m}" if _is_iso() else f"{local:%B %Y}"

    @property
    def choices(self) -> list[str]:
        """The buckets that this period may be divided into, finest first."""
        length = self.end - self.start
        found = [name for name, unit in BUCKETS.items() if fits(length, name) and (unit < length)]
        return [name for name in BUCKETS if name in (*found, self.bucket)]


def fits(length: timedelta, bucket: str) -> bool:
    """Whether a period of that length has few enough of these buckets."""
    return length <= (LONGEST_IN_MINUTES if bucket == "minute" else BUCKETS[bucket] * MOST_BUCKETS)


def divided(period: Period, bucket: str) -> tuple[Period, str]:
    """Return the period in buckets of that unit, or of the finest that fits, and a sentence if it is another one."""
    if bucket not in BUCKETS or bucket == period.bucket:
        return period, ""
    length = period.end - period.start
    chosen = next(name for name in (*list(BUCKETS)[list(BUCKETS).index(bucket) :], "month") if fits(length, name))
    problem = f"This period has too many {bucket}s for one chart. It is shown by {chosen}." if chosen != bucket else ""
    if chosen != "minute":
        start, end = hour_of(period.start), hour_of(period.end + timedelta(minutes=59))
        period = replace(period, start=start, end=end)
        if period.before and period.before_end:
            before, before_end = hour_of(period.before), hour_of(period.before_end + timedelta(minutes=59))
            period = replace(period, before=before, before_end=min(before_end, start))
    return replace(period, bucket=chosen), problem


def period_between(start: datetime, end: datetime, zone: tzinfo = UTC) -> Period:
    """Return the period between two moments, in the unit that suits its length."""
    length = end - start
    longest = {"minute": timedelta(hours=3), "hour": timedelta(days=3), "day": timedelta(days=120)}
    bucket = next((name for name, most in longest.items() if length <= most), "month")
    if bucket != "minute":
        start, end = hour_of(start), hour_of(end + timedelta(minutes=59))
    first, after = _local_day(start, zone), _local_day(end, zone)
    whole = (_moment(first, zone), _moment(after, zone)) == (start, end)
    before = _moment(first - (after - first), zone) if whole else start - (end - start)
    return Period(CUSTOM, start, end, bucket, before, start, zone)


def local_start(day: date, zone: tzinfo) -> datetime:
    """Return the UTC moment when that day begins in the zone, or the first whole UTC hour in it."""
    return _moment(datetime.combine(day, time()), zone)


def period_named(name: str, now: datetime, first_usage: datetime | None = None, zone: tzinfo = UTC) -> Period:
    """Return the period `name` (one of `PERIODS`; otherwise the default) that ends with the current hour.

    `first_usage` is the start of "all".
    """
    end = hour_of(now) + timedelta(hours=1)
    today = _local_day(now, zone)
    month = today.replace(day=1)
    if name == "1h":
        minute = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        start = minute - timedelta(hours=1)
        return Period(name, start, minute, "minute", start - timedelta(hours=1), start, zone)
    if name == "month":
        start, before = _moment(month, zone), _moment(months_after(month, -1), zone)
        return Period(name, start, end, "day", before, min(before + (end - start), start), zone)
    if name == "24h":
        start = end - timedelta(hours=24)
        return Period(name, start, end, "hour", start - timedelta(hours=24), end - timedelta(hours=24), zone)
    if name == "12mo":
        first = months_after(month, -11)
        before = _moment(months_after(first, -12), zone)
        return Period(name, _moment(first, zone), end, "month", before, _a_year_before(end), zone)
    if name == "all":
        first = min(_local_day(first_usage, zone).replace(day=1), month) if first_usage else month
        return Period(name, _moment(first, zone), end, "month", None, None, zone)
    days = timedelta(days=_DAYS.get(name, _DAYS[DEFAULT]))
    first = today - days + timedelta(days=1)
    before, before_end = _moment(first - days, zone), end - days
    return Period(name if name in _DAYS else DEFAULT, _moment(first, zone), end, "day", before, before_end, zone)


def _is_iso() -> bool:
    return current_reader().date_order == "iso"


def _next(moment: datetime, bucket: str, zone: tzinfo) -> datetime:
    if bucket in ("minute", "hour"):
        return moment + BUCKETS[bucket]
    day = _local_day(moment, zone)
    if bucket == "month":
        return _moment(months_after(day.replace(day=1), 1), zone)
    return _moment(day + timedelta(days=7 - day.weekday() if bucket == "week" else 1), zone)


def _local_day(moment: datetime, zone: tzinfo) -> datetime:
    """Return the day of the moment on calendars of the zone, at midnight and without a zone."""
    return datetime.combine(moment.astimezone(zone).date(), time())


def _moment(day: datetime, zone: tzinfo) -> datetime:
    """Return the UTC moment when that day begins in the zone, or the first whole UTC hour in it."""
    start = day.replace(tzinfo=zone).astimezone(UTC)
    return hour_of(start + timedelta(minutes=59))


def _a_year_before(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year - 1, month=3, day=1, hour=0)
