"""Redis, for what the web processes know together about answers."""

import asyncio
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

from common.storage import redis_servers

__all__ = ["client"]

#: Seconds after which a slow Redis counts as away.
TIMEOUT = 2
#: Connections of one process. Commands are short, and each is one exchange.
MAX_CONNECTIONS = 16

#: A connection belongs to its event loop.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def client() -> redis.asyncio.Redis | None:
    """Return this event loop's client; None on a site without Redis, which has one web process."""
    if not settings.REDIS_URL:
        return None
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis_servers.async_client(
            settings.CACHE_REDIS_URL, max_connections=MAX_CONNECTIONS, timeout=TIMEOUT
        )
    return _clients[loop]
