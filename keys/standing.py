"""How a key stands at one moment: what its limit leaves, and whether a request would be let in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from common.clock import window_start
from common.money import PicoUsd

from .models import ApiKey

__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """`key`, looked at in the moment `now`. Money in pico-USD."""

    key: ApiKey
    now: datetime

    @cached_property
    def spent(self) -> PicoUsd:
        """What counts towards the limit: spent in the current window, or ever when the limit does not reset."""
        if not self.key.limit_reset:
            return PicoUsd(self.key.usage)
        start = window_start(self.key.limit_reset, self.now)
        current = self.key.window_started_at is not None and self.key.window_started_at >= start
        return PicoUsd(self.key.window_usage if current else 0)

    @cached_property
    def remaining(self) -> PicoUsd | None:
        """What the limit leaves; None without a limit."""
        return None if self.key.limit is None else PicoUsd(max(0, self.key.limit - self.spent))

    @property
    def used_per_cent(self) -> int:
        """How much of the limit is used up, 0 to 100."""
        return min(100, self.spent * 100 // self.key.limit) if self.key.limit else 100

    @property
    def resets_at(self) -> datetime | None:
        """When the limit starts counting afresh; None when it never does."""
        if not self.key.limit_reset:
            return None
        start = window_start(self.key.limit_reset, self.now)
        if self.key.limit_reset == ApiKey.Reset.MONTHLY:
            return (start + timedelta(days=32)).replace(day=1)
        return start + timedelta(days=7 if self.key.limit_reset == ApiKey.Reset.WEEKLY else 1)

    @cached_property
    def status(self) -> str:
        """ "active", "disabled", "expired" or "exhausted"."""
        if self.key.disabled:
            return "disabled"
        if self.key.expires_at is not None and self.key.expires_at <= self.now:
            return "expired"
        return "exhausted" if self.remaining == 0 else "active"
