"""Requests that share a response, and responses that are stored."""

import json
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from gateway.events import Billed, Delta, Event, Failed, Finished, Started, Usage, one_by_one
from gateway.protocols.chat_completions.request import parse
from gateway.response_cache import CachedExchange, CacheOptions
from gateway.response_cache.stores import MemoryStore

SECRET = "sk-or-v1-" + "a" * 64
STARTED = Started(
    generation_id="gen-1", created=1, model="acme/one", provider="Cheap", provider_slug="cheap", simulated=True
)
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
DELTAS = [Delta(text="Hello "), Delta(reasoning="hm", reasoning_details=[{"type": "x"}]), Delta(tool_calls=[CALL])]
FINISHED = Finished(finish_reason="stop", native_finish_reason="end_turn")
BILLED = Billed(usage=Usage(prompt_tokens=3), cost=1, balance=2, latency_ms=1, duration_ms=2)
FAILED = Failed(status=502, message="broke off", error_type="provider_unavailable")
WHOLE: list[Event] = [STARTED, *DELTAS, FINISHED, BILLED]
BODY = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def store(clock) -> MemoryStore:
    return MemoryStore(1_000_000)


def exchange(store: MemoryStore, body: Any = BODY, secret: str = SECRET, endpoint: str = "chat", **options: Any):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    model = options.pop("model", "acme/default")
    asked = options.pop("read_as", None) or parse(text)
    return CachedExchange(CacheOptions(**options), secret, endpoint, text, asked, model=model, responses=store)


async def serve(exchange: CachedExchange, events: list[Event] = WHOLE, read: int | None = None) -> list[Event]:
    """The events as the client gets them; `read` is after how many it leaves."""

    async def produced():
        for event in events:
            yield [event]

    received = []
    async with aclosing(one_by_one(exchange.recorded(produced()))) as passed:
        async for event in passed:
            received.append(event)
            if len(received) == read:
                break
    return received


async def test_a_response_is_passed_on_and_found_again_with_its_origin(store, clock):
    first = exchange(store, ttl=60)
    assert await first.find() is None
    assert first.headers == {"X-OpenRouter-Cache-Status": "MISS", "X-OpenRouter-Cache-TTL": "60"}
    assert await serve(first) == WHOLE
    clock.advance(seconds=20.5)
    second = exchange(store, ttl=500)
    found = await second.find()
    assert found is not None
    assert list(found.events) == [*DELTAS, FINISHED]
    assert (found.model, found.provider, found.simulated) == ("acme/one", "Cheap", True)
    assert second.headers == {
        "X-OpenRouter-Cache-Status": "HIT",
        "X-OpenRouter-Cache-Age": "20",
        "X-OpenRouter-Cache-TTL": "40",
        "X-OpenRouter-Cache-Source-Id": "gen-1",
    }


async def test_a_response_is_gone_when_its_time_has_passed(store, clock):
    await serve(exchange(store, ttl=60))
    clock.advance(seconds=60)
    late = exchange(store)
    assert await late.find() is None
    assert late.headers["X-OpenRouter-Cache-Status"] == "MISS"


async def test_a_store_that_keeps_it_for_longer_does_not_matter(store, clock):
    await serve(exchange(store, ttl=60))
    store._entries = type(store._entries)((name, (1e12, sealed)) for name, (_, sealed) in store._entries.items())
    clock.advance(seconds=60)
    assert await exchange(store).find() is None


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "sk-or-v1-" + "b" * 64},
        {"endpoint": "messages"},
        {"body": {**BODY, "stream": True}},
        {"body": {**BODY, "temperature": 1}},
        {"body": {**BODY, "model": "acme/two"}},
        {"body": dict(reversed(BODY.items()))},
        {"read_as": parse({**BODY, "temperature": 1})},
        {"read_as": msgspec.structs.replace(parse(BODY), messages=[{"role": "system", "content": "of a preset"}])},
    ],
    ids=["key", "endpoint", "stream", "value", "model", "order", "field of a preset", "prompt of a preset"],
)
async def test_another_request_does_not_find_it(store, change):
    await serve(exchange(store))
    assert await exchange(store, **change).find() is None
    assert await exchange(store).find() is not None


async def test_without_a_model_the_accounts_default_counts(store):
    body = {"messages": BODY["messages"]}
    await serve(exchange(store, body, model="acme/one"))
    assert await exchange(store, body, model="acme/two").find() is None
    assert await exchange(store, body, model="acme/one").find() is not None


async def test_white_space_and_escapes_do_not_matter(store):
    await serve(exchange(store, {**BODY, "prompt": "é"}))
    text = json.dumps({**BODY, "prompt": "é"}, indent=3, ensure_ascii=False).encode()
    assert await exchange(store, text).find() is not None


@pytest.mark.parametrize(
    "events",
    [
        [STARTED, *DELTAS, FAILED, BILLED],
        [STARTED, *DELTAS, FINISHED, FAILED, BILLED],
        [STARTED, *DELTAS, BILLED],
        [STARTED, *DELTAS],
        [STARTED, Delta(text="x" * 70_000), FINISHED, BILLED],
        [STARTED, *[Delta(text="x" * 1000)] * 70, FINISHED, BILLED],
    ],
    ids=["failed", "failed at its end", "without an end", "broken off", "large", "many"],
)
async def test_what_is_not_a_complete_response_of_some_size_is_not_stored(store, events, settings):
    settings.RESPONSE_CACHE_BYTES = 1_000_000  # a response gets a sixteenth
    assert await serve(exchange(store), events) == events
    assert store.size == 0


@pytest.mark.parametrize("read", range(1, len(WHOLE)))
async def test_a_response_that_the_client_leaves_is_not_stored(store, read):
    await serve(exchange(store), read=read)
    assert store.size == 0


async def test_a_response_without_a_bill_is_stored(store):
    await serve(exchange(store), [STARTED, *DELTAS, FINISHED])
    assert await exchange(store).find() is not None


async def test_clearing_removes_this_response_alone_and_stores_the_next(store):
    other = {**BODY, "temperature": 1}
    await serve(exchange(store))
    await serve(exchange(store, other))
    clearing = exchange(store, clears=True)
    assert await clearing.find() is None
    assert await exchange(store).find() is None
    assert await exchange(store, other).find() is not None
    await serve(clearing)
    assert await exchange(store).find() is not None


async def test_what_the_store_has_mixed_up_or_another_version_wrote_is_a_miss(store):
    await serve(exchange(store))
    await serve(exchange(store, {**BODY, "temperature": 1}))
    (first, (expires, _)), (_, (_, second_sealed)) = store._entries.items()
    store._entries[first] = (expires, second_sealed)
    assert await exchange(store).find() is None
    reader = exchange(store)
    store._entries[first] = (expires, reader._sealing.seal(first, b'{"events": []}'))
    assert await reader.find() is None
