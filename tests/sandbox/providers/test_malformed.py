"""Requests that no provider accepts: always a 400 in the provider's own shape of errors, never a 500."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

AT_ONCE = {"X-Sandbox-Delay": "0", "X-Sandbox-Dialect": "plain", "anthropic-version": "2023-06-01"}
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def openai_body(parameters, wanted):
    function = {"name": "get_weather", "description": "Weather", "parameters": parameters}
    return {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What is the weather in Oslo?"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "get_weather"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "rain"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        ],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}} if wanted is None else "none",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": wanted or OBJECT}},
        "reasoning": {"effort": "low"},
        "stop": ["zzz"],
    }


def anthropic_body(parameters, wanted):
    return {
        "model": "m",
        "max_tokens": 2000,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": "What is the weather in Oslo?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "get_weather", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "rain"}]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x.example"}}]},
        ],
        "tools": [{"name": "get_weather", "description": "Weather", "input_schema": parameters}],
        "tool_choice": {"type": "tool", "name": "get_weather"} if wanted is None else {"type": "none"},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": wanted or OBJECT}},
        "thinking": {"type": "adaptive"},
    }


def gemini_body(parameters, wanted):
    return {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "What is the weather in Oslo?"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"sky": "rain"}}}]},
            {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": parameters}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY" if wanted is None else "NONE"}},
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": wanted or OBJECT,
            "thinkingConfig": {"includeThoughts": True},
        },
    }


PROTOCOLS = {
    "openai": ("/openai/v1/chat/completions", openai_body),
    "anthropic": ("/anthropic-native/v1/messages", anthropic_body),
    "gemini": ("/google-native/v1beta/models/m:generateContent", gemini_body),
}
EVERY_PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)


def send(providers, protocol, body):
    """The status of the answer to `body`: 200, or 400 in the shape of the protocol."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = providers.client.post(PROTOCOLS[protocol][0], content=content, headers=providers.headers(AT_ONCE))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        error = answer.json()
        assert error["error"]["message"]
        if protocol == "openai":
            assert error["error"]["type"] == "invalid_request_error"
        elif protocol == "anthropic":
            assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
        else:
            assert (error["error"]["code"], error["error"]["status"]) == (400, "INVALID_ARGUMENT")
    return answer.status_code


def deep(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


def of(schema):
    return {"type": "object", "properties": {"x": schema}, "required": ["x"]}


MALFORMED = [
    "text", 7, ["object"], {"type": "string"}, {"type": "object", "properties": []}, {"type": 7},
    {"type": "object", "required": "x"}, {"type": "object", "required": [1]}, of(1),
    of({"type": "thing"}), of({"type": []}), of({"type": ["string", 1]}), of({"enum": []}), of({"enum": "red"}),
    of({"$ref": "#/$defs/none"}), of({"$ref": "https://schemas.example"}), of({"$ref": 5}), of({"$ref": "#/required"}),
    of({"type": "string", "pattern": "("}), of({"type": "string", "pattern": "a{2,1}"}), of({"pattern": 5}),
    of({"type": "string", "pattern": "(" * 3000 + ")" * 3000}),
    of({"type": "integer", "minimum": 5, "maximum": 1}), of({"type": "number", "minimum": "low"}),
    of({"type": "number", "multipleOf": 0}), of({"type": "string", "minLength": -1}),
    of({"type": "string", "minLength": 5, "maxLength": 2}),
    of({"type": "array", "minItems": 3, "maxItems": 1}), of({"type": "array", "items": []}),
    of({"type": "array", "minItems": 1.5}), of({"type": "array", "uniqueItems": "yes"}),
    of({"anyOf": []}), of({"anyOf": {}}), of({"allOf": [7]}), of({"format": 5}), of({"exclusiveMinimum": True}),
    deep(80), deep(400),
    of({"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}),
]  # fmt: skip


@EVERY_PROTOCOL
@pytest.mark.parametrize("schema", MALFORMED, ids=lambda schema: f"{schema}"[:60])
def test_a_tool_with_malformed_parameters_is_refused(providers, protocol, schema):
    assert send(providers, protocol, PROTOCOLS[protocol][1](schema, None)) == 400


@EVERY_PROTOCOL
@pytest.mark.parametrize(
    "schema", [each for each in MALFORMED if each != {"type": "string"}], ids=lambda s: f"{s}"[:60]
)
def test_a_malformed_response_schema_is_refused(providers, protocol, schema):
    assert send(providers, protocol, PROTOCOLS[protocol][1](OBJECT, schema)) == 400


@EVERY_PROTOCOL
def test_what_is_not_malformed_is_answered(providers, protocol):
    make = PROTOCOLS[protocol][1]
    assert send(providers, protocol, make(OBJECT, None)) == 200
    assert send(providers, protocol, make(deep(30), of({"type": "string", "pattern": "^[a-z]{3}$"}))) == 200


@EVERY_PROTOCOL
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"model":' * 20_000, b"{}", b"[]", b"null", b"\xff", b"", b"7"])
def test_a_body_that_is_no_request_is_refused(providers, protocol, body):
    assert send(providers, protocol, body) == 400


@EVERY_PROTOCOL
def test_half_of_a_character_is_answered_or_refused(providers, protocol):
    body = json.dumps(PROTOCOLS[protocol][1](OBJECT, OBJECT)).encode()
    assert send(providers, protocol, body.replace(b"What is the weather in Oslo?", b"\\ud800")) in (200, 400)


@pytest.mark.parametrize(
    ("protocol", "changes"),
    [
        ("openai", {"tools": [{"type": "function"}]}),
        ("openai", {"tools": [{"type": "function", "function": {"name": ""}}]}),
        ("openai", {"tools": [{"function": {"name": "f"}}]}),
        ("openai", {"tools": {"type": "function"}}),
        ("openai", {"tool_choice": {"type": "function", "function": {"name": "another"}}}),
        ("openai", {"tool_choice": {"type": "function"}}),
        ("openai", {"tool_choice": "perhaps"}),
        ("openai", {"response_format": {"type": "json_schema"}}),
        ("openai", {"response_format": {"type": "poem"}}),
        ("openai", {"top_logprobs": 10**9, "logprobs": True}),
        ("openai", {"messages": [{"role": "user", "content": [5]}]}),
        ("openai", {"messages": [{"role": "assistant", "tool_calls": 5}]}),
        ("openai", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 7}]}]}),
        ("anthropic", {"tools": [{"name": "f"}]}),
        ("anthropic", {"tools": [{"input_schema": {"type": "object"}}]}),
        ("anthropic", {"tool_choice": {"type": "tool", "name": "another"}}),
        ("anthropic", {"tool_choice": {"type": "perhaps"}}),
        ("anthropic", {"messages": [{"role": "user", "content": []}], "system": None}),
        ("anthropic", {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
        ("anthropic", {"output_config": {"effort": ["low"]}}),
        ("gemini", {"tools": [{"functionDeclarations": 5}]}),
        ("gemini", {"tools": [{"functionDeclarations": [{"parameters": {}}]}]}),
        ("gemini", {"toolConfig": {"functionCallingConfig": "ANY"}}),
        ("gemini", {"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": 5}}}),
        ("gemini", {"contents": [{"parts": []}], "systemInstruction": None}),
        ("gemini", {"contents": [{"parts": [{"functionResponse": "rain"}]}]}),
        ("gemini", {"generationConfig": {"thinkingConfig": {"thinkingBudget": "much"}}}),
    ],
)
def test_malformed_tools_choices_and_messages_are_refused(providers, protocol, changes):
    assert send(providers, protocol, PROTOCOLS[protocol][1](OBJECT, None) | changes) == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
KEYWORDS = ["type", "properties", "items", "enum", "$ref", "anyOf", "allOf", "minimum", "maximum", "pattern",
            "required", "minItems", "maxItems", "minLength", "multipleOf", "const", "additionalProperties"]  # fmt: skip
SCHEMA = st.dictionaries(
    st.sampled_from(KEYWORDS),
    st.sampled_from(["object", "array", "string", "integer", "#", "^a+$", 0, 1, 3, True, {}, [], ["x"], {"x": {}}])
    | st.lists(st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=2), max_size=2)
    | JSON,
    max_size=4,
)


def places(value, path=()):
    """The paths to every part of a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@EVERY_PROTOCOL
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_one_part_of_a_request_is_replaced_by_it_is_answered_or_refused(providers, protocol, data):
    body = copy.deepcopy(PROTOCOLS[protocol][1](OBJECT, data.draw(st.sampled_from([None, OBJECT]))))
    *path, last = data.draw(st.sampled_from([path for path in places(body) if path]))
    place = body
    for step in path:
        place = place[step]
    place[last] = data.draw(JSON | SCHEMA)
    assert send(providers, protocol, body) in (200, 400)


@EVERY_PROTOCOL
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=SCHEMA, wanted=SCHEMA)
def test_whatever_the_schemas_they_are_kept_or_refused(providers, protocol, parameters, wanted):
    assert send(providers, protocol, PROTOCOLS[protocol][1](of(parameters), None)) in (200, 400)
    assert send(providers, protocol, PROTOCOLS[protocol][1](OBJECT, of(wanted))) in (200, 400)
