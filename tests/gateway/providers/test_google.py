"""Google's Gemini protocol through the whole gateway: what Google gets, what the client gets, what is paid."""

import base64
import json

import pytest
from asgiref.sync import sync_to_async

from gateway.models import Generation
from tests.gateway import factory, native
from tests.gateway.factory import usd
from tests.gateway.native import PDF, PNG, WEATHER, file, image, message_of, usage_of, user

MODEL = "google/gemini-2.5-flash"
THIRD = "google/gemini-3.1-pro-preview"


@pytest.fixture
async def gemini(api, provider_sandbox, monkeypatch):
    """Alice's program, and two generations of Gemini at Google's own address."""
    monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_BASE_URL", f"{provider_sandbox}/google-native/v1beta")
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-ours")
    await sync_to_async(native.serve)(MODEL, "google-ai-studio", "gemini-2.5-flash", max_completion_tokens=60_000)
    await sync_to_async(native.serve)(THIRD, "google-ai-studio", "gemini-3.1-pro-preview")
    return api


async def ask(api, prompt="Hello there", **body):
    return await api.chat(prompt, **{"model": MODEL, **body})


async def sent(api) -> dict:
    """What Google received last."""
    return (await api.received())[-1]["body"]


async def test_an_answer_has_text_and_a_price(gemini):
    body = (await ask(gemini, tokens=20)).json()
    assert body["provider"] == "Google-Ai-Studio"
    choice = body["choices"][0]
    assert choice["message"]["content"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "STOP")
    usage = body["usage"]
    assert usage["completion_tokens"] == 20
    row = await gemini.generation(body["id"])
    assert row.cost == usage["prompt_tokens"] * usd("0.000003") + 20 * usd("0.000015")
    assert row.simulated
    assert row.upstream_id
    await gemini.assert_books_balance()


async def test_a_stream_has_the_same_text_one_finish_and_one_usage(gemini):
    answer = await ask(gemini, "What are tides?", stream=True, temperature=0)
    whole = (await ask(gemini, "What are tides?", temperature=0)).json()
    message, finishes = message_of(answer.text)
    assert message["content"] == whole["choices"][0]["message"]["content"]
    assert "Tides" in message["content"]
    assert finishes == [("stop", "STOP")]
    assert usage_of(answer.text)["completion_tokens"] == whole["usage"]["completion_tokens"] > 0
    paths = [received["path"] for received in await gemini.received()]
    assert paths == [
        "/google-native/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        "/google-native/v1beta/models/gemini-2.5-flash:generateContent",
    ]
    await gemini.assert_books_balance()


async def test_google_gets_its_own_protocol_and_our_key(gemini):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No lists."}]},
        {"role": "user", "name": "Ann", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        user([{"type": "text", "text": "Again"}]),
    ]
    limits = {"stop": ["END"], "temperature": 1.5, "top_p": 0.9, "seed": 7, "max_tokens": 9, "frequency_penalty": 0.5}
    await gemini.post(json={"model": MODEL, "messages": messages, **limits})
    (received,) = await gemini.received()
    assert received["headers"]["x-goog-api-key"] == "AIza-ours"
    assert gemini.secret not in json.dumps(received)
    assert received["body"] == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "No lists."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Ann: Hello"}]},
            {"role": "model", "parts": [{"text": "Hi."}]},
            {"role": "user", "parts": [{"text": "Again"}]},
        ],
        "generationConfig": {
            "temperature": 1.5,
            "topP": 0.9,
            "seed": 7,
            "frequencyPenalty": 0.5,
            "maxOutputTokens": 9,
            "stopSequences": ["END"],
            "thinkingConfig": {"includeThoughts": True},
        },
    }


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_tool_is_called_and_answered(gemini, streamed):
    question = user("What is the weather in Paris?")
    wishes = {"model": THIRD, "tools": [WEATHER]}
    answer = await gemini.post(json={**wishes, "messages": [question], "stream": streamed})
    if streamed:
        message, finishes = message_of(answer.text)
    else:
        choice = answer.json()["choices"][0]
        message, finishes = choice["message"], [(choice["finish_reason"], choice["native_finish_reason"])]
    assert finishes == [("tool_calls", "STOP")]
    (call,) = message["tool_calls"]
    assert call["id"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    signature = {"type": "reasoning.encrypted", "data": "c2ln", "id": call["id"], "format": "google-gemini-v1"}
    message["reasoning_details"] = [signature]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "17 degrees and rain"}
    reply = await gemini.post(json={**wishes, "messages": [question, message, result]})
    assert "17" in reply.json()["choices"][0]["message"]["content"]
    received = await sent(gemini)
    function = {"id": call["id"], "name": "get_weather", "args": {"city": "Paris"}}
    response = {"id": call["id"], "name": "get_weather", "response": {"result": "17 degrees and rain"}}
    assert received["contents"][1:] == [
        {"role": "model", "parts": [{"functionCall": function, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]
    assert received["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]["required"] == ["city"]
    await gemini.assert_books_balance()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "get_weather"}},
            {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        ),
    ],
)
async def test_each_tool_choice_has_its_counterpart(gemini, choice, expected):
    answer = await ask(gemini, "Hello", tools=[WEATHER], tool_choice=choice)
    assert (await sent(gemini))["toolConfig"] == {"functionCallingConfig": expected}
    called = "tool_calls" in answer.json()["choices"][0]["message"]
    assert called == (choice not in ("auto", "none"))


async def test_attachments_go_as_bytes(gemini, served):
    address = served({"/cat.png": ("image/png", base64.b64decode(PNG)), "/a.pdf": ("", base64.b64decode(PDF))})
    content = [
        {"type": "text", "text": "What is attached?"},
        image(f"{address}/cat.png"),
        image(f"data:image/png;base64,{PNG}"),
        file(f"{address}/a.pdf"),
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}},
    ]
    answer = await gemini.post(json={"model": MODEL, "messages": [user(content)]})
    assert "2 × 2 pixels" in answer.json()["choices"][0]["message"]["content"]
    parts = (await sent(gemini))["contents"][0]["parts"][1:]
    assert parts == [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}},
    ]


async def test_an_image_inside_our_own_network_is_not_fetched(gemini):
    answer = await ask(gemini, [image("http://[::ffff:127.0.0.1]:5432/cat.png")])
    assert answer.status_code == 400
    assert answer.json()["error"]["metadata"]["error_type"] == "image_download_failed"
    assert await gemini.received() == []
    await gemini.assert_books_balance()


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        (MODEL, {"effort": "low"}, {"includeThoughts": True, "thinkingBudget": 12_000}),
        (MODEL, {"effort": "high"}, {"includeThoughts": True, "thinkingBudget": 24_576}),
        (MODEL, {"max_tokens": 3000}, {"includeThoughts": True, "thinkingBudget": 3000}),
        (MODEL, {"effort": "none"}, {"thinkingBudget": 0}),
        (MODEL, {"enabled": False}, {"thinkingBudget": 0}),
        (MODEL, {"exclude": True}, {"includeThoughts": False}),
        (THIRD, {"effort": "xhigh"}, {"includeThoughts": True, "thinkingLevel": "high"}),
        (THIRD, {"effort": "minimal"}, {"includeThoughts": True, "thinkingLevel": "low"}),
        (THIRD, {"enabled": True, "exclude": True}, {"includeThoughts": False, "thinkingLevel": "medium"}),
        (THIRD, {"max_tokens": 3000}, {"includeThoughts": True, "thinkingBudget": 3000}),
    ],
)
async def test_reasoning_becomes_a_budget_or_a_level(gemini, model, reasoning, expected):
    message = (await ask(gemini, model=model, reasoning=reasoning)).json()["choices"][0]["message"]
    assert (await sent(gemini))["generationConfig"]["thinkingConfig"] == expected
    assert bool(message.get("reasoning")) == expected.get("includeThoughts", False)


async def test_thoughts_are_part_of_the_completion(gemini):
    body = (await ask(gemini, reasoning={"effort": "high"})).json()
    usage = body["usage"]
    thoughts = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < thoughts < usage["completion_tokens"]
    row = await gemini.generation(body["id"])
    assert row.reasoning_tokens == thoughts
    assert row.cost == usage["prompt_tokens"] * usd("0.000003") + usage["completion_tokens"] * usd("0.000015")


async def test_a_prompt_that_was_seen_is_billed_at_the_caches_price(gemini):
    prompt = "All men are mortal. " * 120
    for streamed in (False, True):
        answer = await ask(gemini, prompt, stream=streamed)
        usage = usage_of(answer.text) if streamed else answer.json()["usage"]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        assert (cached > 256) == streamed
        expected = (
            (usage["prompt_tokens"] - cached) * usd("0.000003")
            + cached * usd("0.0000003")
            + usage["completion_tokens"] * usd("0.000015")
        )
        assert (await gemini.generation()).cost == expected
    await gemini.assert_books_balance()


async def test_json_is_enforced_by_the_provider(gemini):
    schema = {"$schema": "x", "type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    content = (await ask(gemini, response_format=wanted)).json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(content)["age"], int)
    config = (await sent(gemini))["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {name: value for name, value in schema.items() if name != "$schema"}
    content = (await ask(gemini, response_format={"type": "json_object"})).json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(content), dict)
    assert "responseJsonSchema" not in (await sent(gemini))["generationConfig"]


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("429:30", 429, "rate_limit_exceeded"),
        ("503", 503, "provider_overloaded"),
        ("401", 502, "provider_unavailable"),
        ("500", 502, "provider_unavailable"),
        ("context-length", 400, "context_length_exceeded"),
        ("html-200", 502, "provider_unavailable"),
        ("error-200", 503, "provider_overloaded"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_refusal_is_an_honest_error_and_free(gemini, fault, status, error_type, streamed):
    answer = await ask(gemini, fault=f"google-ai-studio={fault}", stream=streamed)
    assert answer.status_code == status
    assert answer.json()["error"]["metadata"]["error_type"] == error_type
    assert (await gemini.account()).usage == 0
    await gemini.assert_books_balance()


@pytest.mark.parametrize("fault", ["503", "cut:0", "error-in-stream:0", "malformed:0"])
async def test_another_provider_answers_when_no_token_came(gemini, fault):
    served = await sync_to_async(factory.model)(MODEL)
    await sync_to_async(factory.endpoint)(served, "dear", {"prompt": "0.0001", "completion": "0.0001"})
    answer = await ask(gemini, fault=f"google-ai-studio={fault}", tokens=5, stream=True)
    assert native.chunks_of(answer.text)[0]["provider"] == "Dear"


@pytest.mark.parametrize("fault", ["error-in-stream:5", "cut:5", "reset:5", "truncate:5", "malformed:5"])
async def test_an_answer_that_breaks_off_ends_with_one_error_and_is_free(gemini, fault):
    answer = await ask(gemini, fault=f"google-ai-studio={fault}", tokens=40, stream=True)
    chunks = native.chunks_of(answer.text)
    assert len([chunk for chunk in chunks if "error" in chunk]) == 1
    message, finishes = message_of(answer.text)
    assert message["content"]
    assert finishes == [("error", None)]
    row = await gemini.generation()
    assert (row.finish_reason, row.cost) == ("error", 0)
    await gemini.assert_books_balance()


@pytest.mark.parametrize("fault", ["no-usage", "negative-usage", "huge-usage"])
async def test_missing_or_impossible_usage_is_estimated(gemini, fault):
    await ask(gemini, fault=f"google-ai-studio={fault}", tokens=40, stream=True)
    row = await gemini.generation()
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert 0 < row.completion_tokens < 200
    assert row.cost > 0
    await gemini.assert_books_balance()


async def test_leaving_costs_the_whole_answer_because_google_finishes_it(gemini):
    row = await native.leave(gemini, MODEL, 20)
    assert row.cancelled
    assert row.token_source == Generation.TokenSource.PROVIDER
    assert row.completion_tokens == 200
    await gemini.assert_books_balance()


async def test_limits_and_filters_have_the_names_of_openai(gemini):
    cut = (await ask(gemini, "Write an essay of 300 words about rivers", max_tokens=10)).json()["choices"][0]
    assert (cut["finish_reason"], cut["native_finish_reason"]) == ("length", "MAX_TOKENS")
    filtered = (await ask(gemini, fault="google-ai-studio=content-filter:3", tokens=9)).json()["choices"][0]
    assert (filtered["finish_reason"], filtered["native_finish_reason"]) == ("content_filter", "SAFETY")
