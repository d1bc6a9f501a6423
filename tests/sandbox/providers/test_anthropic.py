"""Anthropic's own protocol as its documentation describes it, event by event."""

import json

import pytest

from sandbox.providers.prompts import tokens as tokenizer
from tests.sandbox.provider import fault, tokens

VERSION = {"anthropic-version": "2023-06-01", "x-api-key": "any"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASK = "What is the weather in Oslo?"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAC6s0uzAAAAAA=="  # the first bytes of 640 × 480 pixels


def messages(providers, content, headers=None, **fields):
    said = content if isinstance(content, list) and "role" in content[0] else [{"role": "user", "content": content}]
    body = {"model": "claude-1", "max_tokens": 2000, "messages": said, "temperature": 0, **fields}
    return providers.client.post(
        "/anthropic-native/v1/messages", json=body, headers=providers.headers({**VERSION, **(headers or {})})
    )


def message(providers, content, headers=None, **fields):
    response = messages(providers, content, headers, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def events(providers, content, headers=None, **fields):
    """(name, data) of each event of a stream."""
    response = messages(providers, content, headers, stream=True, **fields)
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert [name for name, data in found if data["type"] != name] == []
    return found


def deltas(found, kind):
    return [data["delta"] for name, data in found if name == "content_block_delta" and data["delta"]["type"] == kind]


def test_a_message_is_answered_with_blocks_and_usage(providers):
    answer = message(providers, "Say exactly: one two three")
    assert answer["id"].startswith("msg_")
    assert answer | {"id": ""} == {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "claude-1",
        "content": [{"type": "text", "text": "one two three"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "cache_read_input_tokens": 0,
            "output_tokens": 3,
        },
    }


def test_a_streamed_message_has_its_events_in_order(providers):
    found = events(providers, "Say exactly: one two three")
    assert [name for name, _ in found] == [
        "message_start", "ping", "content_block_start", "content_block_delta", "content_block_delta",
        "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    assert [delta["text"] for delta in deltas(found, "text_delta")] == ["one", " two", " three"]
    start, end = found[0][1]["message"], found[-2][1]
    assert (start["content"], start["stop_reason"], start["usage"]["input_tokens"]) == ([], None, 9)
    assert (end["delta"]["stop_reason"], end["usage"]["output_tokens"]) == ("end_turn", 3)


@pytest.mark.parametrize(
    ("fields", "reason", "sequence"),
    [({"max_tokens": 2}, "max_tokens", None), ({"stop_sequences": ["zzz", " three"]}, "stop_sequence", " three")],
)
def test_it_says_why_a_message_stops(providers, fields, reason, sequence):
    answer = message(providers, "Say exactly: one two three", **fields)
    assert answer["content"][0]["text"] == "one two"
    assert (answer["stop_reason"], answer["stop_sequence"], answer["usage"]["output_tokens"]) == (reason, sequence, 2)


def test_thinking_is_a_block_of_its_own_with_a_signature(providers):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = message(providers, "Tell me about tea", thinking=thinking)
    thought, text = answer["content"]
    assert thought["type"] == "thinking" and "tea" in thought["thinking"] and thought["signature"]
    assert answer["usage"]["output_tokens"] == tokenizer.count(thought["thinking"]) + tokenizer.count(text["text"])
    found = events(providers, "Tell me about tea", thinking=thinking)
    assert "".join(delta["thinking"] for delta in deltas(found, "thinking_delta")) == thought["thinking"]
    assert [delta["signature"] for delta in deltas(found, "signature_delta")] == [thought["signature"]]
    assert [data["content_block"]["type"] for name, data in found if name == "content_block_start"] == [
        "thinking",
        "text",
    ]


def test_adaptive_thinking_takes_its_effort_from_the_output(providers):
    def thought(effort):
        answer = message(providers, "Tea?", thinking={"type": "adaptive"}, output_config={"effort": effort})
        return len(answer["content"][0]["thinking"])

    assert thought("low") < thought("high")


def test_a_tool_is_used_and_its_result_is_answered_with(providers):
    tools = [{"name": "get_weather", "description": "Weather of a city", "input_schema": CITY}]
    first = message(providers, ASK, tools=tools)
    (use,) = first["content"]
    assert first["stop_reason"] == "tool_use" and use["id"].startswith("toolu_")
    assert (use["type"], use["name"], use["input"]) == ("tool_use", "get_weather", {"city": "Oslo"})
    found = events(providers, ASK, tools=tools)
    assert json.loads("".join(delta["partial_json"] for delta in deltas(found, "input_json_delta"))) == {"city": "Oslo"}
    assert found[-2][1]["usage"]["output_tokens"] == 1 + len(deltas(found, "input_json_delta"))
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": '{"degrees": -7}'}]}
    talk = [
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    second = message(providers, talk, tools=tools)
    assert second["stop_reason"] == "end_turn"
    assert "`get_weather` returned" in second["content"][0]["text"] and "-7" in second["content"][0]["text"]


@pytest.mark.parametrize(
    ("choice", "used"),
    [
        ({"type": "auto"}, []),
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "save"}, ["save"]),
        ({"type": "none"}, []),
    ],
)
def test_the_choice_of_a_tool_is_heeded(providers, choice, used):
    tools = [{"name": "get_weather", "input_schema": CITY}, {"name": "save", "input_schema": CITY}]
    answer = message(providers, "Hello", tools=tools, tool_choice=choice)
    assert [block["name"] for block in answer["content"] if block["type"] == "tool_use"] == used


def test_images_and_documents_are_acknowledged(providers):
    blocks = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://pictures.example/cat.png"}},
        {
            "type": "document",
            "title": "report.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        },
        {"type": "text", "text": "What is this?"},
    ]
    text = message(providers, blocks)["content"][0]["text"]
    assert all(
        words in text for words in ("a PNG image of 640 × 480 pixels", "an image at pictures.example", "report.pdf")
    )


def test_the_system_prompt_is_counted(providers):
    system = [{"type": "text", "text": "one two three"}]
    with_system, without = (message(providers, "Hi", **more)["usage"] for more in ({"system": system}, {}))
    assert with_system["input_tokens"] == without["input_tokens"] + 3 + 3


def test_json_follows_the_schema_of_the_output(providers):
    wanted = {"format": {"type": "json_schema", "schema": CITY}}
    text = message(providers, "Tell me about life in Oslo", output_config=wanted)["content"][0]["text"]
    assert json.loads(text) == {"city": "Oslo"}


def test_a_begun_answer_is_continued(providers):
    talk = [{"role": "user", "content": "Tell me about tea"}, {"role": "assistant", "content": "Tea is"}]
    assert not message(providers, talk)["content"][0]["text"].startswith("#")


def test_only_marked_prompts_are_cached_and_the_input_does_not_contain_them(providers):
    long = "The quick brown fox jumps over the lazy dog. " * 60
    plain = [message(providers, long, tokens(1))["usage"] for _ in range(2)]
    assert [usage["cache_read_input_tokens"] for usage in plain] == [0, 0]
    blocks = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "Why?"}]
    first, second = (message(providers, blocks, tokens(1))["usage"] for _ in range(2))
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 500
    assert second["cache_creation_input_tokens"] == 0
    total = plain[0]["input_tokens"] + 2
    for usage in (first, second):
        parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        assert sum(usage[part] for part in parts) == total


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_anthropic_s_errors_have_its_own_shape(providers, status, kind):
    response = messages(providers, "Hi", fault(f"anthropic={status}:3"))
    assert (response.status_code, response.headers["retry-after"]) == (status, "3")
    body = response.json()
    assert (body["type"], body["error"]["type"], bool(body["request_id"])) == ("error", kind, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": None},
        {"max_tokens": 0},
        {"messages": []},
        {"messages": [{"role": "system", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"thinking": {"type": "enabled", "budget_tokens": 100}},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    ],
)
def test_a_message_that_makes_no_sense_is_refused(providers, fields):
    response = messages(providers, "Hi", **fields)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


def test_fast_mode_needs_its_beta_and_is_reported(providers):
    beta = {"anthropic-beta": "fast-mode-2026-02-01"}
    assert message(providers, "Hi", beta, speed="fast")["usage"]["speed"] == "fast"
    assert events(providers, "Hi", beta, speed="fast")[-2][1]["usage"]["speed"] == "fast"
    assert message(providers, "Hi", beta | fault("standard-tier"), speed="fast")["usage"]["speed"] == "standard"
    assert "speed" not in message(providers, "Hi")["usage"]
    refused = messages(providers, "Hi", speed="fast")
    assert refused.status_code == 400 and "speed" in refused.json()["error"]["message"]


def test_the_version_and_a_valid_key_are_needed(providers):
    assert "anthropic-version" in messages(providers, "Hi", {"anthropic-version": ""}).json()["error"]["message"]
    assert messages(providers, "Hi", {"x-api-key": "my-invalid"}).status_code == 401


def test_faults_reach_anthropic_s_stream(providers):
    found = events(providers, "Hi", {**tokens(9), **fault("anthropic=error-in-stream:4")})
    assert len(deltas(found, "text_delta")) == 4
    assert found[-1] == (
        "error",
        {"type": "error", "error": {"type": "api_error", "message": found[-1][1]["error"]["message"]}},
    )
    broken = messages(providers, "Hi", {**tokens(9), **fault("*=malformed:4")}, stream=True).text
    assert broken.count("content_block_delta\n") == 10 and "text_de\n" in broken
    assert "message_stop" not in messages(providers, "Hi", {**tokens(9), **fault("*=no-done")}, stream=True).text
    assert [name for name, _ in events(providers, "Hi", {**tokens(1), **fault("*=duplicate-finish")})].count(
        "message_delta"
    ) == 2
    assert "usage" not in message(providers, "Hi", fault("*=no-usage"))
    assert message(providers, "Hi", {**tokens(9), **fault("*=content-filter:2")})["stop_reason"] == "refusal"
    assert message(providers, "Hi", fault("*=error-200"))["type"] == "error"
