"""`:online` and the `web` plugin, through the whole gateway: what the model is told, what the caller gets and pays."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async

from activity.api import generation_json
from activity.explanation import explain
from billing.models import CreditAccount
from gateway import completions, health
from gateway.models import Generation
from tests.gateway.factory import usd
from tests.gateway.test_chat_completions import events_of
from tests.gateway.test_leaving import caller

QUESTION = "Who discovered the tides of Europa?"
FEE = usd("0.007")


@pytest.fixture(autouse=True)
def _search_in_the_sandbox(settings):
    settings.WEB_SEARCH_ENGINE = "sandbox"


async def online(api, prompt=QUESTION, model="acme/one:online", **body):
    return await api.chat(prompt, model=model, **body)


async def plugin(api, prompt=QUESTION, fault="", **options):
    return await api.chat(prompt, fault=fault, tokens=5, plugins=[{"id": "web", **options}])


async def searches(api) -> list[dict]:
    return [one for one in await api.received() if one["provider"] == "exa"]


async def asked(api) -> list[dict]:
    """What the models' providers received."""
    return [one for one in await api.received() if one["provider"] != "exa"]


async def set_balance(api, dollars: str) -> None:
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=usd(dollars))


def tokens_cost(row: Generation, prompt="0.000001", completion="0.000002") -> int:
    return row.prompt_tokens * usd(prompt) + row.completion_tokens * usd(completion)


def assert_explained(row: Generation) -> None:
    """The page that says why it cost that says it to the pico."""
    why = explain(row)
    assert sum(line.amount for line in why.lines) * 10**12 == why.listed
    assert why.listed - why.discount - why.waived - why.written_off == why.charged == row.cost
    assert why.other == 0


# --- What the model is told and the caller gets ---------------------------------------------------------


async def test_an_online_model_is_told_what_the_web_says_and_its_answer_names_the_sources(api):
    body = (await online(api)).json()
    citations = [note["url_citation"] for note in body["choices"][0]["message"]["annotations"]]
    assert {note["type"] for note in body["choices"][0]["message"]["annotations"]} == {"url_citation"}
    assert len(citations) == 5
    assert all("tides of Europa" in citation["title"] and citation["content"] for citation in citations)
    (search,) = await searches(api)
    assert search["body"]["query"] == QUESTION
    (received,) = await asked(api)
    told, question = received["body"]["messages"]
    assert question == {"role": "user", "content": QUESTION}
    assert told["role"] == "system"
    assert told["content"].startswith("A web search was conducted on 20")
    for citation in citations:
        assert citation["url"] in told["content"]
        assert citation["content"] in told["content"]
    assert body["model"] == "acme/one"
    assert received["body"].keys() == {"model", "messages"}


async def test_a_search_costs_its_fee_once_beside_the_tokens(api):
    body = (await online(api)).json()
    row = await api.generation(body["id"])
    assert row.cost == tokens_cost(row) + FEE
    assert round(body["usage"]["cost"] * 10**12) == row.cost
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert (row.web_search_engine, row.web_search_results) == ("sandbox", 5)
    assert_explained(row)
    described = await sync_to_async(generation_json)(row)
    assert (described["web_search_engine"], described["num_search_results"]) == ("sandbox", 5)
    assert [(line.name, line.count) for line in explain(row).lines][-1] == ("Web search, with its first 10 results", 1)
    await api.assert_books_balance()


async def test_a_streamed_answer_has_its_sources_before_it_finishes(api):
    chunks = events_of((await online(api, stream=True)).text)
    deltas = [chunk["choices"][0] for chunk in chunks[:-1]]
    with_sources = [index for index, choice in enumerate(deltas) if "annotations" in choice["delta"]]
    finish = next(index for index, choice in enumerate(deltas) if choice["finish_reason"])
    assert with_sources == [finish - 1]
    assert len(deltas[finish - 1]["delta"]["annotations"]) == 5
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["server_tool_use"] == {"web_search_requests": 1}
    row = await api.generation()
    assert round(chunks[-1]["usage"]["cost"] * 10**12) == row.cost == tokens_cost(row) + FEE
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_citation_says_where_the_answer_links_to_its_source(api, stream):
    answer = await online(api, stream=stream)
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in events_of(answer.text)[:-1]]
        text = "".join(delta["content"] for delta in deltas)
        notes = next(delta["annotations"] for delta in deltas if "annotations" in delta)
    else:
        message = answer.json()["choices"][0]["message"]
        text, notes = message["content"], message["annotations"]
    linked, unlinked = notes[:3], notes[3:]
    for note in linked:  # the sandbox links to the first three
        citation = note["url_citation"]
        words = text[citation["start_index"] : citation["end_index"]]
        assert words == f"[{citation['url'].split('/')[2]}]({citation['url']})"
    for note in unlinked:
        assert note["url_citation"]["start_index"] == note["url_citation"]["end_index"] == len(text)


async def test_the_plugin_with_defaults_is_the_same_as_online(api):
    first = await online(api, seed=1)
    second = await api.chat(QUESTION, seed=1, plugins=[{"id": "web"}])
    by_suffix, by_plugin = [search["body"] for search in await searches(api)]
    assert by_suffix == by_plugin
    assert (await asked(api))[0]["body"] == (await asked(api))[1]["body"]
    assert first.json()["choices"] == second.json()["choices"]


async def test_without_being_asked_nobody_searches(api):
    body = (await api.chat(QUESTION)).json()
    assert await searches(api) == []
    assert "annotations" not in body["choices"][0]["message"]
    assert "server_tool_use" not in body["usage"]
    assert (await api.generation()).web_search_engine == ""


async def test_a_plugin_that_is_switched_off_wins_over_online(api):
    answer = await online(api, plugins=[{"id": "web", "enabled": False}])
    assert answer.status_code == 200
    assert await searches(api) == []
    row = await api.generation()
    assert row.cost == tokens_cost(row)


async def test_online_on_a_fallback_counts_for_the_whole_request(api):
    answer = await api.chat(QUESTION, models=["acme/one:online"])
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 5


async def test_online_on_the_accounts_default_model_counts(api, organisation):
    organisation.default_model = "acme/one:online"
    await organisation.asave()
    answer = await api.post(json={"messages": [{"role": "user", "content": QUESTION}]})
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 5


async def test_a_plain_prompt_can_be_searched_for_as_well(api):
    answer = await api.post("/completions", json={"model": "acme/one:online", "prompt": QUESTION})
    assert answer.json()["choices"][0]["text"]
    assert answer.json()["usage"]["server_tool_use"] == {"web_search_requests": 1}


async def test_the_last_question_is_searched_for_and_the_results_stand_before_it(api):
    conversation = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Tell me about tea"},
        {"role": "assistant", "content": "Tea is a drink."},
        {"role": "user", "content": [{"type": "text", "text": "And  about\ncoffee?"}]},
    ]
    await api.post(json={"model": "acme/one:online", "messages": conversation})
    assert [search["body"]["query"] for search in await searches(api)] == ["And about coffee?"]
    (received,) = await asked(api)
    assert [message["role"] for message in received["body"]["messages"]] == [
        "system", "user", "assistant", "system", "user",
    ]  # fmt: skip
    assert received["body"]["messages"][-1] == conversation[-1]


async def test_a_question_without_words_is_answered_without_a_search(api):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    answer = await api.post(
        json={"model": "acme/one:online", "messages": [{"role": "user", "content": [picture]}]},
    )
    assert answer.status_code == 200
    assert await searches(api) == []
    assert "server_tool_use" not in answer.json()["usage"]


async def test_the_router_tells_of_the_search_when_asked(api):
    body = {"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}]}
    answer = await api.post(json=body, headers={"X-OpenRouter-Metadata": "enabled"})
    (step,) = answer.json()["openrouter_metadata"]["pipeline"]
    assert step == {"type": "plugin", "name": "web", "summary": "5 results from sandbox", "cost_usd": 0.007}


# --- Options --------------------------------------------------------------------------------------------


async def test_as_many_results_are_found_as_asked_for(api):
    answer = await plugin(api, max_results=3)
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 3
    row = await api.generation()
    assert row.cost == tokens_cost(row) + FEE


async def test_results_beyond_ten_cost_extra_each(api):
    answer = await plugin(api, max_results=13)
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 13
    row = await api.generation()
    assert row.web_search_results == 13
    assert row.cost == tokens_cost(row) + FEE + 3 * usd("0.001")
    assert_explained(row)
    await api.assert_books_balance()


async def test_the_prices_are_the_sites(api, settings):
    from decimal import Decimal

    settings.WEB_SEARCH_REQUEST_PRICE = Decimal("0.0123456789")
    settings.WEB_SEARCH_RESULT_PRICE = Decimal("0")
    await plugin(api, max_results=20)
    row = await api.generation()
    assert row.cost == tokens_cost(row) + 12_345_678_900
    assert row.price["web_search_request"] == "0.0123456789"
    settings.WEB_SEARCH_REQUEST_PRICE = Decimal("5")
    assert_explained(await api.generation())  # at the price of its time


async def test_domains_are_let_in_and_kept_out(api):
    answer = await plugin(
        api, max_results=10, include_domains=["*.example.com", "example.org/wiki"], exclude_domains=["news.example.com"]
    )
    hosts = {
        note["url_citation"]["url"].split("/")[2] for note in answer.json()["choices"][0]["message"]["annotations"]
    }
    assert hosts == {"www.example.com"}


async def test_a_prompt_of_ones_own_replaces_the_usual(api):
    await plugin(api, search_prompt="Consider these pages:")
    (received,) = await asked(api)
    told = received["body"]["messages"][0]["content"]
    assert told.startswith("Consider these pages:\n\n[1] ")
    assert "A web search was conducted" not in told


async def test_a_search_that_finds_nothing_is_told_and_paid(api):
    answer = await plugin(api, include_domains=["nowhere.invalid"])
    assert answer.status_code == 200
    assert "annotations" not in answer.json()["choices"][0]["message"]
    (received,) = await asked(api)
    assert "found nothing" in received["body"]["messages"][0]["content"]
    row = await api.generation()
    assert (row.web_search_engine, row.web_search_results) == ("sandbox", 0)
    assert row.cost == tokens_cost(row) + FEE


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_results": 0}, "$.plugins[1].max_results"),
        ({"max_results": 26}, "$.plugins[1].max_results"),
        ({"max_results": "5"}, "$.plugins[1].max_results"),
        ({"search_prompt": 5}, "$.plugins[1].search_prompt"),
        ({"include_domains": "example.com"}, "$.plugins[1].include_domains"),
        ({"exclude_domains": [""]}, "$.plugins[1].exclude_domains[0]"),
        ({"engine": "parallel"}, "Exa, not with parallel"),
        ({"engine": "native"}, 'send "exa"'),
    ],
    ids=str,
)
async def test_options_that_make_no_sense_are_refused_with_their_place(api, options, says):
    answer = await api.chat(plugins=[{"id": "response-healing"}, {"id": "web", **options}])
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert not await Generation.objects.aexists()


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "exa"},
        {"engine": None, "max_results": None, "user_location": {}},
        {"engine": "auto", "mode": "fast"},
    ],
    ids=str,
)
async def test_options_that_other_clients_send_do_no_harm(api, options):
    assert len((await plugin(api, **options)).json()["choices"][0]["message"]["annotations"]) == 5


# --- What it costs when something is missing or fails -------------------------------------------------------


async def test_a_free_model_is_free_and_its_search_is_not(api):
    body = (await online(api, model="acme/one:free:online")).json()
    assert body["model"] == "acme/one:free"
    assert round(body["usage"]["cost"] * 10**12) == FEE
    row = await api.generation()
    assert row.cost == FEE
    assert_explained(row)
    assert [line.unit for line in explain(row).lines] == ["tokens", "tokens", "search"]
    await api.assert_books_balance()


@pytest.mark.parametrize("dollars", ["0", "0.006999999999"])
async def test_a_search_that_the_balance_cannot_pay_is_not_made(api, dollars):
    await set_balance(api, dollars)
    answer = await online(api, model="acme/one:free:online")
    assert answer.status_code == 402
    assert "/settings/credits" in answer.json()["error"]["message"]
    assert await api.received() == []
    assert not await Generation.objects.aexists()


async def test_the_last_cent_may_go_on_a_search(api):
    await set_balance(api, "0.007")
    answer = await online(api, model="acme/one:free:online")
    assert answer.status_code == 200
    (received,) = await asked(api)
    assert "max_tokens" not in received["body"]  # the answer itself is free: nothing shortens it
    account = await api.account()
    assert (account.usage, account.balance) == (FEE, 0)
    assert (await api.generation()).write_off == 0


async def test_many_searches_at_once_never_overdraw(api):
    await set_balance(api, "0.022")
    answers = await asyncio.gather(*(online(api, model="acme/one:free:online") for _ in range(15)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [402] * 12
    account = await api.account()
    assert (account.usage, account.held) == (3 * FEE, 0)
    assert len(await searches(api)) == 3


async def test_the_hold_covers_the_search_and_the_prompt_it_makes_longer(api):
    await online(api, "x " * 50, max_tokens=10)
    row = await api.generation()
    assert row.hold > row.cost
    assert row.write_off == 0


async def test_a_broken_answer_is_free_and_its_search_is_paid(api):
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


async def test_an_empty_answer_is_free_and_its_search_is_paid(api):
    await api.chat(QUESTION, model="acme/one:online", fault="cheap=empty")
    row = await api.generation()
    assert row.cost == FEE
    assert_explained(row)


async def test_when_nobody_answers_only_the_search_is_paid(api):
    answer = await api.chat(QUESTION, model="acme/one:online", fault="cheap=500; dear=500")
    assert answer.status_code == 502
    row = await api.generation()
    assert (row.model, row.error_status, row.cost) == ("", 502, FEE)
    assert_explained(row)
    await api.assert_books_balance()


async def test_a_provider_that_fails_after_the_search_costs_no_second_one(api):
    body = (await api.chat(QUESTION, model="acme/one:online", fault="cheap=503")).json()
    assert body["provider"] == "Dear"
    assert len(await searches(api)) == 1
    cheap, dear = await asked(api)
    assert cheap["body"]["messages"] == dear["body"]["messages"]
    row = await api.generation()
    assert row.cost == tokens_cost(row, "0.000002", "0.000004") + FEE
    await api.assert_books_balance()


async def test_the_discount_is_taken_off_the_search_as_well(api, organisation):
    from accounts.access import privacy_of

    privacy = await sync_to_async(privacy_of)(organisation)
    privacy.log_for_discount = True
    await privacy.asave()
    await online(api)
    row = await api.generation()
    assert row.cost == round((tokens_cost(row) + FEE) * 99 / 100)
    assert_explained(row)


async def test_a_slow_search_does_not_make_the_endpoint_look_slow(api):
    await plugin(api, fault="exa=slow-headers:1")
    assert (await api.generation()).latency_ms >= 1000
    ((key, minute),) = health.book._minutes.items()
    assert "cheap" in str(key)
    assert health.percentiles(minute.latency)["p50"] < 900


@pytest.mark.parametrize("fault", ["503", "401", "402", "429:5", "reset", "malformed", "hang"])
async def test_a_failing_search_is_an_error_that_names_it_and_costs_nothing(api, settings, fault):
    settings.WEB_SEARCH_SECONDS = 1
    answer = await plugin(api, fault=f"exa={fault}")
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert "The web search engine (Exa, simulated) did not answer" in error["message"]
    assert error["metadata"]["error_type"] == "provider_unavailable"
    assert await asked(api) == []
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


async def test_what_the_search_engine_refuses_is_the_callers_to_mend(api):
    answer = await plugin(api, fault="exa=422")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Exa, simulated refused the web search: ")
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


@pytest.mark.parametrize(("engine", "key"), [("off", ""), ("exa", ""), ("sandbox", "")])
async def test_where_nobody_searches_the_error_names_the_remedy(api, settings, engine, key):
    from gateway import upstreams

    settings.WEB_SEARCH_ENGINE, settings.EXA_API_KEY = engine, key
    if engine == "sandbox":
        settings.SANDBOX_PROVIDERS_URL = ""
        upstreams._sandbox.cache_clear()
    answer = await online(api)
    assert answer.status_code == 404
    assert "EXA_API_KEY" in answer.json()["error"]["message"]
    assert ":online" in answer.json()["error"]["message"]
    assert not await Generation.objects.aexists()


# --- Leaving, and what is kept ----------------------------------------------------------------------------


def request():
    return completions.parse({"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}]})


async def until(happened) -> None:
    for _ in range(500):
        if await happened():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def leave_when(api, happened, **headers) -> Generation:
    """A request whose caller leaves as soon as `happened` says so; how it was settled."""
    who = await caller(api, **headers)
    task = asyncio.create_task(anext(completions.stream(who, request())))
    await until(happened)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return await api.generation()


async def test_leaving_during_the_search_ends_it_and_costs_nothing(api):
    row = await leave_when(api, lambda: searches(api), **{"X-Sandbox-Fault": "exa=hang"})
    assert (row.cancelled, row.cost) == (True, 0)

    async def sandbox_noticed() -> bool:
        (search,) = await searches(api)
        return search["disconnected"]

    await until(sandbox_noticed)
    assert await asked(api) == []
    await api.assert_books_balance()


async def test_leaving_after_the_search_costs_the_search(api):
    row = await leave_when(api, lambda: asked(api), **{"X-Sandbox-Fault": "cheap=hang; dear=hang"})
    assert (row.cancelled, row.cost) == (True, FEE)
    assert_explained(row)
    await api.assert_books_balance()


@pytest.mark.parametrize("fault", ["", "exa=503", "exa=400", "exa=malformed", "cheap=cut:3"])
async def test_neither_question_nor_results_are_kept(api, caplog, capfd, fault):
    from django.core.cache import cache
    from django.db import connection

    marker = "heliotrope-marmalade-7319"
    caplog.set_level("DEBUG")
    await plugin(api, f"What is {marker}?", fault=fault, search_prompt=f"Beware of {marker}.")
    assert marker in json.dumps(await searches(api))

    @sync_to_async
    def everything_stored() -> str:
        with connection.cursor() as cursor:
            stored = []
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                stored.append(str(cursor.fetchall()))
        return "".join(stored) + str(getattr(cache, "_cache", {}))

    kept = await everything_stored() + caplog.text + "".join(capfd.readouterr())
    assert marker not in kept
    assert "example.com" not in kept.replace("alice@example.com", "")


async def test_the_search_engine_learns_the_question_and_nothing_of_the_caller(api):
    await api.post(
        json={"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}], "user": "u-1"},
        headers={"HTTP-Referer": "https://app.example/", "X-Title": "App"},
    )
    (search,) = await searches(api)
    assert set(search["body"]) == {"query", "type", "numResults", "contents"}
    everything = json.dumps(search)
    assert api.secret not in everything
    for name in ("u-1", "app.example", "alice", "gen-"):
        assert name not in everything
