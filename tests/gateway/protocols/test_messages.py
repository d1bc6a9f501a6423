"""Anthropic's Messages protocol for callers: the same plan, hold and bill, in other words."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InvalidRequest
from common.money import PicoUsd
from gateway.events import Billed, Delta, Finished, Started, Usage
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.messages.blocks import BlockWriter, content_of
from gateway.protocols.messages.reply import MessagesEncoder, gather
from gateway.protocols.messages.request import Asked, parse
from gateway.protocols.reasoning import detail_in, text_for
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.request import request_body as google_body
from gateway.providers.openai_chat.request import request_body as openai_body
from gateway.providers.request_context import ProviderRequest
from tests.gateway.native import ANTHROPIC, CALLER, PNG, attempt, connect
from tests.gateway.protocols.message_bodies import BODY
from tests.wire import check

PATH = "/messages"
TOOL = {
    "name": "get_weather",
    "description": "Current weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def body(*messages: Any, **fields: Any) -> dict[str, Any]:
    said = list(messages) or [{"role": "user", "content": "Hello"}]
    return {"model": "acme/one", "max_tokens": 500, "messages": said, "provider": {"sort": "price"}, **fields}


def parsed(*messages: Any, **fields: Any) -> ChatRequest:
    return parse(json.dumps(body(*messages, **fields)).encode())


def at_anthropic(*messages: Any, **fields: Any) -> dict[str, Any]:
    """The body that Claude's provider gets for such a request."""
    return anthropic_body(ProviderRequest(parsed(*messages, **fields), attempt("claude-haiku-4-5"), CALLER, None), {})


def events_in(text: str) -> list[dict[str, Any]]:
    """The events of a stream; each is named twice alike."""
    events = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def message_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content that a client assembles of a stream."""
    content: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(content)
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            (name,) = event["delta"].keys() - {"type"}
            if name == "citation":
                content[event["index"]].setdefault("found", []).append(event["delta"][name])
                continue
            field = "input" if name == "partial_json" else name
            content[event["index"]][field] = (content[event["index"]][field] or "") + event["delta"][name]
    for block in content:
        if block["type"] in {"tool_use", "server_tool_use"}:
            block["input"] = json.loads(block["input"] or "{}")
    return content


# --- Responses ----------------------------------------------------------------------------------------


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


async def test_other_methods_are_refused_and_browsers_may_ask(api):
    assert (await api.client.get(f"/api/v1{PATH}")).status_code == 405
    preflight = await api.client.options(f"/api/v1{PATH}")
    assert preflight.status_code == 204 and preflight.headers["access-control-allow-origin"] == "*"


@given(BODY)
@settings(max_examples=200)
def test_any_body_is_read_or_refused(fields):
    try:
        request = parse(json.dumps(fields).encode())
    except InvalidRequest as refused:
        assert refused.message
        return
    assert request.messages
    for provider_body in (anthropic_body, google_body, openai_body):
        try:
            context = ProviderRequest(request, attempt("claude-haiku-4-5"), CALLER, None)
            provider_body(context, {}) if provider_body is not openai_body else openai_body(context)
        except (InvalidRequest, ProviderFailure) as refused:
            assert refused.message  # what this provider cannot take


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


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(InvalidRequest):
        parse(data)


# --- The conversation ---------------------------------------------------------------------------------

CONVERSATION = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "title": "a.pdf", "source": {"type": "url", "url": "https://a.example/a.pdf"}},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Weather first.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
            {"type": "text", "text": "One moment."},
            {"type": "thinking", "thinking": "In Paris.", "signature": "dHdv"},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "text", "text": "Rain"}],
                "is_error": True,
            },
            {"type": "text", "text": "And?"},
        ],
    },
]  # fmt: skip


def test_a_conversation_reaches_claude_as_it_came():
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    sent = at_anthropic(
        *CONVERSATION, system=system, tools=[TOOL], metadata={"user_id": "alice"}, stop_sequences=["END"]
    )
    assert sent["messages"] == CONVERSATION
    assert (sent["system"], sent["stop_sequences"]) == (system, ["END"])
    assert sent["tools"] == [TOOL]


def test_marks_for_the_cache_reach_claude_on_every_kind_of_block():
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Rain"}]}
    request = parsed(
        {"role": "user", "content": [{"type": "text", "text": "Look"} | mark]},
        {"role": "assistant", "content": [{"type": "text", "text": "So"} | mark, call | mark]},
        {"role": "user", "content": [result | mark]},
        tools=[TOOL | mark],
    )
    assert request.caches_for_an_hour()
    marked = [message for message in request.messages if "cache_control" in json.dumps(message)]
    assert len(marked) == 3 and request.body["tools"][0]["cache_control"] == mark["cache_control"]
    sent = at_anthropic(
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": [call | mark]},
        {"role": "user", "content": [result | mark]},
    )["messages"]
    for turn in sent[1:]:
        assert turn["content"][0]["cache_control"] == {"type": "ephemeral"}  # the price of an hour is not known


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "tool", "name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"type": "none"}, {"type": "none"}),
    ],
)
def test_the_choice_of_a_tool_reaches_claude_as_it_came(choice, expected):
    assert at_anthropic(tools=[TOOL], tool_choice=choice)["tool_choice"] == expected


def test_thinking_and_formats_become_the_gateways_parameters():
    fields = {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}
    assert parsed(**fields).reasoning.max_tokens == 2000 and parsed(**fields).reasoning.exclude
    assert parsed(thinking={"type": "disabled"}).reasoning.enabled is False
    adaptive = parsed(thinking={"type": "adaptive"}, output_config={"effort": "low"})
    assert adaptive.reasoning.effort == "low"
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = parsed(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert wanted.body["response_format"]["json_schema"]["schema"] == schema
    assert parsed(fallbacks=[{"model": "acme/two"}]).models == ("acme/two",)
    search = parsed(tools=[{"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"]}])
    assert search.body["plugins"] == [{"id": "web", "include_domains": ["a.example"]}]


def test_a_text_document_becomes_text_and_an_opaque_detail_comes_back_as_it_was():
    document = {
        "type": "document",
        "title": "Notes",
        "source": {"type": "text", "media_type": "text/plain", "data": "Rain"},
    }
    (message,) = parsed({"role": "user", "content": [document]}).messages
    assert message["content"] == [{"type": "text", "text": "Notes\nRain"}]
    detail = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1", "id": "call_1", "index": 0}
    assert detail_in(text_for(detail)) == detail
    redacted = {"type": "redacted_thinking", "data": text_for(detail)}
    message = parsed({"role": "user", "content": "Hi"}, {"role": "assistant", "content": [redacted]}).messages[1]
    assert message["reasoning_details"] == [detail]


# --- Blocks -------------------------------------------------------------------------------------------


def content(*deltas: Delta) -> list[dict[str, Any]]:
    writer = BlockWriter()
    blocks: list[dict[str, Any]] = []
    for delta in deltas:
        content_of(writer.changes(delta), blocks)
    content_of(writer.end(), blocks)
    return blocks


def piece(number: int, arguments: str, **fields: Any) -> Delta:
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    return Delta(tool_calls=[{"index": number, "function": function, **fields}])


def test_tool_calls_whose_arguments_come_in_turns_are_whole():
    blocks = content(
        Delta(text="Hi"), piece(0, "", id="a", name="one"), piece(1, '{"x"', id="b", name="two"), piece(0, '{"y":1}'),
        piece(1, ":2}"), Delta(text="!"),
    )  # fmt: skip
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use", "text"]
    assert [block["input"] for block in blocks[1:3]] == [{"y": 1}, {"x": 2}]


def test_reasoning_keeps_its_signatures_and_opaque_details():
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    foreign = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1", "index": 1}
    blocks = content(
        Delta(reasoning="We", reasoning_details=[detail | {"text": "We"}]),
        Delta(reasoning_details=[detail | {"text": "", "signature": "sig"}]),
        Delta(reasoning_details=[foreign]),
        Delta(text="ather"),
    )
    assert blocks[0] == {"type": "thinking", "thinking": "We", "signature": "sig"}
    assert detail_in(blocks[1]["data"]) == foreign
    assert blocks[2]["text"] == "ather"


def test_an_image_that_the_model_made_is_shown_in_the_text():
    made = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    assert content(Delta(text="Look: "), Delta(images=[made])) == [
        {"type": "text", "text": f"Look: ![image](data:image/png;base64,{PNG})", "citations": None}
    ]


# --- The end ------------------------------------------------------------------------------------------

STARTED = Started(generation_id="gen-1", created=1, model="acme/one", provider="A", provider_slug="a", simulated=False)
BILLED = Billed(usage=Usage(), cost=PicoUsd(0), balance=PicoUsd(0), latency_ms=1, duration_ms=1)


@pytest.mark.parametrize(
    ("finish", "stops", "reason", "sequence"),
    [
        (("stop", "stop", "5"), ["4", "5"], "stop_sequence", "5"),
        (("stop", "stop_sequence", None), ["5"], "stop_sequence", "5"),
        (("stop", "stop_sequence", None), ["4", "5"], "stop_sequence", None),
        (("stop", "stop", "</s>"), ["5"], "end_turn", None),  # the end of the model's own, told in the same field
        (("stop", "stop", None), ["5"], "end_turn", None),
        (("length", "max_tokens", None), [], "max_tokens", None),
        (("content_filter", "SAFETY", None), [], "refusal", None),
        (("tool_calls", "STOP", None), [], "tool_use", None),
    ],
)
async def test_the_reason_to_stop_names_the_sequence_where_it_is_known(finish, stops, reason, sequence):
    ended = Finished(finish_reason=finish[0], native_finish_reason=finish[1], stop_sequence=finish[2])

    async def events():
        for event in (STARTED, Delta(text="4"), ended, BILLED):
            yield event

    whole = await gather(events(), asked=Asked(stops=tuple(stops)))
    assert (whole["stop_reason"], whole["stop_sequence"]) == (reason, sequence)
    encoder = MessagesEncoder(asked=Asked(stops=tuple(stops)))
    streamed = events_in("".join([encoder.encode(event).decode() async for event in events()]))
    assert (streamed[-2]["delta"]["stop_reason"], streamed[-2]["delta"]["stop_sequence"]) == (reason, sequence)
