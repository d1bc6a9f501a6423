"""The current time, and the UTC windows that limits, rollups and statistics use. Weeks start on Monday.

Code that depends on the time reads it here. Tests replace `source` and move the time themselves.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "SystemClock", "hour_of", "monotonic", "months_after", "utc_now", "window_start"]


class Clock(Protocol):
    """A source of the time."""

    def utc_now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; they never go backwards."""


class SystemClock:
    """The machine's clock."""

    monotonic = staticmethod(time.monotonic)

    def utc_now(self) -> datetime:
        return datetime.now(UTC)


source: Clock = SystemClock()


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return source.utc_now()


def monotonic() -> float:
    """Return seconds since an arbitrary moment; use it for durations and expiry within this process."""
    return source.monotonic()


def hour_of(moment: datetime) -> datetime:
    """Return the start of the UTC hour that contains `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def window_start(interval: str, moment: datetime) -> datetime:
    """Return the start of the "daily", "weekly" or "monthly" UTC window that contains `moment`.

    Raises KeyError for any other interval.
    """
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "daily": day,
        "weekly": day - timedelta(days=day.weekday()),
        "monthly": day.replace(day=1),
    }[interval]


def months_after(month: datetime, count: int) -> datetime:
    """Return the start of the month that many months after the one that starts at `month`; before it if negative."""
    years, index = divmod(month.year * 12 + month.month - 1 + count, 12)
    return month.replace(year=years, month=index + 1)
