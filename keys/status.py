"""May a key be used now, and how much of its spend limit is left? Pure functions over a key's columns.

Authentication, admission and pages all ask here, each with its own row type (`KeyColumns`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from django.conf import settings

from common.clock import window_start
from common.errors import NotAuthenticated
from common.money import PicoUsd

__all__ = ["KeyColumns", "KeyStatus", "remaining", "require_usable", "start_window"]


class KeyColumns(Protocol):
    """The columns of a key that decide. Money in pico-USD."""

    disabled: bool
    expires_at: datetime | None
    deleted_at: datetime | None
    limit: int | None
    limit_reset: str
    usage: int
    window_usage: int
    window_started_at: datetime | None


def require_usable(key: KeyColumns | None, now: datetime) -> None:
    """Raise NotAuthenticated (401), with the remedy, if the key is missing, deleted, disabled or expired."""
    if key is None:
        raise _refusal("This API key does not exist. Create one")
    if key.deleted_at is not None:
        raise _refusal("This API key has been deleted. Create a new one")
    if key.disabled:
        raise _refusal("This API key is disabled. Enable it")
    if _is_expired(key, now):
        raise _refusal("This API key has expired. Create a new one")


def remaining(key: KeyColumns, now: datetime, *, held: int = 0) -> PicoUsd | None:
    """Return what the limit leaves (pico-USD) while running requests hold `held`; None without a limit."""
    if key.limit is None:
        return None
    return PicoUsd(max(0, key.limit - _counted(key, now) - held))


def start_window(key: KeyColumns, now: datetime) -> None:
    """Reset the key's window usage if a new window has begun. Changes the row in memory only."""
    if key.limit_reset and not _window_is_current(key, now):
        key.window_started_at = window_start(key.limit_reset, now)
        key.window_usage = 0


def _counted(key: KeyColumns, now: datetime) -> int:
    """Return what counts toward the limit: usage in the current window, or all usage if the limit does not reset."""
    if not key.limit_reset:
        return key.usage
    return key.window_usage if _window_is_current(key, now) else 0


def _window_is_current(key: KeyColumns, now: datetime) -> bool:
    return key.window_started_at is not None and key.window_started_at >= window_start(key.limit_reset, now)


def _is_expired(key: KeyColumns, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _refusal(problem: str) -> NotAuthenticated:
    return NotAuthenticated(f"{problem} at {settings.SITE_URL}/settings/keys")


@dataclass(frozen=True)
class KeyStatus:
    """The status of `key` at the moment `now`, for pages and the API. Money in pico-USD."""

    key: KeyColumns
    now: datetime

    @cached_property
    def spent(self) -> PicoUsd:
        """The usage that counts toward the limit."""
        return PicoUsd(_counted(self.key, self.now))

    @cached_property
    def remaining(self) -> PicoUsd | None:
        """The rest of the limit; None without a limit."""
        return remaining(self.key, self.now)

    @property
    def used_percent(self) -> int:
        """The used share of the limit, 0 to 100."""
        return min(100, self.spent * 100 // self.key.limit) if self.key.limit else 100

    @property
    def resets_at(self) -> datetime | None:
        """The start of the next window; None if the limit does not reset."""
        reset = self.key.limit_reset
        if not reset:
            return None
        start = window_start(reset, self.now)
        if reset == "monthly":
            return (start + timedelta(days=32)).replace(day=1)
        return start + timedelta(days=7 if reset == "weekly" else 1)

    @cached_property
    def state(self) -> str:
        """One of "active", "disabled", "expired", "exhausted"."""
        if self.key.disabled:
            return "disabled"
        if _is_expired(self.key, self.now):
            return "expired"
        return "exhausted" if self.remaining == 0 else "active"
