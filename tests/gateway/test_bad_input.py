"""Bad bodies for /chat/completions and /completions: never a 500, always the envelope with the place of the fault."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InvalidRequest
from gateway.protocols.table import CHAT_COMPLETIONS, COMPLETIONS
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.request import request_body as google_body
from gateway.providers.openai_chat.request import request_body as openai_body
from gateway.providers.request_context import ProviderRequest
from gateway.tokens.bounds import estimate_file_tokens, estimate_tokens
from tests.gateway.bad_input import CONTENT_TYPES, EXAMPLES, damaged_bytes, damaged_json, encoded
from tests.gateway.native import ANTHROPIC, CALLER, GOOGLE, PNG, WEATHER, attempt, connect
from tests.wire import check

TEXT = st.text(max_size=20)
#: One for each protocol in which the gateway speaks to providers.
MODELS = ("acme/one", ANTHROPIC.model, GOOGLE.model)
PROTOCOLS = {"/chat/completions": CHAT_COMPLETIONS, "/completions": COMPLETIONS}

PART = st.sampled_from(
    [
        {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
    ]
)
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
THOUGHT = {"type": "reasoning.text", "text": "Hm.", "signature": "x", "format": "anthropic-claude-v1", "index": 0}
MESSAGE = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": TEXT | st.lists(PART, max_size=3)}),
    st.sampled_from(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_details": [THOUGHT]},
            {"role": "assistant", "content": "Hi", "reasoning": "Hm.", "refusal": None, "name": "a"},
            {"role": "tool", "content": "12 degrees", "tool_call_id": "call_1", "name": "get_weather"},
        ]
    ),
)
SCHEMA = {
    "$defs": {"a": {"type": "object", "properties": {"b": {"type": "string", "format": "date"}}, "required": ["b"]}},
    "anyOf": [{"$ref": "#/$defs/a"}, {"allOf": [{"properties": {"c": {"enum": [1]}}}, {"required": ["c"]}]}],
    "properties": {"d": {"type": "array", "minItems": 1, "items": {"oneOf": [{"const": 1}, {"maximum": 5}]}}},
}
TOOL = {"type": "function", "function": {"name": "look", "description": "a", "parameters": SCHEMA, "strict": True}}
#: The optional fields of a request, with values that are right.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from([*MODELS, "acme/one:floor", "acme/one:nitro", "openrouter/auto"]),
    "models": st.just(["acme/one", "acme/two"]),
    "route": st.just("fallback"),
    "stream": st.booleans(),
    "stream_options": st.just({"include_usage": True}),
    "usage": st.just({"include": True}),
    "max_tokens": st.integers(1, 100),
    "max_completion_tokens": st.integers(1, 100),
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0.1, 1),
    "top_k": st.integers(0, 50),
    "min_p": st.floats(0, 1),
    "top_a": st.floats(0, 1),
    "frequency_penalty": st.floats(-2, 2),
    "presence_penalty": st.floats(-2, 2),
    "repetition_penalty": st.floats(0.1, 2),
    "seed": st.integers(),
    "logit_bias": st.just({"50256": -100}),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 20),
    "n": st.integers(1, 3),
    "stop": TEXT | st.lists(TEXT, max_size=4),
    "tools": st.just([WEATHER, {"type": "openrouter:web_search", "parameters": {"max_results": 2}}])
    | st.just([TOOL])
    | st.just([{"type": "custom", "custom": {"name": "shell.run", "format": {"type": "text"}}}, WEATHER]),
    "tool_choice": st.sampled_from(["auto", "none", {"type": "function", "function": {"name": "get_weather"}}]),
    "parallel_tool_calls": st.booleans(),
    "functions": st.just([WEATHER["function"]]),
    "function_call": st.sampled_from(["auto", {"name": "get_weather"}]),
    "response_format": st.sampled_from(
        [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}]
    ),
    "reasoning": st.sampled_from([{"effort": "high"}, {"max_tokens": 100, "exclude": True}, {"enabled": True}]),
    "reasoning_effort": st.just("low"),
    "include_reasoning": st.booleans(),
    "verbosity": st.just("low"),
    "prediction": st.just({"type": "content", "content": "Hello"}),
    "provider": st.sampled_from(
        [
            {"sort": "price", "allow_fallbacks": True, "data_collection": "deny", "zdr": False},
            {"order": ["cheap", "dear"], "only": ["cheap"], "ignore": ["dear"], "quantizations": ["fp8"]},
            {"max_price": {"prompt": 10, "completion": "20"}, "preferred_min_throughput": {"p50": 1}},
            {"sort": {"by": "throughput", "partition": "none"}, "preferred_max_latency": 3, "require_parameters": True},
        ]
    ),
    "plugins": st.sampled_from([[{"id": "context-compression"}], [{"id": "response-healing", "enabled": True}]]),
    "transforms": st.just(["middle-out"]),
    "web_search_options": st.just({"search_context_size": "low"}),
    "user": TEXT,
    "session_id": TEXT,
    "prompt_cache_key": TEXT,
    "cache_control": st.just({"type": "ephemeral", "ttl": "1h"}),
    "service_tier": st.just("auto"),
    "metadata": st.just({"a": "b"}),
    "trace": st.just({"trace_id": "a", "span_name": "b"}),
    "modalities": st.just(["text"]),
    "image_config": st.just({"aspect_ratio": "1:1"}),
    "safe_prompt": st.booleans(),
}
REQUIRED: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "/chat/completions": {"messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    "/completions": {"prompt": TEXT},
}


@st.composite
def valid_body(draw: st.DrawFn, path: str) -> dict[str, Any]:
    """A request of up to six optional fields."""
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=6, unique=True))
    fields = REQUIRED[path] | {name: FIELDS[name] for name in chosen}
    return {"model": draw(st.sampled_from(MODELS))} | {name: draw(strategy) for name, strategy in fields.items()}


@st.composite
def bad_requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """(the path, a body that may be bad in its values or as a text)."""
    path = draw(st.sampled_from(sorted(PROTOCOLS)))
    valid = valid_body(path)
    once, often = damaged_json(valid, most=1), damaged_json(valid, most=3)
    return path, draw(damaged_bytes(valid) | once.map(encoded) | once.map(encoded) | often.map(encoded))


@pytest.fixture
async def providers(api, provider_sandbox, monkeypatch):
    for provider in (ANTHROPIC, GOOGLE):
        await connect(provider, provider_sandbox, monkeypatch)


BUILDERS = {
    "anthropic": lambda request: anthropic_body(request, {}),
    "google": lambda request: google_body(request, {}),
    "openai_chat": openai_body,
}


#: A JSON path, the byte of a syntax error, the name of the field, or the wrong name of a model.
PLACE = re.compile(r"`\$[^`]*`|byte \d+|`[a-z_.]+`|\bbody\b|truncated|valid model ID")


@given(bad_requests())
@settings(max_examples=EXAMPLES)
def test_a_body_is_parsed_or_refused_with_the_place_of_its_fault(request):
    path, body = request
    try:
        PROTOCOLS[path].parse(body)
    except InvalidRequest as error:
        assert PLACE.search(error.message), error.message
        json.dumps(error.envelope()).encode()


@given(bad_requests(), st.sampled_from(sorted(BUILDERS)))
@settings(max_examples=EXAMPLES)
def test_the_body_for_a_provider_is_made_or_the_request_is_refused_with_the_place(request, protocol):
    path, body = request
    try:
        chat = PROTOCOLS[path].parse(body)
        estimate_tokens(chat.messages, chat.body)
        estimate_file_tokens(chat.messages, 100_000)
        json.dumps(BUILDERS[protocol](ProviderRequest(chat, attempt("claude-haiku-4-5"), CALLER, 100)))
    except InvalidRequest as error:
        assert PLACE.search(error.message), error.message
    except ProviderFailure as refused:
        assert refused.status == 400


@given(request=bad_requests(), content_type=CONTENT_TYPES)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_answer_is_a_response_or_the_error_envelope(api, providers, request, content_type):
    path, body = request
    response = await api.post(path, content=body, headers={"Content-Type": content_type, "X-Sandbox-Tokens": "2"})
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        check(f"POST {path}", response.status_code, response.json())
        error = response.json()["error"]
        assert error["code"] == response.status_code
        if response.status_code == 400 and "provider_name" not in error["metadata"]:
            assert PLACE.search(error["message"]), error
    elif "text/event-stream" not in response.headers["content-type"]:
        check(f"POST {path}", 200, response.json())
        assert "error" not in response.json(), response.text
    else:
        assert response.text.endswith("data: [DONE]\n\n")
        assert '"error":' not in response.text, response.text
