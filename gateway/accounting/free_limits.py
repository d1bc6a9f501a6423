"""Limits of free models: per account, over all its keys and all free models together.

Twenty requests a minute; fifty a UTC day, or a thousand once the account has bought ten dollars of credits. The counts
live in the cache, so with Redis they hold across processes; a day's count that the cache has lost is
read back from the hourly sums.
"""

from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db.models import Sum

from common.clock import utc_now
from common.errors import RateLimited
from common.money import PICO_PER_USD
from gateway.callers import Caller
from gateway.models import UsageHour

__all__ = ["count_free_request"]

PER_MINUTE = 20
PER_DAY = 50
PER_DAY_FOR_BUYERS = 1000
#: All-time purchases that make an account a buyer; grants do not count. In pico-USD.
BUYER = 10 * PICO_PER_USD


async def count_free_request(caller: Caller) -> None:
    """Count one request of a free model; RateLimited, with the limit and when it ends, when it is one too many."""
    await sync_to_async(_count)(caller, utc_now())


def _count(caller: Caller, now: datetime) -> None:
    minute = now.replace(second=0, microsecond=0)
    day = minute.replace(hour=0, minute=0)
    per_day = PER_DAY_FOR_BUYERS if caller.purchased >= BUYER else PER_DAY
    _take(f"free:{caller.account_id}:{minute:%Y%m%d%H%M}", 0, PER_MINUTE, minute + timedelta(minutes=1), now, "minute")
    name = f"free:{caller.account_id}:{day:%Y%m%d}"
    already = 0 if cache.get(name) is not None else _requests_since(caller.account_id, day)
    _take(name, already, per_day, day + timedelta(days=1), now, "day")


def _take(name: str, already: int, limit: int, ends: datetime, now: datetime, window: str) -> None:
    left = max(1, round((ends - now).total_seconds()))
    cache.add(name, already, timeout=left + 60)
    try:
        taken = cache.incr(name)
    except ValueError:  # expired since
        taken = already + 1
    if taken <= limit:
        return
    more = " Buy $10 of credits once for 1000 a day." if window == "day" and limit == PER_DAY else ""
    raise RateLimited(
        f"Rate limit exceeded: free models answer {limit} requests a {window} for each account.{more}",
        headers={
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(ends.timestamp() * 1000)),
            "Retry-After": str(left),
        },
    )


def _requests_since(account_id: int, day: datetime) -> int:
    hours = UsageHour.objects.filter(account=account_id, hour__gte=day, model__endswith=":free")
    return hours.aggregate(sum=Sum("requests"))["sum"] or 0
