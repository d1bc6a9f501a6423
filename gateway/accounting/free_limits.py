"""Rate limits of free models: per account, over all its keys and all free models.

Twenty requests a minute; fifty a UTC day, or a thousand once the account has bought $10 of credits. The counts live in
the cache, so with Redis they hold across processes. A daily count that the cache has lost is restored from the hourly
sums.
"""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Sum

from common.clock import utc_now, window_start
from common.limits import windows
from common.money import PICO_PER_USD
from common.storage import database
from common.storage.outages import outage_of
from gateway.callers import Caller
from gateway.models import UsageHour

__all__ = ["count_free_request", "count_free_request_at", "free_requests_today"]

PER_MINUTE = 20
PER_DAY = 50
PER_DAY_FOR_BUYERS = 1000
#: All-time purchases from which an account is a buyer, in pico-USD; grants do not count.
BUYER_PURCHASES = 10 * PICO_PER_USD


async def count_free_request(caller: Caller) -> None:
    """Count one request of a free model. Raises RateLimited, with the limit and its reset, when it exceeds one."""
    await database.run(count_free_request_at, caller, utc_now())


def count_free_request_at(caller: Caller, now: datetime) -> None:
    """As `count_free_request`, at a given time; blocks."""
    minute = now.replace(second=0, microsecond=0)
    day = minute.replace(hour=0, minute=0)
    minute_key = f"free:{caller.account_id}:{minute:%Y%m%d%H%M}"
    _count(minute_key, 0, PER_MINUTE, minute + timedelta(minutes=1), now, "minute")
    day_key = _day_key(caller.account_id, day)
    earlier = 0 if cache.get(day_key) is not None else _requests_since(caller.account_id, day)
    _count(day_key, earlier, _per_day(caller.purchased), day + timedelta(days=1), now, "day")


def free_requests_today(account_id: int, purchased: int, now: datetime) -> tuple[int, int]:
    """(the limit, the requests counted toward it) of free models in this UTC day; `purchased` is in pico-USD.

    While the cache is away, they are those that are settled.
    """
    day = window_start("daily", now)
    try:
        counted = cache.get(_day_key(account_id, day))
    except Exception as error:
        if not outage_of(error):
            raise
        counted = None
    return _per_day(purchased), _requests_since(account_id, day) if counted is None else counted


def _per_day(purchased: int) -> int:
    return PER_DAY_FOR_BUYERS if purchased >= BUYER_PURCHASES else PER_DAY


def _day_key(account_id: int, day: datetime) -> str:
    return f"free:{account_id}:{day:%Y%m%d}"


def _count(key: str, earlier: int, limit: int, ends: datetime, now: datetime, window: str) -> None:
    """Count one request in a window that had `earlier` ones and ends at `ends`. Raises RateLimited beyond `limit`."""
    more = " Buy $10 in credits to raise this to 1,000 per day." if window == "day" and limit == PER_DAY else ""
    refusal = f"Rate limit exceeded: {limit} requests per {window} per account on free models.{more}"
    windows.count(key, limit, ends=ends, now=now, refusal=refusal, earlier=earlier)


def _requests_since(account_id: int, day: datetime) -> int:
    hours = UsageHour.objects.filter(account=account_id, hour__gte=day, model__endswith=":free")
    return hours.aggregate(sum=Sum("requests"))["sum"] or 0
