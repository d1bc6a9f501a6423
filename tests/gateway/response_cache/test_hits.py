"""The response cache through the API: the second identical request is answered without a provider and for free."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest
import redis
from asgiref.sync import sync_to_async
from django.conf import settings as site_settings
from django.core.cache import cache

from accounts.models import PrivacySettings
from billing.models import CreditAccount
from common.clock import utc_now
from common.naming.ids import generation_id_of
from gateway import callers, completions
from gateway.events import Delta, one_by_one
from gateway.models import Generation, Hold, UsageHour
from gateway.response_cache import StoredResponse
from gateway.response_cache.stores import MemoryStore, RedisStore, store
from gateway.routing import catalogue_cache
from keys import authentication, issuing
from keys.models import ApiKey
from models_catalog import catalog
from models_catalog.models import Endpoint, Provider
from tests.gateway import factory
from tests.gateway.native import WEATHER
from tests.gateway.test_disconnects import caller, request
from tests.wire import check

CACHE = {"X-OpenRouter-Cache": "true"}
SAID = "qzxvkwj"  # one that a stream keeps in one piece
QUESTION = f"Say exactly: {SAID} zebrafinch lantern quartz"
BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {"messages": [{"role": "user", "content": QUESTION}]},
    "/completions": {"prompt": QUESTION},
    "/messages": {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 500},
    "/responses": {"input": QUESTION},
}
IDENTITY = {"id", "item_id", "created", "created_at", "completed_at", "usage"}
PATHS = pytest.mark.parametrize("path", BODIES)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


async def ask(api, path: str = "/chat/completions", headers: dict[str, str] | None = None, **body) -> httpx.Response:
    """A request that uses the cache."""
    sent = {"model": "acme/one", "provider": {"sort": "price"}, **BODIES[path], **body}
    return await api.post(path, json=sent, headers=CACHE | (headers or {}))


def status(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return response.headers["x-openrouter-cache-status"]


def events(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def without_identity(value: Any) -> Any:
    """A response without what may differ between the first time and the second."""
    if isinstance(value, list):
        return [without_identity(each) for each in value]
    if isinstance(value, dict):
        return {name: without_identity(each) for name, each in value.items() if name not in IDENTITY}
    return value


def counts(usage: Any) -> list[float]:
    """Every number in a usage object."""
    if isinstance(usage, dict):
        return [number for each in usage.values() for number in counts(each)]
    return [usage] if isinstance(usage, int | float) and not isinstance(usage, bool) else []


@PATHS
@STREAM
async def test_the_second_time_it_is_the_same_response_free_and_with_an_id_of_its_own(api, path, stream, clock):
    first = await ask(api, path, stream=stream)
    assert status(first) == "MISS"
    assert first.headers["x-openrouter-cache-ttl"] == "300"
    clock.advance(seconds=10)
    second = await ask(api, path, {"X-OpenRouter-Cache-TTL": "7"}, stream=stream)
    assert status(second) == "HIT"
    assert second.headers["x-openrouter-cache-age"] == "10"
    assert second.headers["x-openrouter-cache-ttl"] == "290"
    assert second.headers["x-openrouter-cache-source-id"] == generation_id_of(first.headers["x-generation-id"])
    assert second.headers["x-generation-id"] != first.headers["x-generation-id"]
    exposed = second.headers["access-control-expose-headers"].lower().split(", ")
    assert {name for name in second.headers if name.startswith("x-openrouter-cache")} <= set(exposed)

    said = [events(response) if stream else [response.json()] for response in (first, second)]
    assert without_identity(said[0]) == without_identity(said[1])
    assert SAID in second.text
    assert second.headers["x-generation-id"] in second.text
    assert first.headers["x-generation-id"] not in second.text
    for event in said[1]:
        check(f"POST {path}", "stream" if stream else 200, event)
        usage = event.get("usage") or (event.get("message") or event.get("response") or {}).get("usage")
        assert set(counts(usage)) <= {0}
    assert len(await api.received()) == 1


async def test_vectors_are_kept_too(api):
    served = factory.embedding_model()
    await sync_to_async(factory.save)(factory.embedding_endpoint(served, "cheap", "0.00000002"))
    await sync_to_async(catalog.touch)()
    body = {"model": "acme/vectors", "input": ["one", "two"], "encoding_format": "base64"}
    encodings = ({}, {}, {"encoding_format": "float"})
    first, second, other = [await api.post("/embeddings", json=body | more, headers=CACHE) for more in encodings]
    assert [status(each) for each in (first, second, other)] == ["MISS", "HIT", "MISS"]
    assert second.json()["data"] == first.json()["data"] != other.json()["data"]
    assert second.json()["usage"]["cost"] == 0


@STREAM
async def test_a_hit_has_a_row_of_its_own_that_costs_nothing(api, stream):
    first = await ask(api, stream=stream)
    second = await ask(api, stream=stream)
    source = await api.generation(first.headers["x-generation-id"])
    row = await api.generation(second.headers["x-generation-id"])
    assert row.response_cache_source_id == source.pk
    assert (row.model, row.provider, row.finish_reason, row.streamed) == ("acme/one", "", "stop", stream)
    assert (row.cost, row.hold, row.prompt_tokens, row.completion_tokens) == (0, 0, 0, 0)
    assert (row.key_id, row.state, row.simulated) == (api.key_id, Generation.State.SETTLED, True)
    assert source.cost > 0 and source.response_cache_source_id == ""
    assert await UsageHour.objects.filter(provider="").values_list("requests", "cost").aget() == (1, 0)
    await api.assert_books_balance()


async def test_generation_tells_where_a_hit_comes_from(api, client):
    first = await ask(api)
    second = await ask(api)
    authorization = {"Authorization": f"Bearer {api.secret}"}
    answer = await sync_to_async(client.get)(
        f"/api/v1/generation?id={second.headers['x-generation-id']}", headers=authorization
    )
    data = answer.json()["data"]
    assert data["response_cache_source_id"] == first.headers["x-generation-id"]
    assert (data["total_cost"], data["native_tokens_prompt"], data["provider_responses"]) == (0, 0, [])
    check("GET /generation", 200, answer.json())


async def test_a_request_without_the_header_neither_reads_nor_writes(api):
    body = BODIES["/chat/completions"] | {"model": "acme/one", "provider": {"sort": "price"}}
    for headers in ({}, {"X-OpenRouter-Cache": "false"}, {"X-OpenRouter-Cache-TTL": "60"}):
        response = await api.post(json=body, headers=headers)
        assert not [name for name in response.headers if name.startswith("x-openrouter-cache")]
    assert status(await ask(api)) == "MISS"
    assert len(await api.received()) == 4


async def test_tool_calls_are_replayed(api):
    tools = {"tools": [WEATHER], "tool_choice": "required"}
    first, second = await ask(api, **tools), await ask(api, **tools)
    assert (status(first), status(second)) == ("MISS", "HIT")
    calls = [response.json()["choices"][0]["message"]["tool_calls"] for response in (first, second)]
    assert calls[0] == calls[1] and calls[0][0]["function"]["name"] == "get_weather"


async def test_clearing_asks_again_and_keeps_the_new_response(api):
    await ask(api)
    cleared = await ask(api, headers={"X-OpenRouter-Cache-Clear": "true"})
    assert status(cleared) == "MISS"
    assert (await ask(api)).headers["x-openrouter-cache-source-id"] == cleared.headers["x-generation-id"]


async def test_a_response_that_shows_signs_of_life_says_that_it_was_not_cached_and_is_stored(api, settings):
    settings.SIGN_OF_LIFE_SECONDS = 0.05
    slow = await ask(api, headers={"X-Sandbox-Delay": "0.1"})
    assert slow.text.startswith("\n")
    assert status(slow) == "MISS"
    assert slow.headers["access-control-allow-origin"] == "*"
    assert status(await ask(api)) == "HIT"


async def test_after_its_time_the_provider_is_asked_again(api, clock):
    short = {"X-OpenRouter-Cache-TTL": "60abc"}
    assert (await ask(api, headers=short)).headers["x-openrouter-cache-ttl"] == "60"
    clock.advance(seconds=59)
    assert status(await ask(api)) == "HIT"
    clock.advance(seconds=1)
    assert status(await ask(api)) == "MISS"


async def test_identical_requests_at_the_same_time_all_reach_a_provider(api):
    answers = await asyncio.gather(*(ask(api) for _ in range(3)))
    assert [status(answer) for answer in answers] == ["MISS"] * 3
    assert len(await api.received()) == 3


async def test_a_client_that_leaves_during_a_replay_pays_nothing(api):
    stored = StoredResponse(
        source_id="gen-1", stored_at=0.0, ttl=60, model="acme/one", provider="Cheap", provider_slug="cheap",
        simulated=True, system_fingerprint=None, events=[Delta(text="Hello"), Delta(text=" there")],
    )  # fmt: skip
    replay = one_by_one(completions.service.replay(await caller(api), request(), stored))
    async with aclosing(replay) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
    row = await api.generation()
    assert (row.cancelled, row.cost, row.response_cache_source_id) == (True, 0, "gen-1")
    await api.assert_books_balance()


async def test_routing_is_told_of_the_first_response_only(api):
    asks = {"X-OpenRouter-Metadata": "enabled"}
    assert "openrouter_metadata" in (await ask(api, headers=asks)).json()
    hit = await ask(api, headers=asks)
    assert status(hit) == "HIT"
    assert "openrouter_metadata" not in hit.json()


@STREAM
@pytest.mark.parametrize("fault", ["*=503", "*=cut:2", "*=error-in-stream:2", "*=400"])
async def test_what_fails_is_not_stored(api, fault, stream):
    failed = await ask(api, headers={"X-Sandbox-Fault": fault}, stream=stream)
    assert "error" in failed.text
    assert status(await ask(api, stream=stream)) == "MISS"


async def test_no_credits_are_needed_for_a_hit(api):
    await ask(api)
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=0, usage=0)
    assert status(await ask(api)) == "HIT"
    assert (await ask(api, temperature=1)).status_code == 402


async def test_a_frozen_account_gets_no_hit(api):
    await ask(api)
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(frozen_reason="A payment is disputed.")
    assert (await ask(api)).status_code == 402
    assert await Hold.objects.acount() == 0


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "while the key is remembered"])
async def test_a_disabled_key_gets_no_hit(api, at_once):
    await ask(api)
    await ApiKey.objects.filter(pk=api.key_id).aupdate(disabled=True)
    if at_once:
        authentication.identities.clear()
    assert (await ask(api)).status_code == 401
    assert await Hold.objects.acount() == 0


async def test_a_model_that_is_gone_gets_no_hit(api):
    await ask(api)
    await Endpoint.objects.filter(model_id="acme/one").adelete()
    await sync_to_async(catalog.touch)()
    catalog.clear()
    catalogue_cache.clear()
    assert (await ask(api)).status_code in {400, 404}


async def test_privacy_settings_come_before_a_hit(api):
    await ask(api)
    await Provider.objects.aupdate(trains=True)
    await sync_to_async(catalog.touch)()
    catalog.clear()
    catalogue_cache.clear()
    assert (await ask(api)).status_code == 404


async def test_an_account_with_zero_data_retention_has_no_cache(api, organisation):
    body = {"provider": {"sort": "price", "zdr": True}}
    assert status(await ask(api, **body)) == "MISS"
    assert status(await ask(api, **body)) == "HIT"
    await PrivacySettings.objects.aupdate_or_create(organisation=organisation, defaults={"zero_data_retention": True})
    callers.clear()
    response = await ask(api, **body)
    assert response.status_code == 200
    assert "x-openrouter-cache-status" not in response.headers
    assert len(await api.received()) == 2


async def test_another_key_of_the_account_has_its_own_cache(api, organisation, alice):
    await ask(api)
    _, api.secret = await sync_to_async(issuing.create)(organisation, alice, "other")
    assert status(await ask(api)) == "MISS"


async def test_a_hit_of_a_free_model_counts_towards_its_limit(api):
    answers = [await ask(api, model="acme/one:free") for _ in range(2)]
    assert [status(answer) for answer in answers] == ["MISS", "HIT"]
    day = utc_now().strftime("%Y%m%d")
    assert await sync_to_async(cache.get)(f"free:{api.account_id}:{day}") == 2


@STREAM
async def test_no_text_is_readable_in_the_store(api, stream):
    await ask(api, stream=stream)
    responses = store()
    if isinstance(responses, MemoryStore):
        stored = {name: content for name, (_, content) in responses._entries.items()}
    else:
        assert isinstance(responses, RedisStore)
        with redis.Redis.from_url(site_settings.REDIS_URL) as client:
            names = list(client.scan_iter(RedisStore.PREFIX + "*"))
            stored = {repr(name): client.dump(name) for name in names}
    assert stored
    for name, content in stored.items():
        for text in (SAID, "Say exactly", "acme", "cheap", api.secret, api.secret[9:], "finish"):
            assert text.encode() not in content and text not in name
