"""Addresses of Redis, and everything that uses one through a Sentinel, before and after a failover."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from channels_redis.core import RedisChannelLayer  # type: ignore[import-untyped]
from django.core.cache.backends.redis import RedisCache
from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from common.storage import redis_servers
from openrouter_site import env
from tests.support.processes import wait_until
from tests.support.sentinels import watched_redis

SENTINELS = "redis+sentinel://app:p%40ss@one:26379,two:26380/main/2?sentinel_password=watch"


def test_one_address_becomes_what_each_of_them_takes():
    host = redis_servers.layer_host_of(SENTINELS)
    assert isinstance(host, dict)
    assert (host["sentinels"], host["master_name"], host["db"]) == ([("one", 26379), ("two", 26380)], "main", 2)
    assert (host["username"], host["password"], host["sentinel_kwargs"]["password"]) == ("app", "p@ss", "watch")
    broker, options = redis_servers.broker_of(SENTINELS)
    assert broker == "sentinel://app:p%40ss@one:26379/2;sentinel://app:p%40ss@two:26380/2"
    assert options["master_name"] == "main"
    plain = "redis://localhost:6379/1"
    assert (redis_servers.layer_host_of(plain), redis_servers.broker_of(plain)[0]) == (plain, plain)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+cluster://one:6379", "REDIS_URL can't be a cluster"),
        ("http://one:6379", "must begin with redis://"),
        ("redis+sentinel://one/main/0", "each Sentinel as host:port, not 'one'"),
        ("redis+sentinel://one:26379", "must end with the master's name"),
        ("redis+sentinel://one:26379/main/0?db=1", "unknown options: db"),
    ],
)
def test_any_other_form_is_refused_with_the_remedy(monkeypatch, url, says):
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(env.SettingsError, match=says):
        env.redis_url("REDIS_URL")


def test_the_cache_the_chat_the_channels_and_the_queue_survive_a_failover():
    with watched_redis() as watched:
        cache = RedisCache([watched.url], {"OPTIONS": {"pool_class": "common.storage.redis_servers.Pool"}})
        broker, options = redis_servers.broker_of(watched.url)

        def cached() -> bool:
            cache.set("name", "value", 60)
            return bool(cache.get("name") == "value")

        async def chat() -> bool:
            client = redis_servers.async_client(watched.url, max_connections=4, timeout=2)
            try:
                await client.set("answer", "kept")
                return await client.get("answer") == b"kept"
            finally:
                await client.aclose()

        async def layer() -> bool:
            channels = RedisChannelLayer(hosts=[redis_servers.layer_host_of(watched.url)])
            try:
                await channels.send("test", {"type": "hint"})
                return await channels.receive("test") == {"type": "hint"}
            finally:
                await channels.close_pools()

        def queue() -> bool:
            with Connection(broker, transport_options=options) as connection:
                tasks = connection.SimpleQueue("money")
                tasks.put({"task": 1})
                message = tasks.get(timeout=5)
                message.ack()
                tasks.close()
            return bool(message.payload == {"task": 1})

        uses: list[Callable[[], bool]] = [cached, lambda: asyncio.run(chat()), lambda: asyncio.run(layer()), queue]
        for use in uses:
            assert use()
        watched.kill_master()
        for use in uses:
            wait_until(lambda use=use: _works(use), "the new master to be used")


@pytest.mark.parametrize("watched_by_sentinel", [True, False])
def test_the_clock_does_not_wait_for_ever_for_a_server_that_hangs(watched_by_sentinel, monkeypatch):
    """Its connection is made before: the server goes on taking what is sent, and answers nothing."""
    monkeypatch.setitem(redis_servers.BROKER_OPTIONS, "socket_timeout", 0.5)
    with watched_redis() as watched:
        broker, options = redis_servers.broker_of(watched.url if watched_by_sentinel else watched.master_url)
        with Connection(broker, transport_options=options) as connection:
            tasks = connection.SimpleQueue("money")
            tasks.put({"task": 1})
            watched.freeze_master()
            with pytest.raises((RedisError, KombuError, OSError)):
                tasks.put({"task": 2})
        if watched_by_sentinel:
            with Connection(broker, transport_options=options) as connection:
                wait_until(lambda: _works(lambda: bool(connection.SimpleQueue("money").put({}) is None)), "the new one")


def _works(use: Callable[[], bool]) -> bool:
    with suppress(RedisError, KombuError, OSError):
        return use()
    return False
