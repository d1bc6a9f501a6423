"""A forecast of spending to the end of the month."""

from dataclasses import dataclass
from statistics import median_low

from activity.filters import Filter

from .spending import DAY, Spending, month_of

__all__ = ["ENOUGH", "Forecast", "forecast_of"]

#: Whole days since the first spending before anything is said, and before days of the week are told apart.
ENOUGH, WEEKDAYS = 7, 14
#: The whole days that are averaged.
DAYS = 28
#: A day counts at most this many times the usual one.
MOST = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """Pico-USD in this month of the view's time zone: so far, and expected at its end, and its name."""

    so_far: int
    expected: int
    month: str  # "November"


def forecast_of(view: Filter, spending: Spending) -> Forecast | None:
    """Return the spending expected by the end of the month; None without enough days, or without spending.

    The rest of the month is expected to cost, day by day, the average of the same weekday in the last four weeks, or
    in the first two weeks of an account, the average of all its days. So that one expensive day does not become a
    habit, a day counts at most three times the median of the days with spending. Days are in UTC; the last one counts
    by the part that belongs to the month.
    """
    first = spending.first_day()
    if first is None or first < ENOUGH:
        return None
    days = {age: spending.total.get(age, 0) for age in range(1, min(first, DAYS) + 1)}
    spent = [cost for cost in days.values() if cost]
    if not spent:
        return None
    most = MOST * median_low(spent)
    days = {age: min(cost, most) for age, cost in days.items()}
    start, end = month_of(view.now, view.zone)
    moment, rest = view.now, 0
    while moment < end:
        midnight = min(spending.today + ((moment - spending.today) // DAY + 1) * DAY, end)
        day = (moment - spending.today) // DAY
        rest += _expected(days, day, by_weekday=first >= WEEKDAYS) * int((midnight - moment).total_seconds()) // 86_400
        moment = midnight
    return Forecast(spending.this_month, spending.this_month + rest, f"{start.astimezone(view.zone):%B}")


def _expected(days: dict[int, int], day: int, *, by_weekday: bool) -> int:
    """Return the average cost of the days like the one that is `day` days after today."""
    alike = [cost for age, cost in days.items() if not by_weekday or (age + day) % 7 == 0]
    return sum(alike) // len(alike)
