"""The periods of the rankings, in UTC days."""

from dataclasses import dataclass
from datetime import date, timedelta

from common.display.moments import day_text

__all__ = ["PERIODS", "Period", "period_of"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The last days that are ranked, today included, and the buckets of the chart that shows a longer time."""

    name: str  # in the query string
    label: str
    days: int
    bucket: str  # day, week, month
    buckets: int

    @property
    def words(self) -> str:
        """The ranked time in a sentence."""
        return "today" if self.days == 1 else f"in the last {self.days} days"

    def first(self, today: date) -> date:
        """Return the first ranked day."""
        return today - (self.days - 1) * DAY

    def starts(self, today: date) -> list[date]:
        """Return the first day of each bucket, oldest first. The last bucket is not over."""
        start = start_of(self.bucket, today)
        starts = [start]
        while len(starts) < self.buckets:
            starts.append(start := start_of(self.bucket, start - DAY))
        return starts[::-1]

    def label_of(self, start: date) -> str:
        """Return the short name of a bucket, for the axis."""
        return f"{start:%b %Y}" if self.bucket == "month" else day_text(start, with_year=False)

    def full_label_of(self, start: date, today: date) -> str:
        """Return the full name of a bucket."""
        name = f"{start:%B %Y}" if self.bucket == "month" else day_text(start)
        name = f"Week of {name}" if self.bucket == "week" else name
        return f"{name}, so far" if start == start_of(self.bucket, today) else name


PERIODS = {
    each.name: each
    for each in (
        Period("day", "Today", 1, "day", 30),
        Period("week", "7 days", 7, "week", 13),
        Period("month", "30 days", 30, "month", 12),
    )
}


def period_of(name: str) -> Period:
    """Return the period of that name, or the week."""
    return PERIODS.get(name, PERIODS["week"])


def start_of(bucket: str, day: date) -> date:
    """Return the first day of the bucket that the day is in; weeks start on Monday."""
    if bucket == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if bucket == "month" else day
