"""Requests and tokens per minute of a key, counted over all processes.

The tokens of the prompt count when a request starts, by estimate; those of the response when it ends.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from common.clock import utc_now
from common.limits import windows
from common.storage import database
from common.storage.outages import outage_of

from .restrictions import Restrictions

__all__ = ["add_tokens", "count_request"]

log = logging.getLogger(__name__)


async def count_request(restrictions: Restrictions, tokens: int) -> None:
    """Count a request with `tokens` in its prompt. Raises RateLimited, with the remedy, beyond a limit of the key."""
    if restrictions.requests_per_minute or restrictions.tokens_per_minute:
        await database.run(_count, restrictions, tokens, utc_now())


async def add_tokens(restrictions: Restrictions, tokens: int) -> None:
    """Count tokens of a response that has ended. While the cache is away they are not counted."""
    if restrictions.tokens_per_minute and tokens > 0:
        await database.run(_add_tokens, restrictions, tokens, utc_now())


def _count(restrictions: Restrictions, tokens: int, now: datetime) -> None:
    minute, ends = _minute(now)
    raise_it = f"Wait for the next minute, or raise the limit at {settings.SITE_URL}/settings/keys"
    if most := restrictions.requests_per_minute:
        refusal = f"Rate limit exceeded: this API key allows {most} requests per minute. {raise_it}"
        windows.count(_key("requests", restrictions, minute), most, ends=ends, now=now, refusal=refusal)
    if most := restrictions.tokens_per_minute:
        refusal = f"Rate limit exceeded: this API key allows {most} tokens per minute. "
        if tokens > most:
            refusal += f"The prompt alone has about {tokens}. Shorten it, or raise the limit at "
            refusal += f"{settings.SITE_URL}/settings/keys"
        else:
            refusal += raise_it
        windows.count(
            _key("tokens", restrictions, minute), most, ends=ends, now=now, refusal=refusal, amount=max(1, tokens)
        )


def _add_tokens(restrictions: Restrictions, tokens: int, now: datetime) -> None:
    minute, ends = _minute(now)
    try:
        windows.add(_key("tokens", restrictions, minute), tokens, ends=ends, now=now)
    except Exception as error:
        if not outage_of(error):
            raise
        log.warning("the tokens of a key's response were not counted: %s", type(error).__name__)


def _minute(now: datetime) -> tuple[datetime, datetime]:
    start = now.replace(second=0, microsecond=0)
    return start, start + timedelta(minutes=1)


def _key(counted: str, restrictions: Restrictions, minute: datetime) -> str:
    return f"key-{counted}:{restrictions.key_id}:{minute:%Y%m%d%H%M}"
