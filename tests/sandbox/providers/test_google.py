"""Google's own protocol as its documentation describes it, event by event."""

import json

import pytest

from sandbox.providers.prompts import tokens as tokenizer
from tests.sandbox.provider import fault, tokens
from tests.sandbox.providers.test_anthropic import messages

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASK = "What is the weather in Oslo?"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAC6s0uzAAAAAA=="  # the first bytes of 640 × 480 pixels


def generated(providers, contents, headers=None, *, stream=False, path="gemini-1", **fields):
    said = [{"role": "user", "parts": [{"text": contents}]}] if isinstance(contents, str) else contents
    address = f"/google-native/v1beta/models/{path}:" + (
        "streamGenerateContent?alt=sse" if stream else "generateContent"
    )
    return providers.client.post(
        address,
        json={"contents": said, **fields},
        headers=providers.headers({"x-goog-api-key": "any", **(headers or {})}),
    )


def content(providers, contents, headers=None, **fields):
    response = generated(providers, contents, headers, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def chunks(providers, contents, headers=None, **fields):
    response = generated(providers, contents, headers, stream=True, **fields)
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in response.text.split("\r\n") if line]


def parts(*answers):
    return [part for answer in answers for part in answer["candidates"][0]["content"]["parts"]]


EXACT = {"generationConfig": {"temperature": 0}}


def test_content_is_generated_with_usage(providers):
    answer = content(providers, "Say exactly: one two three")
    assert answer["responseId"]
    assert answer | {"responseId": ""} == {
        "candidates": [
            {"content": {"parts": [{"text": "one two three"}], "role": "model"}, "index": 0, "finishReason": "STOP"}
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
        "modelVersion": "gemini-1",
        "responseId": "",
    }


def test_streamed_content_counts_as_it_goes_and_has_no_done(providers):
    found = chunks(providers, "Say exactly: one two three")
    assert [part["text"] for part in parts(*found)] == ["one", " two", " three", ""]
    assert [chunk["usageMetadata"]["candidatesTokenCount"] for chunk in found] == [1, 2, 3, 3]
    assert [chunk["candidates"][0].get("finishReason") for chunk in found] == [None, None, None, "STOP"]
    assert len({chunk["responseId"] for chunk in found}) == 1


def test_limits_and_stop_sequences_are_kept(providers):
    limited = content(providers, "Say exactly: one two three", generationConfig={"maxOutputTokens": 2})
    assert (parts(limited), limited["candidates"][0]["finishReason"]) == ([{"text": "one two"}], "MAX_TOKENS")
    stopped = content(providers, "Say exactly: one two three", generationConfig={"stopSequences": [" three"]})
    assert (parts(stopped), stopped["candidates"][0]["finishReason"]) == ([{"text": "one two"}], "STOP")


def test_thoughts_are_counted_apart_and_shown_on_demand(providers):
    def answer(**thinking):
        return content(providers, "Tell me about tea", generationConfig={"seed": 1, "thinkingConfig": thinking})

    shown, hidden, none = answer(includeThoughts=True), answer(thinkingLevel="medium"), answer(thinkingBudget=0)
    thought, text = parts(shown)
    assert thought["thought"] and "tea" in thought["text"]
    assert shown["usageMetadata"]["thoughtsTokenCount"] == tokenizer.count(thought["text"])
    assert shown["usageMetadata"]["candidatesTokenCount"] == tokenizer.count(text["text"])
    assert parts(hidden) == [text] and hidden["usageMetadata"] == shown["usageMetadata"]
    assert "thoughtsTokenCount" not in none["usageMetadata"]
    for chunk in (*chunks(providers, "Tea", generationConfig={"thinkingConfig": {"thinkingBudget": 20}}), shown):
        usage = chunk["usageMetadata"]
        assert usage["totalTokenCount"] == sum(
            usage.get(name, 0) for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        )


PARAMETERS = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER", "nullable": True}},
    "required": ["city"],
}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
TOOLS = [{"functionDeclarations": [FUNCTION, {"name": "save", "parametersJsonSchema": CITY}]}]


def test_a_function_is_called_and_its_response_is_answered_with(providers):
    first = content(providers, ASK, tools=TOOLS)
    (part,) = parts(first)
    assert part["functionCall"]["name"] == "get_weather" and part["functionCall"]["args"]["city"] == "Oslo"
    assert first["candidates"][0]["finishReason"] == "STOP"
    assert parts(*chunks(providers, ASK, tools=TOOLS))[0]["functionCall"]["args"]["city"] == "Oslo"
    talk = [
        {"role": "user", "parts": [{"text": ASK}]},
        {"role": "model", "parts": [part]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"degrees": -7}}}]},
    ]
    text = parts(content(providers, talk, tools=TOOLS))[0]["text"]
    assert "`get_weather` returned" in text and "-7" in text


@pytest.mark.parametrize(
    ("config", "called"),
    [
        ({"mode": "AUTO"}, []),
        ({"mode": "ANY"}, ["get_weather"]),
        ({"mode": "ANY", "allowedFunctionNames": ["save"]}, ["save"]),
        ({"mode": "NONE"}, []),
    ],
)
def test_the_mode_of_calling_is_heeded(providers, config, called):
    answer = content(providers, "Hello", tools=TOOLS, toolConfig={"functionCallingConfig": config})
    assert [part["functionCall"]["name"] for part in parts(answer) if "functionCall" in part] == called


def test_json_is_generated_by_google_s_schema_and_by_the_common_one(providers):
    schema = {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING"}, "people": {"type": "INTEGER", "nullable": True}},
        "required": ["city", "people"],
    }
    for field, wanted in (("responseSchema", schema), ("responseJsonSchema", CITY)):
        config = {"responseMimeType": "application/json", field: wanted}
        value = json.loads(parts(content(providers, "Tell about life in Oslo", generationConfig=config))[0]["text"])
        assert value == ({"city": "Oslo", "people": 42} if field == "responseSchema" else {"city": "Oslo"})


def test_images_and_files_are_seen(providers):
    seen = [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"fileData": {"fileUri": "https://files.example/a"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
        {"text": "What is this?"},
    ]
    said = [{"role": "user", "parts": seen}]
    text = parts(content(providers, said))[0]["text"]
    assert all(words in text for words in ("a PNG image of 640 × 480 pixels", "files.example", "a recording"))


def test_names_may_be_written_with_underscores(providers):
    answer = content(
        providers,
        "Say exactly: one two three",
        generation_config={"max_output_tokens": 1},
        system_instruction={"parts": [{"text": "x"}]},
    )
    assert parts(answer) == [{"text": "one"}]


def test_a_prompt_seen_before_is_cached(providers):
    long = "The quick brown fox jumps over the lazy dog. " * 60
    first, second = (content(providers, long, tokens(1))["usageMetadata"] for _ in range(2))
    assert "cachedContentTokenCount" not in first
    assert 500 < second["cachedContentTokenCount"] < second["promptTokenCount"]


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")],
)
def test_google_s_errors_have_its_own_shape(providers, status, name):
    error = generated(providers, "Hi", fault(f"google-ai-studio={status}")).json()["error"]
    assert (error["code"], error["status"], bool(error["message"])) == (status, name, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": []},
        {"contents": "Hi"},
        {"contents": [{"role": "wizard", "parts": [{"text": "Hi"}]}]},
        {"generationConfig": {"maxOutputTokens": "many"}},
        {"generationConfig": {"candidateCount": 2}},
        {"generationConfig": {"maxOutputTokens": 0}},
    ],
)
def test_content_that_makes_no_sense_is_refused(providers, fields):
    body = {"contents": [{"parts": [{"text": "Hi"}]}], **fields}
    response = providers.client.post("/google-native/v1beta/models/m:generateContent", json=body)
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_only_events_are_streamed_and_a_key_may_be_in_the_address(providers):
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    address = "/google-native/v1beta/models/m:"
    assert "alt=sse" in providers.client.post(address + "streamGenerateContent", json=body).json()["error"]["message"]
    assert providers.client.post(address + "generateContent?key=my-invalid", json=body).status_code == 401
    assert providers.client.post(address + "generateContent?key=any", json=body).status_code == 200


def test_faults_reach_google_s_stream(providers):
    found = chunks(providers, "Hi", {**tokens(9), **fault("*=error-in-stream:4")})
    assert len(found) == 5 and found[-1]["error"]["status"] == "UNAVAILABLE"
    assert len(chunks(providers, "Hi", {**tokens(9), **fault("*=truncate:4")})) == 4
    assert '[{"te\r\n' in generated(providers, "Hi", {**tokens(9), **fault("*=malformed:4")}, stream=True).text
    finishes = [
        chunk["candidates"][0].get("finishReason")
        for chunk in chunks(providers, "Hi", {**tokens(1), **fault("*=duplicate-finish")})
    ]
    assert finishes == [None, "STOP", "STOP"]
    filtered = content(providers, "Hi", {**tokens(9), **fault("*=content-filter:2")})
    assert filtered["candidates"][0]["finishReason"] == "SAFETY"
    assert "usageMetadata" not in content(providers, "Hi", fault("*=no-usage"))
    assert content(providers, "Hi", fault("*=error-200"))["error"]["code"] == 503


def test_native_requests_are_recorded_like_all_others(providers):
    messages(providers, "Hi", tokens(3))
    generated(providers, "Hi", tokens(2))
    first, second = providers.recorded()
    assert (first["provider"], first["path"], first["tokens"]) == ("anthropic", "/anthropic-native/v1/messages", 3)
    assert (second["provider"], second["tokens"], second["finished"]) == ("google-ai-studio", 2, True)
