"""Options of the `web` plugin: how many results, of which sites, with which prompt; leaving, and what is kept."""

import json

import pytest
from asgiref.sync import sync_to_async

from gateway.models import Generation
from tests.gateway.factory import usd
from tests.gateway.searching import (
    FEE,
    QUESTION,
    asked,
    assert_explained,
    leave_when,
    plugin,
    searches,
    tokens_cost,
    until,
)

pytestmark = pytest.mark.usefixtures("search_in_the_sandbox")


# --- Options --------------------------------------------------------------------------------------


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
        ({"engine": "native"}, 'set it to "exa"'),
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


# --- Leaving, and what is kept --------------------------------------------------------------------


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
