"""Anthropic's Messages protocol through the whole gateway. `test_native.py` has what it shares with Google's."""

import json
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async

from activity.requests.explanation import explain
from gateway.models import Generation
from gateway.routing import catalogue_cache
from models_catalog import catalog
from models_catalog.models import Endpoint
from tests.gateway import factory, native
from tests.gateway.factory import usd
from tests.gateway.native import PDF, PNG, WEATHER, file, image, message_of, usage_of, user
from tests.gateway.protocols.messages.examples import PATH, events_in

MODEL = native.ANTHROPIC.model


@pytest.fixture
async def claude(api, provider_sandbox, monkeypatch):
    """Alice's client, and Claude Haiku 4.5 in Anthropic's own protocol."""
    await native.connect(native.ANTHROPIC, provider_sandbox, monkeypatch)
    return api


async def ask(api, prompt="Hello there", **body):
    return await api.chat(prompt, model=MODEL, **body)


async def last_body(api) -> dict:
    """The body of the last request that Anthropic received."""
    return (await api.received())[-1]["body"]


async def test_anthropic_gets_its_own_protocol_and_our_key(claude):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No lists."}]},
        {"role": "user", "name": "Ann", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        user([{"type": "text", "text": "Again"}]),
    ]
    await claude.post(
        json={"model": MODEL, "messages": messages, "stop": "END", "temperature": 1.5, "max_tokens": 9, "user": "ann"}
    )
    (received,) = await claude.received()
    assert received["path"] == "/anthropic-native/v1/messages"
    assert received["headers"]["x-api-key"] == "anthropic-key"
    assert received["headers"]["anthropic-version"] == "2023-06-01"
    assert claude.secret not in json.dumps(received)
    body = received["body"]
    metadata = body.pop("metadata")
    assert len(metadata["user_id"]) == 32 and "ann" not in metadata["user_id"]
    assert body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "No lists."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Ann: Hello"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
            {"role": "user", "content": [{"type": "text", "text": "Again"}]},
        ],
        "stop_sequences": ["END"],
        "temperature": 1,
    }


async def test_max_tokens_is_the_endpoints_limit_when_the_request_has_none(claude):
    await ask(claude)
    assert (await last_body(claude))["max_tokens"] == 4000


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_tool_result_goes_back_with_the_thinking_unchanged(claude, streamed):
    question = user("What is the weather in Paris?")
    options = {"model": MODEL, "tools": [WEATHER], "reasoning": {"effort": "low"}}
    answer = await claude.post(json={**options, "messages": [question], "stream": streamed})
    if streamed:
        message, finishes = message_of(answer.text)
    else:
        choice = answer.json()["choices"][0]
        message, finishes = choice["message"], [(choice["finish_reason"], choice["native_finish_reason"])]
    assert finishes == [("tool_calls", "tool_use")]
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    assert message["reasoning"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "17 degrees and rain"}
    reply = await claude.post(json={**options, "messages": [question, message, result]})
    assert "17" in reply.json()["choices"][0]["message"]["content"]
    received = await last_body(claude)
    thinking, tool_use = received["messages"][1]["content"]
    assert thinking["type"] == "thinking"
    assert thinking["thinking"] == message["reasoning"]
    assert thinking["signature"].startswith("sandbox-")
    assert tool_use == {"type": "tool_use", "id": call["id"], "name": "get_weather", "input": {"city": "Paris"}}
    assert received["messages"][2] == {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": call["id"],
                "content": [{"type": "text", "text": "17 degrees and rain"}],
            }
        ],
    }
    assert received["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    await claude.assert_books_balance()


async def test_images_and_files_are_sent_inline_or_by_url(claude):
    content = [
        {"type": "text", "text": "What is attached?"},
        image(f"data:image/png;base64,{PNG}"),
        image("https://pictures.example/cat.png"),
        file(f"data:application/pdf;base64,{PDF}"),
        file("https://papers.example/a.pdf", "a.pdf"),
        file("data:text/plain;base64,SGVsbG8=", "notes.txt"),
    ]
    answer = await claude.post(json={"model": MODEL, "messages": [user(content)]})
    assert "2 × 2 pixels" in answer.json()["choices"][0]["message"]["content"]
    blocks = (await last_body(claude))["messages"][0]["content"][1:]
    assert blocks == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://pictures.example/cat.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "title": "report.pdf",
        },
        {"type": "document", "source": {"type": "url", "url": "https://papers.example/a.pdf"}, "title": "a.pdf"},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Hello"},
            "title": "notes.txt",
        },
    ]


async def test_reasoning_is_returned_and_hidden_on_request(claude):
    message = (await ask(claude, reasoning={"max_tokens": 2000})).json()["choices"][0]["message"]
    assert (await last_body(claude))["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    (detail,) = message["reasoning_details"]
    assert detail["type"] == "reasoning.text"
    assert detail["text"] == message["reasoning"] != ""
    assert detail["format"] == "anthropic-claude-v1"
    assert detail["signature"]
    hidden = (await ask(claude, reasoning={"effort": "high", "exclude": True})).json()["choices"][0]["message"]
    assert (await last_body(claude))["thinking"] == {"type": "enabled", "budget_tokens": 3200}
    assert "reasoning" not in hidden and "reasoning_details" not in hidden


async def test_a_prompt_with_cache_control_is_billed_at_cache_prices(claude):
    long = {"type": "text", "text": "All men are mortal. " * 120, "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "system", "content": [long]}, user("Who is mortal?")]
    costs = []
    for streamed in (False, True):
        answer = await claude.post(json={"model": MODEL, "messages": messages, "stream": streamed})
        usage = usage_of(answer.text) if streamed else answer.json()["usage"]
        details = usage["prompt_tokens_details"]
        cached, written = details["cached_tokens"], details["cache_write_tokens"]
        plain = usage["prompt_tokens"] - cached - written
        assert (written > 256, cached > 256) == ((False, True) if streamed else (True, False))
        assert 0 < plain < 100
        expected = (
            plain * usd("0.000003")
            + cached * usd("0.0000003")
            + written * usd("0.00000375")
            + usage["completion_tokens"] * usd("0.000015")
        )
        row = await claude.generation()
        assert row.cost == expected
        assert (row.cached_tokens, row.cache_write_tokens) == (cached, written)
        costs.append(row.cost)
    assert costs[1] < costs[0]
    assert (await last_body(claude))["system"][0]["cache_control"] == {"type": "ephemeral"}
    await claude.assert_books_balance()


async def test_a_prompt_cached_for_an_hour_is_held_billed_and_explained_at_its_own_price(claude):
    an_hour = {"type": "ephemeral", "ttl": "1h"}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "All men are mortal. " * 50, "cache_control": an_hour}]}
    ]
    headers = {"X-Sandbox-Usage": "prompt=1000,completion=10,cached=100,cache_write=700,cache_write_1h=600"}
    answer = await claude.post(json={"model": MODEL, "messages": messages, "max_tokens": 10}, headers=headers)
    assert answer.json()["usage"]["prompt_tokens_details"] == {"cached_tokens": 100, "cache_write_tokens": 700}
    assert (await last_body(claude))["messages"][0]["content"][0]["cache_control"] == an_hour
    row = await claude.generation()
    assert row.cost == (
        200 * usd("0.000003") + 100 * usd("0.0000003") + 100 * usd("0.00000375") + 600 * usd("0.000006")
        + 10 * usd("0.000015")
    )  # fmt: skip
    assert (row.cache_write_tokens, row.cache_write_1h_tokens) == (700, 600)
    explanation = explain(row)
    line = next(line for line in explanation.lines if line.name.endswith("for an hour"))
    assert (line.count, line.price, explanation.other) == (600, Decimal("0.000006"), 0)
    messages[0]["content"][0]["cache_control"] = {"type": "ephemeral"}
    await claude.post(json={"model": MODEL, "messages": messages, "max_tokens": 10})
    shorter = (await claude.generation()).hold
    assert (row.hold - 10 * usd("0.000015")) / (shorter - 10 * usd("0.000015")) == pytest.approx(1.6)
    await claude.assert_books_balance()


async def test_prompts_are_cached_for_five_minutes_where_an_hour_has_no_price(claude):
    prices = {"prompt": "0.000003", "completion": "0.000015", "input_cache_write": "0.00000375"}
    await Endpoint.objects.filter(model_id=MODEL).aupdate(pricing=prices)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    an_hour = {"type": "ephemeral", "ttl": "1h"}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": an_hour}]}]
    await claude.post(json={"model": MODEL, "messages": messages, "cache_control": an_hour})
    received = await last_body(claude)
    assert received["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"} == received["cache_control"]


async def test_the_provider_enforces_a_schema(claude):
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0}},
        "required": ["age"],
    }
    await ask(claude, response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}})
    assert (await last_body(claude))["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"age": {"type": "integer", "description": "(minimum: 0)"}},
                "required": ["age"],
                "additionalProperties": False,
            },
        }
    }


async def test_json_without_a_schema_is_requested_by_an_instruction(claude):
    await ask(claude, response_format={"type": "json_object"})
    (block,) = (await last_body(claude))["system"]
    assert "one JSON object" in block["text"]


async def test_a_canceled_stream_is_billed_for_its_prompt_and_an_estimate_of_its_text(claude):
    row = await native.cancel_after(20, claude, MODEL)
    assert row.cancelled
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert 0 < row.prompt_tokens < 20
    assert 0 < row.completion_tokens < 200
    assert row.cost == row.prompt_tokens * usd("0.000003") + row.completion_tokens * usd("0.000015")
    await claude.assert_books_balance()


async def test_a_stop_sequence_has_openais_name(claude):
    stopped = (await ask(claude, "Say exactly: one two three", stop=["two"])).json()["choices"][0]
    assert (stopped["finish_reason"], stopped["native_finish_reason"]) == ("stop", "stop_sequence")


async def fast_claude() -> None:
    prices = {"prompt": "0.000018", "completion": "0.00009"}
    served = await Endpoint.objects.select_related("model").aget(model_id=MODEL)
    await sync_to_async(factory.endpoint)(
        served.model, "anthropic", prices, tag="anthropic/priority", provider_model_id=served.provider_model_id
    )
    catalogue_cache.clear()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("speed", "fault", "sent", "served", "price"),
    [
        ("fast", "", "fast", "fast", ("0.000018", "0.00009")),
        ("fast", "anthropic=standard-tier", "fast", "standard", ("0.000003", "0.000015")),
        ("standard", "", None, "standard", ("0.000003", "0.000015")),
        (None, "", None, "standard", ("0.000003", "0.000015")),
    ],
)
async def test_fast_mode_is_asked_for_where_it_has_a_price_and_billed_as_served(
    claude, speed, fault, sent, served, price, stream
):
    await fast_claude()
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    body = {"model": MODEL, "max_tokens": 50, "messages": [user("Hello")], "speed": speed, "stream": stream}
    response = await claude.post(PATH, json=body, headers=claude.headers | headers)
    usage = events_in(response.text)[-2]["usage"] if stream else response.json()["usage"]
    assert usage["speed"] == served
    (received,) = await claude.received()
    assert received["body"].get("speed") == sent
    assert received["headers"].get("anthropic-beta", "").startswith("fast-mode-") == (sent == "fast")
    row = await claude.generation()
    assert row.cost == row.prompt_tokens * usd(price[0]) + row.completion_tokens * usd(price[1])
    await claude.assert_books_balance()


async def test_without_a_price_for_it_fast_mode_is_not_asked_for(claude):
    body = {"model": MODEL, "max_tokens": 50, "messages": [user("Hello")], "speed": "fast"}
    response = await claude.post(PATH, json=body)
    assert response.json()["usage"]["speed"] == "standard"
    assert "speed" not in (await last_body(claude))
