"""`:online` and the `web` plugin through the whole gateway: the prompt, the citations and the cost."""

import pytest
from asgiref.sync import sync_to_async

from activity.requests.explanation import explain
from api.account.generation import generation_json
from tests.gateway.protocols.test_chat_completions import events_of
from tests.gateway.searching import FEE, QUESTION, assert_explained, model_requests, online, searches, tokens_cost

pytestmark = pytest.mark.usefixtures("search_in_the_sandbox")


async def test_an_online_model_gets_the_results_and_its_response_cites_them(api):
    body = (await online(api)).json()
    citations = [note["url_citation"] for note in body["choices"][0]["message"]["annotations"]]
    assert {note["type"] for note in body["choices"][0]["message"]["annotations"]} == {"url_citation"}
    assert len(citations) == 5
    assert all("tides of Europa" in citation["title"] and citation["content"] for citation in citations)
    (search,) = await searches(api)
    assert search["body"]["query"] == QUESTION
    (received,) = await model_requests(api)
    results, question = received["body"]["messages"]
    assert question == {"role": "user", "content": QUESTION}
    assert results["role"] == "system"
    assert results["content"].startswith("A web search was conducted on 20")
    for citation in citations:
        assert citation["url"] in results["content"]
        assert citation["content"] in results["content"]
    assert body["model"] == "acme/one"
    assert received["body"].keys() == {"model", "messages", "stream", "stream_options"}


async def test_a_search_costs_its_fee_once_in_addition_to_the_tokens(api):
    body = (await online(api)).json()
    row = await api.generation(body["id"])
    assert row.cost == tokens_cost(row) + FEE
    assert round(body["usage"]["cost"] * 10**12) == row.cost
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert (row.web_search_engine, row.web_search_results) == ("sandbox", 5)
    assert_explained(row)
    described = await sync_to_async(generation_json)(row)
    assert (described["web_search_engine"], described["num_search_results"]) == ("sandbox", 5)
    assert [(line.name, line.count) for line in explain(row).lines][-1] == ("Web search, with up to 10 results", 1)
    await api.assert_books_balance()


async def test_a_stream_has_its_citations_before_it_finishes(api):
    chunks = events_of((await online(api, stream=True)).text)
    deltas = [chunk["choices"][0] for chunk in chunks[:-1]]
    with_citations = [index for index, choice in enumerate(deltas) if "annotations" in choice["delta"]]
    finish = next(index for index, choice in enumerate(deltas) if choice["finish_reason"])
    assert with_citations == [finish - 1]
    assert len(deltas[finish - 1]["delta"]["annotations"]) == 5
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["server_tool_use"] == {"web_search_requests": 1}
    row = await api.generation()
    assert round(chunks[-1]["usage"]["cost"] * 10**12) == row.cost == tokens_cost(row) + FEE
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_citation_spans_the_link_in_the_text(api, stream):
    answer = await online(api, stream=stream)
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in events_of(answer.text)[:-1]]
        text = "".join(delta["content"] for delta in deltas)
        notes = next(delta["annotations"] for delta in deltas if "annotations" in delta)
    else:
        message = answer.json()["choices"][0]["message"]
        text, notes = message["content"], message["annotations"]
    linked, unlinked = notes[:3], notes[3:]
    for note in linked:  # the sandbox links to the first three results
        citation = note["url_citation"]
        link = text[citation["start_index"] : citation["end_index"]]
        assert link == f"[{citation['url'].split('/')[2]}]({citation['url']})"
    for note in unlinked:
        assert note["url_citation"]["start_index"] == note["url_citation"]["end_index"] == len(text)


async def test_the_plugin_with_defaults_is_the_same_as_online(api):
    first = await online(api, seed=1)
    second = await api.chat(QUESTION, seed=1, plugins=[{"id": "web"}])
    by_suffix, by_plugin = [search["body"] for search in await searches(api)]
    assert by_suffix == by_plugin
    assert (await model_requests(api))[0]["body"] == (await model_requests(api))[1]["body"]
    assert first.json()["choices"] == second.json()["choices"]


async def test_a_request_without_online_or_plugin_makes_no_search(api):
    body = (await api.chat(QUESTION)).json()
    assert await searches(api) == []
    assert "annotations" not in body["choices"][0]["message"]
    assert "server_tool_use" not in body["usage"]
    assert (await api.generation()).web_search_engine == ""


async def test_a_disabled_plugin_overrides_online(api):
    answer = await online(api, plugins=[{"id": "web", "enabled": False}])
    assert answer.status_code == 200
    assert await searches(api) == []
    row = await api.generation()
    assert row.cost == tokens_cost(row)


async def test_online_on_a_fallback_model_applies_to_the_whole_request(api):
    answer = await api.chat(QUESTION, models=["acme/one:online"])
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 5


async def test_online_on_the_accounts_default_model_applies(api, organisation):
    organisation.default_model = "acme/one:online"
    await organisation.asave()
    answer = await api.post(json={"messages": [{"role": "user", "content": QUESTION}]})
    assert len(answer.json()["choices"][0]["message"]["annotations"]) == 5


async def test_a_text_completion_can_search_too(api):
    answer = await api.post("/completions", json={"model": "acme/one:online", "prompt": QUESTION})
    assert answer.json()["choices"][0]["text"]
    assert answer.json()["usage"]["server_tool_use"] == {"web_search_requests": 1}


async def test_the_last_user_message_is_the_query_and_follows_the_results(api):
    conversation = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Tell me about tea"},
        {"role": "assistant", "content": "Tea is a drink."},
        {"role": "user", "content": [{"type": "text", "text": "And  about\ncoffee?"}]},
    ]
    await api.post(json={"model": "acme/one:online", "messages": conversation})
    assert [search["body"]["query"] for search in await searches(api)] == ["And about coffee?"]
    (received,) = await model_requests(api)
    assert [message["role"] for message in received["body"]["messages"]] == [
        "system", "user", "assistant", "system", "user",
    ]  # fmt: skip
    assert received["body"]["messages"][-1] == conversation[-1]


async def test_a_message_without_text_makes_no_search(api):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    answer = await api.post(
        json={"model": "acme/one:online", "messages": [{"role": "user", "content": [picture]}]},
    )
    assert answer.status_code == 200
    assert await searches(api) == []
    assert "server_tool_use" not in answer.json()["usage"]


async def test_routing_metadata_includes_the_search(api):
    body = {"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}]}
    answer = await api.post(json=body, headers={"X-OpenRouter-Metadata": "enabled"})
    (step,) = answer.json()["openrouter_metadata"]["pipeline"]
    assert step == {"type": "plugin", "name": "web", "summary": "5 results from sandbox", "cost_usd": 0.007}
