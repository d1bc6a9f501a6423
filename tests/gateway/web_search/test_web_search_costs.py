"""The cost of a web search when credits are short, a response fails or the search itself fails."""

import asyncio
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async

from activity.requests.explanation import explain
from gateway.models import Generation
from gateway.routing import health
from tests.gateway.logged import turn_on
from tests.gateway.protocols.test_chat_completions import events_of
from tests.gateway.searching import (
    FEE,
    QUESTION,
    assert_explained,
    model_requests,
    online,
    plugin,
    searches,
    set_balance,
    tokens_cost,
)

pytestmark = pytest.mark.usefixtures("search_in_the_sandbox")


async def test_a_search_for_a_free_model_is_not_free(api):
    body = (await online(api, model="acme/one:free:online")).json()
    assert body["model"] == "acme/one:free"
    assert round(body["usage"]["cost"] * 10**12) == FEE
    row = await api.generation()
    assert row.cost == FEE
    assert_explained(row)
    assert [line.unit for line in explain(row).lines] == ["tokens", "tokens", "search"]
    await api.assert_books_balance()


@pytest.mark.parametrize("dollars", ["0", "0.006999999999"])
async def test_a_search_that_the_balance_does_not_cover_is_not_made(api, dollars):
    await set_balance(api, dollars)
    answer = await online(api, model="acme/one:free:online")
    assert answer.status_code == 402
    assert "/settings/credits" in answer.json()["error"]["message"]
    assert await api.received() == []
    assert not await Generation.objects.aexists()


async def test_a_search_may_use_up_the_balance(api):
    await set_balance(api, "0.007")
    answer = await online(api, model="acme/one:free:online")
    assert answer.status_code == 200
    (received,) = await model_requests(api)
    assert "max_tokens" not in received["body"]  # the response itself is free, so nothing limits it
    account = await api.account()
    assert (account.usage, account.balance) == (FEE, 0)
    assert (await api.generation()).write_off == 0


async def test_simultaneous_searches_never_overdraw(api):
    await set_balance(api, "0.022")
    answers = await asyncio.gather(*(online(api, model="acme/one:free:online") for _ in range(15)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [402] * 12
    account = await api.account()
    assert (account.usage, account.held) == (3 * FEE, 0)
    assert len(await searches(api)) == 3


async def test_the_hold_covers_the_search_and_its_results_in_the_prompt(api):
    await online(api, "x " * 50, max_tokens=10)
    row = await api.generation()
    assert row.hold > row.cost
    assert row.write_off == 0


async def test_an_interrupted_response_is_free_and_its_search_is_charged(api):
    answer = await api.chat(QUESTION, model="acme/one:online", fault="cheap=cut:5", stream=True)
    chunks = events_of(answer.text)
    assert len([chunk for chunk in chunks if "error" in chunk]) == 1
    assert any("annotations" in chunk["choices"][0]["delta"] for chunk in chunks[:-1])
    row = await api.generation()
    assert row.finish_reason == "error"
    assert row.cost == FEE == round(chunks[-1]["usage"]["cost"] * 10**12)
    assert explain(row).waived == tokens_cost(row) > 0
    assert_explained(row)
    await api.assert_books_balance()


async def test_an_empty_response_is_free_and_its_search_is_charged(api):
    await api.chat(QUESTION, model="acme/one:online", fault="cheap=empty")
    row = await api.generation()
    assert row.cost == FEE
    assert_explained(row)


async def test_when_all_providers_fail_only_the_search_is_charged(api):
    answer = await api.chat(QUESTION, model="acme/one:online", fault="cheap=500; dear=500")
    assert answer.status_code == 502
    row = await api.generation()
    assert (row.model, row.error_status, row.cost) == ("", 502, FEE)
    assert_explained(row)
    await api.assert_books_balance()


async def test_a_fallback_after_the_search_makes_no_second_search(api):
    body = (await api.chat(QUESTION, model="acme/one:online", fault="cheap=503")).json()
    assert body["provider"] == "Dear"
    assert len(await searches(api)) == 1
    cheap, dear = await model_requests(api)
    assert cheap["body"]["messages"] == dear["body"]["messages"]
    row = await api.generation()
    assert row.cost == tokens_cost(row, "0.000002", "0.000004") + FEE
    await api.assert_books_balance()


async def test_the_discount_applies_to_the_search(api, organisation):
    await sync_to_async(turn_on)(organisation)
    await online(api)
    row = await api.generation()
    assert row.cost == round((tokens_cost(row) + FEE) * 99 / 100)
    assert_explained(row)


async def test_the_duration_of_a_search_is_not_part_of_the_endpoints_latency(api):
    await plugin(api, fault="exa=slow-headers:1")
    assert (await api.generation()).latency_ms >= 1000
    await sync_to_async(health.tracker.sync)("process", datetime.now(UTC))
    latency = health.tracker.snapshot().of(health.EndpointKey("acme/one", "cheap")).latency
    assert 0 < latency["p50"] < 900


@pytest.mark.parametrize("fault", ["503", "401", "402", "429:5", "reset", "malformed", "hang"])
async def test_a_failed_search_is_an_error_and_free(api, settings, fault):
    settings.WEB_SEARCH_SECONDS = 1
    answer = await plugin(api, fault=f"exa={fault}")
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert "The web search engine (Exa, simulated) did not respond" in error["message"]
    assert error["metadata"]["error_type"] == "provider_unavailable"
    assert await model_requests(api) == []
    row = await api.generation()
    assert (row.state, row.error_status, row.cost) == (Generation.State.SETTLED, 502, 0)
    assert row.web_search_engine == ""
    await api.assert_books_balance()


async def test_an_unreachable_search_engine_is_a_502(api, settings):
    settings.WEB_SEARCH_ENGINE = "exa"
    settings.EXA_API_KEY = "key"
    settings.EXA_BASE_URL = "http://127.0.0.1:9"
    answer = await plugin(api)
    assert answer.status_code == 502
    assert (await api.account()).usage == 0


async def test_options_that_the_engine_rejects_are_the_callers_error(api):
    answer = await plugin(api, fault="exa=422")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Exa, simulated refused the web search: ")
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


@pytest.mark.parametrize(("engine", "key"), [("off", ""), ("exa", ""), ("sandbox", "")])
async def test_without_a_search_engine_the_error_names_the_remedy(api, settings, engine, key):
    from gateway.routing import upstreams

    settings.WEB_SEARCH_ENGINE, settings.EXA_API_KEY = engine, key
    if engine == "sandbox":
        settings.SANDBOX_PROVIDERS_URL = ""
        upstreams.clear()
    answer = await online(api)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["message"] == "Web search is not enabled on this site. Remove `:online` and the `web` plugin."
    assert not await Generation.objects.aexists()
