"""Spending of the last weeks by UTC day: in all, and by key, model and app. Read in one query."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from activity.filters import Filter
from activity.sums.apart import sums_apart
from activity.sums.rollups import Stretch
from activity.times.periods import local_start
from common.clock import hour_of, window_start

__all__ = ["DAY", "DAYS", "SUBJECTS", "Spending", "month_of", "spending_of"]

DAY = timedelta(days=1)
#: Days before today that are read: four weeks to compare with, and the week that is compared.
DAYS = 34
#: The columns by which spending is watched.
SUBJECTS = ("key_id", "model", "app")


@dataclass(slots=True)
class Spending:
    """Pico-USD by the number of days before today, 0 for today so far, in all and by value of each column."""

    today: datetime
    total: Counter[int] = field(default_factory=Counter)
    by: dict[str, dict[int | str, Counter[int]]] = field(
        default_factory=lambda: {column: defaultdict(Counter) for column in SUBJECTS}
    )
    this_month: int = 0  # of the time zone

    def first_day(self) -> int | None:
        """Return the oldest day with spending, as days before today; None without any."""
        return max((age for age, cost in self.total.items() if cost), default=None)


def month_of(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the start and end of the zone's month, as the whole UTC hours that usage is kept by."""
    first = moment.astimezone(zone).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return local_start(first, zone), local_start(following, zone)


def spending_of(view: Filter) -> Spending:
    """Return what the account has spent lately, whatever the view's filters and period are."""
    today = window_start("daily", view.now)
    month, _ = month_of(view.now, view.zone)
    found = Spending(today)
    edges = [today - DAYS * DAY, month, hour_of(view.now) + timedelta(hours=1)]
    stretch = Stretch(view.account, edges, "day")
    ages: dict[datetime, int] = {}  # thousands of rows begin at a few moments
    for start, column, value, cost in sums_apart(stretch, view.rolled_until, SUBJECTS, "cost"):
        age = ages.get(start)
        if age is None:
            age = ages[start] = (today - window_start("daily", start)).days
        found.by[column][value][age] += cost
        if column == SUBJECTS[0]:
            found.total[age] += cost
            found.this_month += cost if start >= month else 0
    return found
