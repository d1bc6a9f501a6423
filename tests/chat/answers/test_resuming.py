"""An answer whose page loses its connection goes on, and the page gets the rest of it."""

import asyncio
import base64
import os
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.core.cache.backends import locmem

from chat.answers import kept_answers, shared_redis
from chat.socket.consumer import detached, stop_detached
from gateway.models import Generation
from tests.conftest import signed_in
from tests.support.gates import Gate

KEY = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
SAID = "zebrafinch-lantern-quartz"
LONG = {"tokens": "60"}


@pytest.fixture(autouse=True)
async def nothing_kept():
    kept_answers._memory.__init__()
    yield
    await stop_detached()


def question(prompt: str = "Hello") -> dict[str, Any]:
    return {"model": "acme/one", "messages": [{"role": "user", "content": prompt}], "provider": {"sort": "price"}}


async def ask(page, prompt: str = "Tell me a lot") -> dict[str, Any]:
    """Ask, and hear the beginning of the answer."""
    await page.say(type="ask", id="a1", body=question(prompt), key=KEY)
    started = await page.hear_until("started")
    await page.hear_until("delta")
    return started


async def resumed(page, key: str = KEY, gate: Gate | None = None) -> list[dict[str, Any]]:
    """Resume, open the gate with the first frames, and return the answer's frames once it has ended."""
    await page.say(type="resume", id="a1", key=key)
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["type"] != "ended":
        piece = await page.hear()
        assert piece["type"] == "resumed", piece
        assert (piece["start"] == 0) == (not frames)
        frames += piece["frames"]
        if gate:
            await asyncio.to_thread(gate.open)
    return frames


async def again(open_page, client, **sandbox: str):
    page = await open_page(client, **sandbox)
    assert (await page.hear())["type"] == "ready"
    return page


async def test_a_page_that_is_loaded_again_gets_the_whole_answer_and_pays_once(api, open_page, alice_client, gate):
    page = await again(open_page, alice_client, **LONG, gate=gate.place)
    started = await ask(page)
    await page.socket.disconnect(timeout=30)
    assert detached, "the answer goes on"

    frames = await resumed(await again(open_page, alice_client), gate=gate)
    kinds = [frame["type"] for frame in frames if frame["type"] != "delta"]
    assert kinds == ["accepted", "started", "finished", "billed", "ended"]
    assert next(frame for frame in frames if frame["type"] == "started") == started
    assert "".join(frame.get("text", "") for frame in frames).startswith(page.text())
    row = await api.generation(started["generation_id"])
    assert (row.completion_tokens, row.cancelled) == (60, False)
    assert await Generation.objects.acount() == 1
    assert not detached
    await api.assert_books_balance()


async def test_an_answer_that_ended_meanwhile_is_still_there_until_the_page_has_it(open_page, alice_client):
    page = await again(open_page, alice_client, tokens="5")
    await page.say(type="ask", id="a1", body=question(), key=KEY)
    await page.hear_until("ended")
    await page.socket.disconnect(timeout=30)

    page = await again(open_page, alice_client)
    assert (await resumed(page))[-1]["type"] == "ended"
    await page.say(type="forget", id="a1")
    await page.say(type="resume", id="a1", key=KEY)
    assert (await page.hear())["type"] == "lost"


async def test_a_page_stops_an_answer_that_was_begun_on_another_socket(api, open_page, alice_client):
    page = await again(open_page, alice_client, tokens="3000", delay="0.02")
    started = await ask(page)
    await page.socket.disconnect(timeout=30)
    page = await again(open_page, alice_client)
    await page.say(type="resume", id="a1", key=KEY)
    await page.hear_until("resumed")
    await page.say(type="stop", id="a1")
    frames = []
    while not frames or frames[-1]["type"] != "ended":
        frames += (await page.hear_until("resumed"))["frames"]
    assert "stopped" in [frame["type"] for frame in frames]
    row = await api.generation(started["generation_id"])
    assert row.cancelled and 0 < row.completion_tokens < 3000
    await api.assert_books_balance()


async def test_another_key_and_another_person_get_nothing(open_page, alice_client, bob):
    page = await again(open_page, alice_client, tokens="5")
    await page.say(type="ask", id="a1", body=question(), key=KEY)
    await page.hear_until("ended")
    await page.say(type="resume", id="a1", key="A" * 43)
    assert (await page.hear())["type"] == "lost"
    stranger = await again(open_page, await sync_to_async(signed_in)(bob))
    await stranger.say(type="resume", id="a1", key=KEY)
    assert (await stranger.hear())["type"] == "lost"


async def test_signing_out_stops_an_answer_that_goes_on_alone(api, open_page, alice_client):
    page = await again(open_page, alice_client, tokens="3000", delay="0.02")
    started = await ask(page)
    await page.socket.disconnect(timeout=30)
    running = list(detached)
    await sync_to_async(alice_client.post)("/account/logout/")
    await asyncio.wait_for(asyncio.gather(*running), 30)
    assert (await api.generation(started["generation_id"])).cancelled


async def test_nothing_that_is_kept_can_be_read_without_the_pages_key(open_page, alice_client):
    page = await again(open_page, alice_client, **LONG)
    await ask(page, "Say PLUMAGE")
    await page.socket.disconnect(timeout=30)
    page = await again(open_page, alice_client)
    said = "".join(frame.get("text", "") for frame in await resumed(page)).split()
    kept = b"".join(await everything_kept())
    assert len(said) > 20 and len(kept) > 500
    assert not [word for word in said if len(word) > 4 and word.encode() in kept]


async def everything_kept() -> list[bytes]:
    store = kept_answers.store()
    if isinstance(store, kept_answers.MemoryStore):
        return [piece for entry in store._entries.values() for piece in entry.pieces]
    return [piece for key in await store._redis.keys("chat-answer:*:a1") for piece in await store._redis.hvals(key)]


async def test_after_its_time_nothing_of_a_kept_answer_is_left_anywhere(open_page, alice_client, monkeypatch):
    page = await again(open_page, alice_client)
    await page.say(type="ask", id="a1", body=question(f"Say exactly: {SAID}"), key=KEY)
    await page.hear_until("ended")
    await page.socket.disconnect(timeout=30)  # it was not told to forget
    assert SAID in page.text()
    assert await everything_kept()

    await let_its_time_pass(monkeypatch)
    page = await again(open_page, alice_client)
    await page.say(type="resume", id="a1", key=KEY)
    assert (await page.hear())["type"] == "lost"
    assert await everything_kept() == []
    stored = await sync_to_async(all_rows)() + [repr(cache) for cache in vars(locmem)["_caches"].values()]
    names, values = await everything_in_redis()
    assert not [name for name in names if "a1" in name]
    assert len(stored) > 20
    assert not [text for text in stored + values if SAID in text or KEY in text]


async def let_its_time_pass(monkeypatch) -> None:
    """Let the life of what is kept end, in memory and in Redis, where everything must have one."""
    later = kept_answers.clock.monotonic() + kept_answers.KEEP_SECONDS + 1
    monkeypatch.setattr(kept_answers.clock, "monotonic", lambda: later)
    if redis := shared_redis.client():
        for name in await redis.keys("chat-answer:*:a1*"):
            assert 0 < await redis.ttl(name) <= kept_answers.KEEP_SECONDS
            await redis.expire(name, 0)


def all_rows() -> list[str]:
    """Every row of every table."""
    return [repr(row) for model in apps.get_models() for row in model._default_manager.values()]


async def everything_in_redis() -> tuple[list[str], list[str]]:
    """The names of what is in Redis, and what it holds."""
    redis = shared_redis.client()
    if not redis:
        return [], []
    readers: dict[Any, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda name: redis.lrange(name, 0, -1),
        b"zset": lambda name: redis.zrange(name, 0, -1),
        b"stream": redis.xrange,
    }
    names = await redis.keys("*")
    return [name.decode() for name in names], [repr(await readers[await redis.type(name)](name)) for name in names]


async def test_what_is_kept_ends_after_some_minutes_and_makes_room(monkeypatch):
    monkeypatch.setattr(kept_answers, "MAX_MEMORY", 10)
    now = [0.0]
    monkeypatch.setattr(kept_answers.clock, "monotonic", lambda: now[0])
    store = kept_answers.MemoryStore()
    await store.write("1:a", 0, b"12345678")
    assert (await store.read("1:a", 0)).pieces == [b"12345678"]
    await store.write("1:b", 0, b"12345678")
    assert await store.read("1:a", 0) == kept_answers.Kept([], is_running=False)
    now[0] = kept_answers.LIFE_SECONDS + 1
    assert await store.read("1:b", 0) == kept_answers.Kept([b"12345678"], is_running=False)
    now[0] = kept_answers.KEEP_SECONDS + 1
    assert await store.read("1:b", 0) == kept_answers.Kept([], is_running=False)


async def test_what_is_kept_in_memory_ends_by_itself(clock, monkeypatch):
    timers: list[tuple[float, Any]] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda *timer: timers.append(timer))
    store = kept_answers.MemoryStore()
    await store.write("1:a", 0, b"first")
    clock.advance(seconds=100)
    await store.write("1:b", 0, b"second")
    [(delay, expire)] = timers
    assert delay == kept_answers.KEEP_SECONDS

    clock.advance(seconds=delay - 100)
    expire()
    assert list(store._entries) == ["1:b"]
    delay, expire = timers[-1]
    assert delay == 100
    clock.advance(seconds=delay)
    expire()
    assert not store._entries
    assert len(timers) == 2  # none goes on without answers
    await store.write("1:c", 0, b"third")
    assert len(timers) == 3
