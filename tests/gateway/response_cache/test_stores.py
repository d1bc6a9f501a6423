"""A store keeps content for some seconds and within its bound, in memory and in Redis."""

import pytest
import redis
from django.conf import settings

from gateway.response_cache.stores import OVERHEAD, MemoryStore, RedisStore, Store

ROOM = 3 * (OVERHEAD + 100)  # for three entries of 100 bytes


@pytest.fixture(params=["memory", "redis"])
def store(request, clock) -> Store:
    if request.param == "memory":
        return MemoryStore(ROOM)
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set")
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(RedisStore.PREFIX + "*"):
        client.delete(key)
    return RedisStore(settings.REDIS_URL, ROOM)


async def names(store: Store, *among: str) -> str:
    """Those of the names that the store knows."""
    return "".join([name for name in among if await store.get(name) is not None])


async def test_what_is_put_can_be_read_replaced_and_deleted(store):
    assert await store.get("a") is None
    await store.put("a", b"\x00one\xff", 60)
    assert await store.get("a") == b"\x00one\xff"
    await store.put("a", b"two", 60)
    assert await store.get("a") == b"two"
    await store.delete("a")
    assert await store.get("a") is None
    await store.delete("a")


async def test_all_of_it_is_bounded_and_deleting_makes_room(store):
    for number, name in enumerate("abc"):
        await store.put(name, bytes(100), 60 + number)
    assert await names(store, *"abc") == "abc"
    await store.put("d", bytes(100), 90)
    assert await names(store, *"abcd") == "bcd"
    await store.put("b", bytes(100), 90)  # again: it takes no more room than before
    assert await names(store, *"bcd") == "bcd"
    await store.delete("c")
    await store.put("e", bytes(100), 90)
    assert await names(store, *"bde") == "bde"


async def test_what_is_larger_than_the_store_is_not_kept(store):
    await store.put("a", bytes(ROOM), 60)
    assert await store.get("a") is None
    await store.put("b", bytes(100), 60)
    assert await store.get("b") is not None


async def test_memory_keeps_it_until_it_expires(clock):
    store = MemoryStore(ROOM)
    await store.put("a", b"one", 60)
    clock.advance(seconds=59)
    assert await store.get("a") == b"one"
    clock.advance(seconds=1)
    assert await store.get("a") is None
    assert store.size == 0


async def test_memory_gives_up_what_was_not_used_for_longest():
    store = MemoryStore(ROOM)
    for name in "abc":
        await store.put(name, bytes(100), 60)
    await store.get("a")
    await store.put("d", bytes(100), 60)
    assert await names(store, *"abcd") == "acd"
    store.clear()
    assert store.size == 0
    assert await names(store, *"abcd") == ""


@pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set")
@pytest.mark.parametrize("store", ["redis"], indirect=True)
async def test_redis_lets_entries_expire_and_counts_them_no_more(store):
    client = redis.Redis.from_url(settings.REDIS_URL)
    await store.put("a", bytes(100), 60)
    assert 0 < client.ttl(RedisStore.PREFIX + "a") <= 60
    client.zadd(RedisStore.PREFIX + "expiries", {"a": 1})  # as if its time had passed
    await store.put("b", bytes(50), 60)
    assert int(client.get(RedisStore.PREFIX + "bytes")) == 50 + OVERHEAD
    assert await names(store, *"ab") == "b"


async def test_without_redis_everything_is_a_miss(caplog):
    store = RedisStore("redis://127.0.0.1:1/0", ROOM)
    await store.put("a", b"one", 60)
    assert await store.get("a") is None
    await store.delete("a")
    assert caplog.messages == ["the response cache is away: ConnectionError"] * 3
