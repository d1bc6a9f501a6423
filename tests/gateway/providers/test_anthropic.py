"""Anthropic's Messages protocol through the whole gateway: what Anthropic gets, what the client gets, what is paid."""

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

MODEL = "anthropic/claude-haiku-4.5"


@pytest.fixture
async def claude(api, provider_sandbox, monkeypatch):
    """Alice's program, and Claude Haiku 4.5 at Anthropic's own address."""
    monkeypatch.setenv("PROVIDER_ANTHROPIC_BASE_URL", f"{provider_sandbox}/anthropic-native/v1")
    monkeypatch.setenv("PROVIDER_ANTHROPIC_API_KEY", "sk-ant-ours")
    await sync_to_async(native.serve)(MODEL, "anthropic", "claude-haiku-4-5", supports_cancel=True)
    return api


async def ask(api, prompt="Hello there", **body):
    return await api.chat(prompt, model=MODEL, **body)


async def sent(api) -> dict:
    """What Anthropic received last."""
    return (await api.received())[-1]["body"]


async def test_an_answer_has_text_a_price_and_a_provider_that_is_marked_as_simulated(claude):
    body = (await ask(claude, tokens=20)).json()
    assert body["provider"] == "Anthropic"
    choice = body["choices"][0]
    assert choice["message"]["content"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "end_turn")
    usage = body["usage"]
    assert usage["completion_tokens"] == 20
    row = await claude.generation(body["id"])
    assert row.cost == usage["prompt_tokens"] * usd("0.000003") + 20 * usd("0.000015")
    assert row.simulated
    assert row.upstream_id.startswith("msg_")
    assert row.token_source == Generation.TokenSource.PROVIDER
    await claude.assert_books_balance()


async def test_a_stream_has_the_same_text_one_finish_and_one_usage(claude):
    answer = await ask(claude, "What are tides?", stream=True, temperature=0)
    whole = (await ask(claude, "What are tides?", temperature=0)).json()
    message, finishes = message_of(answer.text)
    assert message["content"] == whole["choices"][0]["message"]["content"]
    assert "Tides" in message["content"]
    assert finishes == [("stop", "end_turn")]
    assert usage_of(answer.text) == whole["usage"]
    await claude.assert_books_balance()


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
    assert received["headers"]["x-api-key"] == "sk-ant-ours"
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


async def test_the_endpoints_longest_answer_is_asked_for_when_the_request_names_no_limit(claude):
    await ask(claude)
    assert (await sent(claude))["max_tokens"] == 4000


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_tool_is_called_answered_and_its_thoughts_go_back_unchanged(claude, streamed):
    question = user("What is the weather in Paris?")
    wishes = {"model": MODEL, "tools": [WEATHER], "reasoning": {"effort": "low"}}
    answer = await claude.post(json={**wishes, "messages": [question], "stream": streamed})
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
    reply = await claude.post(json={**wishes, "messages": [question, message, result]})
    assert "17" in reply.json()["choices"][0]["message"]["content"]
    received = await sent(claude)
    thought, used = received["messages"][1]["content"]
    assert thought["type"] == "thinking"
    assert thought["thinking"] == message["reasoning"]
    assert thought["signature"].startswith("sandbox-")
    assert used == {"type": "tool_use", "id": call["id"], "name": "get_weather", "input": {"city": "Paris"}}
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


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", None, None),
        ("none", None, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ({"type": "function", "function": {"name": "get_weather"}}, None, {"type": "tool", "name": "get_weather"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
async def test_each_tool_choice_has_its_counterpart(claude, choice, parallel, expected):
    answer = await ask(claude, "Hello", tools=[WEATHER], tool_choice=choice, parallel_tool_calls=parallel)
    assert (await sent(claude)).get("tool_choice") == expected
    called = "tool_calls" in answer.json()["choices"][0]["message"]
    assert called == (choice not in ("auto", "none", None))


async def test_images_and_pdfs_are_seen_wherever_they_are(claude):
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
    blocks = (await sent(claude))["messages"][0]["content"][1:]
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


async def test_an_image_inside_our_own_network_is_not_fetched(claude):
    answer = await ask(claude, [image("http://127.0.0.1:5432/cat.png")])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["metadata"]["error_type"] == "image_download_failed"
    assert "not a public address" in error["message"]
    assert await claude.received() == []
    assert (await claude.generation()).cost == 0
    await claude.assert_books_balance()


async def test_thoughts_are_shown_counted_as_output_and_hidden_on_request(claude):
    message = (await ask(claude, reasoning={"max_tokens": 2000})).json()["choices"][0]["message"]
    assert (await sent(claude))["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    (detail,) = message["reasoning_details"]
    assert detail["type"] == "reasoning.text"
    assert detail["text"] == message["reasoning"] != ""
    assert detail["format"] == "anthropic-claude-v1"
    assert detail["signature"]
    hidden = (await ask(claude, reasoning={"effort": "high", "exclude": True})).json()["choices"][0]["message"]
    assert (await sent(claude))["thinking"] == {"type": "enabled", "budget_tokens": 3200}
    assert "reasoning" not in hidden and "reasoning_details" not in hidden


async def test_a_prompt_that_is_marked_is_cached_and_billed_at_the_caches_prices(claude):
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
    assert (await sent(claude))["system"][0]["cache_control"] == {"type": "ephemeral"}
    await claude.assert_books_balance()


async def test_what_stays_in_the_cache_for_an_hour_is_held_billed_and_explained_at_its_own_price(claude):
    mark = {"type": "ephemeral", "ttl": "1h"}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "All men are mortal. " * 50, "cache_control": mark}]}
    ]
    told = {"X-Sandbox-Usage": "prompt=1000,completion=10,cached=100,cache_write=700,cache_write_1h=600"}
    answer = await claude.post(json={"model": MODEL, "messages": messages, "max_tokens": 10}, headers=told)
    assert answer.json()["usage"]["prompt_tokens_details"] == {"cached_tokens": 100, "cache_write_tokens": 700}
    assert (await sent(claude))["messages"][0]["content"][0]["cache_control"] == mark
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


async def test_where_the_price_of_an_hour_is_unknown_five_minutes_must_do(claude):
    prices = {"prompt": "0.000003", "completion": "0.000015", "input_cache_write": "0.00000375"}
    await Endpoint.objects.filter(model_id=MODEL).aupdate(pricing=prices)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    mark = {"type": "ephemeral", "ttl": "1h"}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": mark}]}]
    await claude.post(json={"model": MODEL, "messages": messages, "cache_control": mark})
    received = await sent(claude)
    assert received["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"} == received["cache_control"]


async def test_a_schema_is_enforced_by_the_provider(claude):
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0}},
        "required": ["age"],
    }
    await ask(claude, response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}})
    assert (await sent(claude))["output_config"] == {
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


async def test_json_of_any_shape_is_asked_for_in_words(claude):
    await ask(claude, response_format={"type": "json_object"})
    (block,) = (await sent(claude))["system"]
    assert "one JSON object" in block["text"]


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("429:30", 429, "rate_limit_exceeded"),
        ("529", 503, "provider_overloaded"),
        ("401", 502, "provider_unavailable"),
        ("500", 502, "provider_unavailable"),
        ("context-length", 400, "context_length_exceeded"),
        ("html-200", 502, "provider_unavailable"),
        ("error-200", 502, "provider_unavailable"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_refusal_is_an_honest_error_and_free(claude, fault, status, error_type, streamed):
    answer = await ask(claude, fault=f"anthropic={fault}", stream=streamed)
    assert answer.status_code == status
    assert answer.json()["error"]["metadata"]["error_type"] == error_type
    assert (await claude.account()).usage == 0
    await claude.assert_books_balance()


@pytest.mark.parametrize("fault", ["529", "hang", "cut:0", "error-in-stream:0", "malformed:0", "empty"])
async def test_another_provider_answers_when_no_token_came(claude, settings, fault):
    settings.PROVIDER_FIRST_TOKEN_SECONDS = settings.PROVIDER_WHOLE_SECONDS = 1.2
    served = await sync_to_async(factory.model)(MODEL)
    await sync_to_async(factory.endpoint)(served, "dear", {"prompt": "0.0001", "completion": "0.0001"})
    answer = await ask(claude, fault=f"anthropic={fault}", tokens=5, stream=True)
    provider = native.chunks_of(answer.text)[0]["provider"]
    assert provider == ("Anthropic" if fault == "empty" else "Dear")


@pytest.mark.parametrize("fault", ["error-in-stream:5", "cut:5", "reset:5", "truncate:5", "malformed:5"])
async def test_an_answer_that_breaks_off_ends_with_one_error_and_is_free(claude, fault):
    answer = await ask(claude, fault=f"anthropic={fault}", tokens=40, stream=True)
    chunks = native.chunks_of(answer.text)
    assert len([chunk for chunk in chunks if "error" in chunk]) == 1
    message, finishes = message_of(answer.text)
    assert message["content"]
    assert finishes == [("error", None)]
    row = await claude.generation()
    assert (row.finish_reason, row.cost) == ("error", 0)
    await claude.assert_books_balance()


@pytest.mark.parametrize("fault", ["no-usage", "negative-usage", "huge-usage"])
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_missing_or_impossible_usage_is_estimated(claude, fault, streamed):
    await ask(claude, fault=f"anthropic={fault}", tokens=40, stream=streamed)
    row = await claude.generation()
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert 0 < row.completion_tokens < 200
    assert row.cost > 0
    await claude.assert_books_balance()


async def test_leaving_costs_the_prompt_exactly_and_what_was_said_by_estimate(claude):
    row = await native.leave(claude, MODEL, 20)
    assert row.cancelled
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert 0 < row.prompt_tokens < 20
    assert 0 < row.completion_tokens < 200
    assert row.cost == row.prompt_tokens * usd("0.000003") + row.completion_tokens * usd("0.000015")
    await claude.assert_books_balance()


async def test_stop_sequences_and_limits_have_the_names_of_openai(claude):
    stopped = (await ask(claude, "Say exactly: one two three", stop=["two"])).json()["choices"][0]
    assert (stopped["finish_reason"], stopped["native_finish_reason"]) == ("stop", "stop_sequence")
    cut = (await ask(claude, "Write an essay of 300 words about rivers", max_tokens=10)).json()["choices"][0]
    assert (cut["finish_reason"], cut["native_finish_reason"]) == ("length", "max_tokens")
    filtered = (await ask(claude, fault="anthropic=content-filter:3", tokens=9)).json()["choices"][0]
    assert (filtered["finish_reason"], filtered["native_finish_reason"]) == ("content_filter", "refusal")
