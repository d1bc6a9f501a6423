"""Web search as a tool of a chat completion: made where the request clearly wants it, and never sent to a provider."""

import pytest

from common.errors import InvalidRequest
from gateway import completions
from gateway.web_search.options import options_of
from tests.gateway.native import WEATHER
from tests.gateway.searching import FEE, QUESTION, model_requests, searches, tokens_cost

SEARCH = {"type": "openrouter:web_search", "parameters": {"max_results": 2, "excluded_domains": ["example.net"]}}
NAMED = {"type": "openrouter:web_search"}


@pytest.mark.usefixtures("search_in_the_sandbox")
async def test_a_search_tool_alone_searches_and_is_billed(api):
    body = (await api.chat(QUESTION, tools=[SEARCH], tool_choice="required")).json()
    assert len(body["choices"][0]["message"]["annotations"]) == 2
    row = await api.generation(body["id"])
    assert row.cost == tokens_cost(row) + FEE
    (search,) = await searches(api)
    assert (search["body"]["numResults"], search["body"]["excludeDomains"]) == (2, ["example.net"])
    (received,) = await model_requests(api)
    assert not {"tools", "tool_choice", "plugins"} & received["body"].keys()
    await api.assert_books_balance()


@pytest.mark.usefixtures("search_in_the_sandbox")
@pytest.mark.parametrize(("choice", "searched"), [(None, 0), ("auto", 0), (NAMED, 1)])
async def test_beside_functions_it_searches_if_it_is_named(api, choice, searched):
    response = await api.chat(QUESTION, tools=[WEATHER, SEARCH], tool_choice=choice)
    assert response.status_code == 200 and len(await searches(api)) == searched
    (received,) = await model_requests(api)
    assert [tool["function"]["name"] for tool in received["body"]["tools"]] == ["get_weather"]
    assert received["body"].get("tool_choice") == (choice if choice == "auto" else None)


def wanted(**fields):
    request = completions.parse({"messages": [{"role": "user", "content": QUESTION}], **fields})
    return options_of(request, "acme/one")


def test_the_plugin_decides_before_the_tool():
    assert wanted(tools=[{"type": "web_search", "allowed_domains": ["a.example"], "engine": "auto"}]) == (
        wanted(plugins=[{"id": "web", "include_domains": ["a.example"]}])
    )
    assert wanted(tools=[SEARCH], tool_choice="none") is None
    assert wanted(tools=[SEARCH], plugins=[{"id": "web", "enabled": False}]) is None
    assert wanted(tools=[SEARCH], plugins=[{"id": "web", "max_results": 7}]).max_results == 7


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ({"type": "openrouter:datetime"}, r"\$.tools\[1\].type"),
        ({"type": "web_search_preview", "max_results": 0}, r"\$.tools\[1\].max_results"),
    ],
)
def test_a_tool_that_cannot_run_is_refused_with_its_place(tool, place):
    with pytest.raises(InvalidRequest, match=place):
        wanted(tools=[WEATHER, tool], tool_choice=tool)
