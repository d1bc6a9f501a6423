"""Whatever a client sends, it gets no 500 and leaves no hold behind."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import ApiError
from gateway.protocols.chat_completions.request import ChatRequest, parse
from tests.gateway.routing.examples import plan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
TEXT = st.text(max_size=60)

PART = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": TEXT})}),
    st.dictionaries(st.sampled_from(["type", "text", "image_url", "file"]), JSON, max_size=3),
)
FUNCTION = st.dictionaries(st.sampled_from(["name", "arguments", "parameters", "description"]), JSON, max_size=3)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "function"])},
    optional={
        "content": TEXT | st.lists(PART, max_size=3) | JSON,
        "tool_calls": JSON,
        "function_call": FUNCTION | JSON,
        "name": JSON,
    },
)
PROVIDER = st.fixed_dictionaries(
    {},
    optional={
        "order": st.lists(TEXT, max_size=3) | JSON,
        "only": st.lists(st.sampled_from(["cheap", "dear", "a", ""]), max_size=3) | JSON,
        "ignore": JSON,
        "allow_fallbacks": st.booleans() | JSON,
        "require_parameters": st.booleans(),
        "data_collection": st.sampled_from(["allow", "deny", "maybe"]),
        "zdr": st.booleans(),
        "quantizations": st.lists(st.sampled_from(["fp8", "int4", "unknown", "x"]), max_size=2),
        "sort": st.sampled_from(["price", "throughput", "latency", "exacto", "luck"]) | JSON,
        "max_price": st.dictionaries(st.sampled_from(["prompt", "completion", "request", "image"]), JSON, max_size=2),
        "preferred_min_throughput": st.floats(0, 100) | JSON,
        "preferred_max_latency": st.dictionaries(st.sampled_from(["p50", "p90", "p1"]), st.floats(0, 9), max_size=2),
    },
)
BODY = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=4) | JSON},
    optional={
        "model": st.sampled_from(
            ["acme/one", "acme/one:free", "acme/one:nitro:floor", "openrouter/auto", "~acme/x", ""]
        )
        | TEXT,
        "models": st.lists(TEXT, max_size=3) | JSON,
        "max_tokens": st.integers(-1, 10**6) | JSON,
        "max_completion_tokens": st.integers(1, 50) | JSON,
        "temperature": st.floats(-1, 3) | JSON,
        "stop": st.lists(TEXT, max_size=6) | JSON,
        "tools": st.lists(JSON, max_size=2) | JSON,
        "tool_choice": JSON,
        "response_format": st.dictionaries(st.sampled_from(["type", "json_schema"]), JSON, max_size=2) | JSON,
        "reasoning": st.dictionaries(st.sampled_from(["effort", "max_tokens", "exclude", "enabled"]), JSON, max_size=2),
        "provider": PROVIDER | JSON,
        "plugins": st.lists(st.dictionaries(st.sampled_from(["id", "enabled"]), JSON, max_size=2), max_size=2) | JSON,
        "transforms": st.lists(TEXT, max_size=2) | JSON,
        "stream": st.booleans() | JSON,
        "user": TEXT | JSON,
        "session_id": JSON,
        "logit_bias": JSON,
        "usage": JSON,
        "n": st.integers(1, 3) | JSON,
        "prompt": st.lists(TEXT | st.integers(), max_size=2) | JSON,
        "functions": st.lists(FUNCTION, max_size=2) | JSON,
        "function_call": FUNCTION | st.sampled_from(["none", "auto"]) | JSON,
        "logprobs": st.booleans() | st.integers(0, 9) | JSON,
        "modalities": st.lists(st.sampled_from(["text", "image", "audio"]), max_size=2) | JSON,
        "image_config": JSON,
        "prediction": JSON,
        "verbosity": st.sampled_from(["low", "max"]) | JSON,
        "service_tier": st.sampled_from(["auto", "priority", "flex"]) | JSON,
        "web_search_options": JSON,
        "reasoning_effort": st.sampled_from(["none", "minimal"]) | JSON,
        "metadata": JSON,
    },
)


@given(BODY)
@settings(max_examples=400, deadline=None)
def test_parsing_and_planning_succeed_or_refuse(body):
    try:
        request = parse(body)
        assert isinstance(request, ChatRequest)
        plan(**body)
    except ApiError as error:
        assert 400 <= error.status < 500
        assert error.message


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_parsed_or_refused(body):
    try:
        parse(body)
    except ApiError as error:
        assert error.status == 400


@given(body=BODY)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_whole_path_never_answers_500(api, body):
    answer = await api.post(json=body)
    assert answer.status_code != 500
    account = await api.account()
    assert account.held == 0
    assert account.credits >= account.usage
