"""Google's Gemini protocol through the whole gateway. `test_native.py` has what it shares with Anthropic's."""

import base64
import json

import pytest
from asgiref.sync import sync_to_async

from gateway.models import Generation
from tests.gateway import native
from tests.gateway.factory import usd
from tests.gateway.native import PDF, PNG, WEATHER, file, image, message_of, usage_of, user

MODEL = native.GOOGLE.model
THIRD_GENERATION = "google/gemini-3.1-pro-preview"


@pytest.fixture
async def gemini(api, provider_sandbox, monkeypatch):
    """Alice's client, and two generations of Gemini in Google's own protocol."""
    await native.connect(native.GOOGLE, provider_sandbox, monkeypatch, max_completion_tokens=60_000)
    await sync_to_async(native.serve)(THIRD_GENERATION, "google-ai-studio", "gemini-3.1-pro-preview")
    return api


async def ask(api, prompt="Hello there", **body):
    return await api.chat(prompt, **{"model": MODEL, **body})


async def last_body(api) -> dict:
    """The body of the last request that Google received."""
    return (await api.received())[-1]["body"]


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
    assert received["headers"]["x-goog-api-key"] == "google-ai-studio-key"
    assert received["path"] == "/google-native/v1beta/models/gemini-2.5-flash:generateContent"
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
async def test_a_tool_result_goes_back_with_the_signature_of_its_call(gemini, streamed):
    question = user("What is the weather in Paris?")
    options = {"model": THIRD_GENERATION, "tools": [WEATHER]}
    answer = await gemini.post(json={**options, "messages": [question], "stream": streamed})
    (received,) = await gemini.received()
    assert received["path"] == "/google-native/v1beta/models/gemini-3.1-pro-preview:streamGenerateContent"
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
    reply = await gemini.post(json={**options, "messages": [question, message, result]})
    assert "17" in reply.json()["choices"][0]["message"]["content"]
    received = await last_body(gemini)
    function = {"id": call["id"], "name": "get_weather", "args": {"city": "Paris"}}
    response = {"id": call["id"], "name": "get_weather", "response": {"result": "17 degrees and rain"}}
    assert received["contents"][1:] == [
        {"role": "model", "parts": [{"functionCall": function, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]
    assert received["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]["required"] == ["city"]
    await gemini.assert_books_balance()


async def test_attachments_are_sent_inline_except_videos_on_youtube(gemini, served):
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
    parts = (await last_body(gemini))["contents"][0]["parts"][1:]
    assert parts == [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}},
    ]


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        (MODEL, {"effort": "low"}, {"includeThoughts": True, "thinkingBudget": 12_000}),
        (MODEL, {"effort": "high"}, {"includeThoughts": True, "thinkingBudget": 24_576}),
        (MODEL, {"max_tokens": 3000}, {"includeThoughts": True, "thinkingBudget": 3000}),
        (MODEL, {"effort": "none"}, {"thinkingBudget": 0}),
        (MODEL, {"enabled": False}, {"thinkingBudget": 0}),
        (MODEL, {"exclude": True}, {"includeThoughts": False}),
        (THIRD_GENERATION, {"effort": "xhigh"}, {"includeThoughts": True, "thinkingLevel": "high"}),
        (THIRD_GENERATION, {"effort": "minimal"}, {"includeThoughts": True, "thinkingLevel": "low"}),
        (THIRD_GENERATION, {"enabled": True, "exclude": True}, {"includeThoughts": False, "thinkingLevel": "medium"}),
        (THIRD_GENERATION, {"max_tokens": 3000}, {"includeThoughts": True, "thinkingBudget": 3000}),
    ],
)
async def test_reasoning_becomes_a_budget_or_a_level(gemini, model, reasoning, expected):
    message = (await ask(gemini, model=model, reasoning=reasoning)).json()["choices"][0]["message"]
    assert (await last_body(gemini))["generationConfig"]["thinkingConfig"] == expected
    assert bool(message.get("reasoning")) == expected.get("includeThoughts", False)


async def test_reasoning_is_billed_as_part_of_the_completion(gemini):
    body = (await ask(gemini, reasoning={"effort": "high"})).json()
    usage = body["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < reasoning < usage["completion_tokens"]
    row = await gemini.generation(body["id"])
    assert row.reasoning_tokens == reasoning
    assert row.cost == usage["prompt_tokens"] * usd("0.000003") + usage["completion_tokens"] * usd("0.000015")


async def test_a_repeated_prompt_is_billed_at_the_cache_price(gemini):
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


async def test_the_provider_enforces_json(gemini):
    schema = {"$schema": "x", "type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    content = (await ask(gemini, response_format=wanted)).json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(content)["age"], int)
    config = (await last_body(gemini))["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {name: value for name, value in schema.items() if name != "$schema"}
    content = (await ask(gemini, response_format={"type": "json_object"})).json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(content), dict)
    assert "responseJsonSchema" not in (await last_body(gemini))["generationConfig"]


async def test_a_canceled_stream_is_billed_in_full_because_google_completes_it(gemini):
    row = await native.cancel_after(20, gemini, MODEL)
    assert row.cancelled
    assert row.token_source == Generation.TokenSource.PROVIDER
    assert row.completion_tokens == 200
    await gemini.assert_books_balance()
