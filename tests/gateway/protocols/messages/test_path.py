"""Anthropic's Messages protocol for callers: the same plan, hold and bill, in other words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.gateway.native import ANTHROPIC, PDF, connect
from tests.wire import check

from .bodies import BODY
from .examples import PATH, TOOL, body, events_in, message_of


async def test_a_whole_message_is_answered_and_charged(api):
    response = await api.post(PATH, json=body())
    assert response.status_code == 200
    message = response.json()
    assert (message["type"], message["role"], message["model"]) == ("message", "assistant", "acme/one")
    assert [block["type"] for block in message["content"]] == ["text"] and message["content"][0]["text"]
    assert (message["stop_reason"], message["stop_sequence"], message["stop_details"]) == ("end_turn", None, None)
    row = await api.generation(message["id"])
    usage = message["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (row.prompt_tokens, row.completion_tokens)
    assert Decimal(str(usage["cost"])) * 10**12 == row.cost > 0
    check("POST /messages", 200, message)
    await api.assert_books_balance()


async def test_a_stream_has_the_documented_events_and_means_the_same(api):
    whole = (await api.post(PATH, json=body())).json()
    response = await api.post(PATH, json=body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_in(response.text)
    names = list(dict.fromkeys(event["type"] for event in events))
    assert names == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip
    assert events[0]["message"]["content"] == [] and events[0]["message"]["id"] == response.headers["x-generation-id"]
    assert message_of(events) == whole["content"]
    ending = events[-2]
    assert ending["delta"]["stop_reason"] == "end_turn"
    assert ending["usage"] == whole["usage"]
    for event in events:
        check("POST /messages", "stream", event)
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_call_is_a_block_with_its_input(api, stream):
    response = await api.post(PATH, json=body(tools=[TOOL], tool_choice={"type": "any"}, stream=stream))
    if stream:
        events = events_in(response.text)
        content, reason = message_of(events), events[-2]["delta"]["stop_reason"]
    else:
        content, reason = response.json()["content"], response.json()["stop_reason"]
    (call,) = [block for block in content if block["type"] == "tool_use"]
    assert call["name"] == "get_weather" and call["id"] and isinstance(call["input"]["city"], str)
    assert reason == "tool_use"
    assert (await api.received())[0]["body"]["tool_choice"] == "required"


@pytest.mark.parametrize("stream", [True, False])
async def test_thinking_is_a_block_before_the_text(api, stream):
    asked = body(thinking={"type": "adaptive"}, stream=stream)
    response = await api.post(PATH, json=asked)
    content = message_of(events_in(response.text)) if stream else response.json()["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]
    assert content[0]["thinking"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_search_by_tool_is_a_call_with_its_results_and_one_by_name_is_not(api, search_in_the_sandbox, stream):
    tool = {"type": "web_search_20250305", "name": "web_search"}
    response = await api.post(PATH, json=body(tools=[tool], stream=stream))
    if stream:
        content = message_of(events_in(response.text))
        for event in events_in(response.text):
            check("POST /messages", "stream", event)
    else:
        content = response.json()["content"]
        check("POST /messages", 200, response.json())
    assert [block["type"] for block in content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert content[0]["input"] == {"query": "Hello"} and content[1]["tool_use_id"] == content[0]["id"]
    citations = content[2].get("found") or content[2]["citations"]
    assert content[1]["content"][0]["url"] == citations[0]["url"]
    for other in ({"tools": [tool], "tool_choice": {"type": "none"}}, {"tools": [tool, TOOL]}):
        unwanted = await api.post(PATH, json=body(**other))
        assert unwanted.json()["usage"]["server_tool_use"] is None
    named = await api.post(PATH, json=body(model="acme/one:online"))
    assert [block["type"] for block in named.json()["content"]] == ["text"]


async def test_a_prompt_that_is_too_long_is_told_in_words_that_clients_know(api):
    response = await api.post(PATH, json=body(), headers={"X-Sandbox-Fault": "*=context-length"})
    assert response.status_code == 400 and response.json()["error"]["message"].startswith("prompt is too long: ")


async def test_a_broken_stream_ends_with_an_error_event_and_is_free(api):
    response = await api.post(PATH, json=body(stream=True), headers={"X-Sandbox-Fault": "cheap=cut:3"})
    events = events_in(response.text)
    assert events[-1]["type"] == "error" and events[-1]["error"]["type"] == "api_error"
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [True, False])
async def test_claude_gets_its_thinking_back_and_names_the_sequence_that_stopped_it(
    api, provider_sandbox, monkeypatch, stream
):
    await connect(ANTHROPIC, provider_sandbox, monkeypatch)

    async def answered(*messages: Any, **fields: Any) -> dict[str, Any]:
        asked = body(*messages, model=ANTHROPIC.model, stream=stream, **{"max_tokens": 3000, **fields})
        response = await api.post(PATH, json=asked)
        if not stream:
            return response.json()
        events = events_in(response.text)
        return {"content": message_of(events), **events[-2]["delta"]}

    question = {"role": "user", "content": "What is the weather in Lisbon?"}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [TOOL]}
    calling = await answered(question, **thinking)
    thought, call = calling["content"]
    assert thought["thinking"] and thought["signature"].startswith("sandbox-") and calling["stop_reason"] == "tool_use"
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "Rain"}
    history = [question, {"role": "assistant", "content": [thought, call]}, {"role": "user", "content": [result]}]
    assert "Rain" in (await answered(*history, **thinking))["content"][-1]["text"]
    sent = (await api.received())[-1]["body"]
    assert sent["thinking"] == thinking["thinking"] and sent["messages"][1]["content"][0] == thought
    assert sent["messages"][2]["content"][0]["tool_use_id"] == call["id"]
    counted = {"role": "user", "content": "Say exactly: 1 2 3 4 5 6"}
    stopped = await answered(counted, stop_sequences=["a", "b", "c", "d", "5"])
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "5")


async def test_more_tokens_than_the_endpoints_can_produce_are_a_cap(api):
    """Agents ask for as many as the largest models produce. The protocol leaves them no other way."""
    response = await api.post(PATH, json=body() | {"max_tokens": 32_000})
    assert response.status_code == 200
    assert [request["body"]["max_tokens"] for request in await api.received()] == [4_000]


async def test_the_next_provider_answers_when_one_fails(api):
    response = await api.post(PATH, json=body(), headers={"X-Sandbox-Fault": "cheap=503"})
    assert response.json()["provider"] == "Dear"


async def test_a_key_may_come_in_anthropics_header(api):
    headers = {"Authorization": "", "x-api-key": api.secret, "anthropic-version": "2023-06-01"}
    assert (await api.post(PATH, json=body(), headers=headers)).status_code == 200


async def test_tokens_are_counted_without_a_charge(api):
    short = await api.post(f"{PATH}/count_tokens", json=body())
    long = await api.post(f"{PATH}/count_tokens", json=body(system="Be brief. " * 50, tools=[TOOL]))
    assert short.status_code == long.status_code == 200
    assert 0 < short.json()["input_tokens"] < long.json()["input_tokens"] - 100
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF * 4000}
    file = await api.post(
        f"{PATH}/count_tokens",
        json=body({"role": "user", "content": [{"type": "document", "source": source}]}),
    )
    linked = await api.post(
        f"{PATH}/count_tokens",
        json=body(
            {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://a.a/b"}}]}
        ),
    )
    assert file.json()["input_tokens"] > 50_000 > linked.json()["input_tokens"] > 1_000
    assert (await api.account()).usage == 0


# --- Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"messages": []}, "$.messages"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "$.messages[0].content[0].type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "$.messages[0].role"),
        ({"tools": [{"name": "x"}]}, "$.tools[0]"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "$.tools[0].type"),
        ({"fallbacks": [{"model": "acme/one"}] * 4}, "$.fallbacks"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "$.tool_choice.name"),
        ({"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]}, "$.mcp_servers"),
        ({"thinking": {"type": "enabled"}}, "$.thinking"),
        ({"max_tokens": 0}, "$.max_tokens"),
    ],
)
async def test_a_malformed_request_is_refused_with_the_place_in_the_protocols_shape(api, changes, place):
    response = await api.post(PATH, json=body() | changes)
    assert response.status_code == 400
    refused = response.json()
    assert (refused["type"], refused["error"]["type"]) == ("error", "invalid_request_error")
    assert place in refused["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "changes", "status", "kind"),
    [
        ({"Authorization": "Bearer sk-or-v1-" + "0" * 64}, {}, 401, "authentication_error"),
        ({}, {"model": "acme/none"}, 400, "invalid_request_error"),
        ({}, {"provider": {"only": ["nowhere"]}}, 404, "not_found_error"),
        ({"X-Sandbox-Fault": "*=503"}, {}, 529, "overloaded_error"),
        ({"X-Sandbox-Fault": "*=429"}, {}, 429, "rate_limit_error"),
    ],
)
async def test_errors_have_the_protocols_types(api, headers, changes, status, kind):
    response = await api.post(PATH, json=body() | changes, headers=headers)
    assert response.status_code == status
    assert response.json()["error"]["type"] == kind
    assert response.json()["error"]["message"]
    check("POST /messages", status, response.json())


async def test_an_error_has_the_type_of_the_providers(api):
    response = await api.post(PATH, json=body(), headers={"X-Sandbox-Fault": "*=content-filter"})
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["error_type"]) == (
        400, "invalid_request_error", "content_policy_violation",
    )  # fmt: skip


async def test_other_methods_are_refused_and_browsers_may_ask(api):
    for path in (PATH, f"{PATH}/count_tokens"):
        refused = await api.client.get(f"/api/v1{path}")
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST, OPTIONS")
        assert (refused.json()["type"], refused.json()["error"]["type"]) == ("error", "invalid_request_error")
    preflight = await api.client.options(f"/api/v1{PATH}")
    assert preflight.status_code == 204 and preflight.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [PATH, f"{PATH}/count_tokens"])
@given(asked=BODY)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_whole_path_answers_in_the_protocol_and_never_500(api, search_in_the_sandbox, path, asked):
    response = await api.post(path, json=asked)
    assert response.status_code != 500
    if response.status_code >= 400:
        check("POST /messages", response.status_code, response.json())
        assert response.json()["type"] == "error"
    elif path != PATH:
        assert response.json()["input_tokens"] > 0
    elif response.headers["content-type"] == "application/json":
        check("POST /messages", 200, response.json())
    else:
        for event in events_in(response.text):
            check("POST /messages", "stream", event)
    assert (await api.account()).held == 0


SOURCE = {"type": "text", "media_type": "text/plain", "data": "The grass is green. The sky is blue."}
DOCUMENT = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
CONTENT = {
    "type": "content",
    "content": [{"type": "text", "text": "The grass\nis green."}, {"type": "text", "text": "The sky is blue."}],
}
CITED = {"type": "document", "title": "Colors", "citations": {"enabled": True}}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("source", "place"),
    [(SOURCE, "char_location"), (DOCUMENT, "char_location"), (CONTENT, "content_block_location")],
    ids=["text", "PDF", "blocks"],
)
async def test_citations_of_documents_are_carried_and_no_text_is_lost(api, monkeypatch, stream, source, place):
    await connect(ANTHROPIC, api.headers["X-Test-Sandbox"], monkeypatch)
    question = [CITED | {"source": source}, {"type": "text", "text": "Which color has the grass?"}]
    request = body({"role": "user", "content": question}, model=ANTHROPIC.model, stream=stream)
    tokens = {"X-Sandbox-Tokens": "12"}
    response = await api.post(PATH, json=request, headers=tokens)
    if stream:
        events = events_in(response.text)
        for event in events:
            check("POST /messages", "stream", event)
        content = message_of(events)
    else:
        check("POST /messages", 200, response.json())
        content = response.json()["content"]
    plain, cited = content
    assert (plain["type"], plain["citations"], cited["type"]) == ("text", [], "text")
    [citation] = cited["found" if stream else "citations"]
    assert (citation["type"], citation["document_title"], citation["document_index"]) == (place, "Colors", 0)
    uncited = [block | {"citations": None} for block in question[:1]] + question[1:]
    usual = body({"role": "user", "content": uncited}, model=ANTHROPIC.model)
    [block] = (await api.post(PATH, json=usual, headers=tokens)).json()["content"]
    assert (plain["text"] + cited["text"], None) == (block["text"], block["citations"])
    received = (await api.received())[0]
    assert received["body"]["messages"][0]["content"] == question


async def test_a_provider_without_citations_gets_the_document_as_it_always_did(api):
    question = [CITED | {"source": SOURCE}, {"type": "text", "text": "Which color has the grass?"}]
    response = await api.post(PATH, json=body({"role": "user", "content": question}))
    [block] = response.json()["content"]
    assert block["text"] and block["citations"] is None
    [sent] = [request["body"]["messages"][-1]["content"] for request in await api.received()]
    assert [part["text"] for part in sent] == [f"Colors\n{SOURCE['data']}", question[1]["text"]]
    assert all(part.keys() == {"type", "text"} for part in sent)
