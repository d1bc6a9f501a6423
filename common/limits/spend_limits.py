"""Spend limits that may reset every day, week or month (UTC): what they leave. Pure functions over a row's columns.

Keys and members have them. Admission and pages ask here, each with its own row type (`LimitColumns`).
"""

from datetime import datetime, timedelta
from typing import Protocol

from common.clock import window_start
from common.money import PicoUsd

__all__ = ["LimitColumns", "counted", "remaining", "resets_at", "start_window", "used_percent"]


class LimitColumns(Protocol):
    """The columns of a limit. Money in pico-USD."""

    window_usage: int
    window_started_at: datetime | None

    @property
    def limit_reset(self) -> str:
        """When a new window starts: daily, weekly, monthly, or empty."""

    @property
    def limit(self) -> int | None:
        """The most that may be spent in each window, or in all; None: no limit."""

    @property
    def usage(self) -> int:
        """All that counts, for a limit that does not reset."""


def remaining(row: LimitColumns, now: datetime, *, held: int = 0) -> PicoUsd | None:
    """Return what the limit leaves (pico-USD) while running requests hold `held`; None without a limit."""
    if row.limit is None:
        return None
    return PicoUsd(max(0, row.limit - counted(row, now) - held))


def start_window(row: LimitColumns, now: datetime) -> None:
    """Reset the row's window usage if a new window has begun. Changes the row in memory only."""
    if row.limit_reset and not _window_is_current(row, now):
        row.window_started_at = window_start(row.limit_reset, now)
        row.window_usage = 0


def counted(row: LimitColumns, now: datetime) -> int:
    """Return what counts toward the limit: usage in the current window, or all usage if the limit does not reset."""
    if not row.limit_reset:
        return row.usage
    return row.window_usage if _window_is_current(row, now) else 0


def used_percent(row: LimitColumns, now: datetime) -> int:
    """Return the used share of the limit, 0 to 100; 100 without a limit or with one of zero."""
    return min(100, counted(row, now) * 100 // row.limit) if row.limit else 100


def resets_at(reset: str, now: datetime) -> datetime | None:
    """Return the start of the next window; None if the limit does not reset."""
    if not reset:
        return None
    start = window_start(reset, now)
    if reset == "monthly":
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if reset == "weekly" else 1)


def _window_is_current(row: LimitColumns, now: datetime) -> bool:
    return row.window_started_at is not None and row.window_started_at >= window_start(row.limit_reset, now)
