"""Where stored responses are kept: in Redis, or in the memory of this process. Both are bounded in bytes.

A store sees names and encrypted bytes only. What cannot be read or written because Redis is away is a miss: the cache
never fails a request.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import redis
from django.conf import settings

from common.clock import monotonic
from common.storage import redis_servers

__all__ = ["MemoryStore", "RedisStore", "Store", "store"]

log = logging.getLogger(__name__)

#: Bytes that an entry takes beside its content, about: its name and its place in the lists.
OVERHEAD = 400
#: Seconds after which a slow Redis counts as a miss.
REDIS_TIMEOUT = 0.5


class Store(Protocol):
    """Keeps bytes by name for some seconds."""

    async def get(self, name: str) -> bytes | None:
        """The content; None if there is none, or none any more."""

    async def put(self, name: str, content: bytes, seconds: int) -> None:
        """Keep the content for so many seconds at most. Others may have to go."""

    async def delete(self, name: str) -> None:
        """Remove the content, if there is any."""


class MemoryStore:
    """In the memory of this process. What has not been used for longest makes room."""

    def __init__(self, max_bytes: int, clock: Callable[[], float] = monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # expiry and content
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._size

    async def get(self, name: str) -> bytes | None:
        expires, content = self._entries.get(name, (math.inf, None))
        if expires <= self._clock():
            self._remove(name)
            return None
        if content is not None:
            self._entries.move_to_end(name)
        return content

    async def put(self, name: str, content: bytes, seconds: int) -> None:
        self._remove(name)
        self._entries[name] = (self._clock() + seconds, content)
        self._size += len(content) + OVERHEAD
        while self._size > self._max_bytes:
            self._remove(next(iter(self._entries)))

    async def delete(self, name: str) -> None:
        self._remove(name)

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()
        self._size = 0

    def _remove(self, name: str) -> None:
        if (entry := self._entries.pop(name, None)) is not None:
            self._size -= len(entry[1]) + OVERHEAD


#: In one step, so that the sum of the sizes stays true. The set holds each name with its expiry, the hash its size.
_PUT = """
local function forget(name)
    local size = redis.call('HGET', KEYS[2], name)
    if size then
        redis.call('HDEL', KEYS[2], name)
        redis.call('DECRBY', KEYS[3], size)
    end
    redis.call('ZREM', KEYS[1], name)
    redis.call('DEL', ARGV[1] .. name)
end
local name, content, seconds, most, overhead = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local now = tonumber(redis.call('TIME')[1])
forget(name)
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
    forget(expired)
end
if seconds > 0 then
    local size = #content + overhead
    redis.call('SET', ARGV[1] .. name, content, 'EX', seconds)
    redis.call('ZADD', KEYS[1], now + seconds, name)
    redis.call('HSET', KEYS[2], name, size)
    redis.call('INCRBY', KEYS[3], size)
end
while tonumber(redis.call('GET', KEYS[3]) or '0') > most do
    local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
    if not first then
        redis.call('DEL', KEYS[3])
        break
    end
    forget(first)
end
"""


class RedisStore:
    """In Redis, for every process. What would expire first makes room.

    The braces put all of it on one node of a cluster, where one script may touch it.
    """

    PREFIX = "{response-cache}:"

    def __init__(self, url: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._client = redis_servers.client(
            url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT, health_check_interval=30
        )
        self._put = self._client.register_script(_PUT)

    async def get(self, name: str) -> bytes | None:
        found: bytes | None = await self._try(self._client.get, self.PREFIX + name)
        return found

    async def put(self, name: str, content: bytes, seconds: int) -> None:
        await self._try(self._run, name, content, seconds)

    async def delete(self, name: str) -> None:
        await self._try(self._run, name, b"", 0)

    def _run(self, name: str, content: bytes, seconds: int) -> None:
        keys = [f"{self.PREFIX}{part}" for part in ("expiries", "sizes", "bytes")]
        self._put(keys, [self.PREFIX, name, content, seconds, self._max_bytes, OVERHEAD])

    async def _try(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return await asyncio.to_thread(function, *args)
        except redis.exceptions.RedisError as error:
            log.warning("the response cache is away: %s", type(error).__name__)
            return None


@cache
def store() -> Store:
    """This process's store, of at most RESPONSE_CACHE_BYTES."""
    if settings.REDIS_URL:
        return RedisStore(settings.CACHE_REDIS_URL, settings.RESPONSE_CACHE_BYTES)
    return MemoryStore(settings.RESPONSE_CACHE_BYTES)
