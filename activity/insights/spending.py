"""Spending of the last weeks by UTC day: in all, and by key, model and app."""

from datetime import datetime, timedelta, tzinfo

import msgspec

from activity.filters import Filter
from activity.sums.apart import sums_apart
from activity.sums.completed import kept
from activity.sums.rollups import Stretch
from activity.times.periods import local_start
from common.clock import hour_of, window_start

__all__ = ["DAY", "DAYS", "SUBJECTS", "Spending", "month_of", "spending_of"]

DAY = timedelta(days=1)
#: Days before today that are read: four weeks to compare with, and the week that is compared.
DAYS = 34
#: The columns by which spending is watched.
SUBJECTS = ("key_id", "model", "app")


class Spending(msgspec.Struct):
    """Pico-USD by the number of days before today, 0 for today so far, in all and by value of each column."""

    today: datetime
    total: dict[int, int] = msgspec.field(default_factory=dict)
    by: dict[str, dict[int | str, dict[int, int]]] = msgspec.field(
        default_factory=lambda: {column: {} for column in SUBJECTS}
    )
    this_month: int = 0  # of the time zone

    def first_day(self) -> int | None:
        """Return the oldest day with spending, as days before today; None without any."""
        return max((age for age, cost in self.total.items() if cost), default=None)

    def read(self, view: Filter, month: datetime, start: datetime, end: datetime) -> None:
        """Add what was spent between two UTC hours. `month` is the start of this month in the view's time zone."""
        edges = [start, month, end] if start < month < end else [start, end]
        ages: dict[datetime, int] = {}  # thousands of rows begin at a few moments
        for moment, column, value, cost in sums_apart(
            Stretch(view.account, edges, "day"), view.rolled_until, SUBJECTS, "cost"
        ):
            age = ages.get(moment)
            if age is None:
                age = ages[moment] = (self.today - window_start("daily", moment)).days
            days = self.by[column].setdefault(value, {})
            days[age] = days.get(age, 0) + cost
            if column == SUBJECTS[0]:
                self.total[age] = self.total.get(age, 0) + cost
                self.this_month += cost if moment >= month else 0


def month_of(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the start and end of the zone's month, as the whole UTC hours that usage is kept by."""
    first = moment.astimezone(zone).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return local_start(first, zone), local_start(following, zone)


def spending_of(view: Filter) -> Spending:
    """Return what the account has spent lately, whatever the view's filters and period are.

    Days that are over come from the cache, which forgets them when they change, and the hours since then are read each
    time. So these sums are of the same moment as all others on the page.
    """
    today = window_start("daily", view.now)
    month, _ = month_of(view.now, view.zone)
    first = today - DAYS * DAY
    over = max(first, min(view.completed.until, today))

    def read() -> bytes:
        days = Spending(today)
        days.read(view, month, first, over)
        return msgspec.msgpack.encode(days)

    found = Spending(today)
    if over > first:
        packed = kept(view.account, view.completed, ("spending", first, over, month), read)
        found = msgspec.msgpack.decode(packed, type=Spending)
    found.read(view, month, over, hour_of(view.now) + timedelta(hours=1))
    return found
