"""Counts in fixed windows of time. They live in the cache, so with Redis they hold across processes."""

from datetime import datetime

from django.core.cache import cache

from common.errors import RateLimited

__all__ = ["add", "count"]


def count(
    key: str, limit: int, *, ends: datetime, now: datetime, refusal: str, amount: int = 1, earlier: int = 0
) -> None:
    """Count `amount` in the window `key`, which had `earlier` before the cache knew it and ends at `ends`.

    Raises RateLimited, with the limit and its reset, beyond `limit`. Then nothing is counted.
    """
    if add(key, amount, ends=ends, now=now, earlier=earlier) <= limit:
        return
    add(key, -amount, ends=ends, now=now)
    raise RateLimited(
        refusal,
        headers={
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(ends.timestamp() * 1000)),
            "Retry-After": str(_seconds_left(ends, now)),
        },
    )


def add(key: str, amount: int, *, ends: datetime, now: datetime, earlier: int = 0) -> int:
    """Add `amount` to the window and return its count."""
    cache.add(key, earlier, timeout=_seconds_left(ends, now) + 60)
    try:
        return cache.incr(key, amount)
    except ValueError:  # expired in between
        return earlier + amount


def _seconds_left(ends: datetime, now: datetime) -> int:
    return max(1, round((ends - now).total_seconds()))
