"""Options of the `web` plugin, canceled searches, and privacy."""

import json

import pytest
from asgiref.sync import sync_to_async

from gateway.models import Generation
from tests.gateway.factory import usd
from tests.gateway.searching import (
    FEE,
    QUESTION,
    assert_explained,
    cancel_when,
    model_requests,
    plugin,
    searches,
    tokens_cost,
    until,
)

pytestmark = pytest.mark.usefixtures("search_in_the_sandbox")


# --- Options --------------------------------------------------------------------------------------


async def test_max_results_limits_the_results(api):
    answer = await plugin(api, max_results=3)
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 3
    row = await api.generation()
    assert row.cost == tokens_cost(row) + FEE


async def test_each_result_beyond_ten_costs_extra(api):
    answer = await plugin(api, max_results=13)
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 13
    row = await api.generation()
    assert row.web_search_results == 13
    assert row.cost == tokens_cost(row) + FEE + 3 * usd("0.001")
    assert_explained(row)
    await api.assert_books_balance()


async def test_the_prices_are_settings(api, settings):
    from decimal import Decimal

    settings.WEB_SEARCH_REQUEST_PRICE = Decimal("0.0123456789")
    settings.WEB_SEARCH_RESULT_PRICE = Decimal("0")
    await plugin(api, max_results=20)
    row = await api.generation()
    assert row.cost == tokens_cost(row) + 12_345_678_900
    assert row.price["web_search_request"] == "0.0123456789"
    settings.WEB_SEARCH_REQUEST_PRICE = Decimal("5")
    assert_explained(await api.generation())  # with the prices at the time of the request


async def test_domains_are_included_and_excluded(api):
    answer = await plugin(
        api, max_results=10, include_domains=["*.example.com", "example.org/wiki"], exclude_domains=["news.example.com"]
    )
    hosts = {
        note["url_citation"]["url"].split("/")[2] for note in answer.json()["choices"][0]["message"]["annotations"]
    }
    assert hosts == {"www.example.com"}


async def test_search_prompt_replaces_the_default_instruction(api):
    await plugin(api, search_prompt="Consider these pages:")
    (received,) = await model_requests(api)
    instruction = received["body"]["messages"][0]["content"]
    assert instruction.startswith("Consider these pages:\n\n[1] ")
    assert "A web search was conducted" not in instruction


async def test_a_search_without_results_is_charged_and_reported_to_the_model(api):
    answer = await plugin(api, include_domains=["nowhere.invalid"])
    assert answer.status_code == 200
    assert "annotations" not in answer.json()["choices"][0]["message"]
    (received,) = await model_requests(api)
    assert "found nothing" in received["body"]["messages"][0]["content"]
    row = await api.generation()
    assert (row.web_search_engine, row.web_search_results) == ("sandbox", 0)
    assert row.cost == tokens_cost(row) + FEE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_results": 0}, "$.plugins[1].max_results"),
        ({"max_results": 26}, "$.plugins[1].max_results"),
        ({"max_results": "5"}, "$.plugins[1].max_results"),
        ({"search_prompt": 5}, "$.plugins[1].search_prompt"),
        ({"include_domains": "example.com"}, "$.plugins[1].include_domains"),
        ({"exclude_domains": [""]}, "$.plugins[1].exclude_domains[0]"),
        ({"engine": "parallel"}, "Exa, not with parallel"),
        ({"engine": "native"}, 'set it to "exa"'),
    ],
    ids=str,
)
async def test_invalid_options_are_refused_with_their_place(api, options, message):
    answer = await api.chat(plugins=[{"id": "response-healing"}, {"id": "web", **options}])
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
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
async def test_unknown_options_of_other_clients_are_ignored(api, options):
    assert len((await plugin(api, **options)).json()["choices"][0]["message"]["annotations"]) == 5


# --- Cancellation and privacy -------------------------------------------------------------------------


async def test_canceling_during_the_search_ends_it_and_is_free(api):
    row = await cancel_when(api, lambda: searches(api), **{"X-Sandbox-Fault": "exa=hang"})
    assert (row.cancelled, row.cost) == (True, 0)

    async def search_disconnected() -> bool:
        (search,) = await searches(api)
        return search["disconnected"]

    await until(search_disconnected)
    assert await model_requests(api) == []
    await api.assert_books_balance()


async def test_canceling_after_the_search_costs_the_search(api):
    row = await cancel_when(api, lambda: model_requests(api), **{"X-Sandbox-Fault": "cheap=hang; dear=hang"})
    assert (row.cancelled, row.cost) == (True, FEE)
    assert_explained(row)
    await api.assert_books_balance()


@pytest.mark.parametrize("fault", ["", "exa=503", "exa=400", "exa=malformed", "cheap=cut:3"])
async def test_neither_the_question_nor_the_results_are_stored(api, caplog, capfd, fault):
    from django.core.cache import cache
    from django.db import connection

    marker = "heliotrope-marmalade-7319"
    caplog.set_level("DEBUG")
    await plugin(api, f"What is {marker}?", fault=fault, search_prompt=f"Beware of {marker}.")
    assert marker in json.dumps(await searches(api))

    @sync_to_async
    def stored_data() -> str:
        with connection.cursor() as cursor:
            stored = []
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                stored.append(str(cursor.fetchall()))
        return "".join(stored) + str(getattr(cache, "_cache", {}))

    stored = await stored_data() + caplog.text + "".join(capfd.readouterr())
    assert marker not in stored
    assert "example.com" not in stored.replace("alice@example.com", "")


async def test_the_search_engine_gets_the_query_and_nothing_about_the_caller(api):
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
