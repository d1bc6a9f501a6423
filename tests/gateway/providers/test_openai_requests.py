"""Request bodies in OpenAI's protocol, without a network. `test_dialects.py` has the fields of the dialects."""

import re
from typing import Any

import msgspec
import pytest

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import parse
from gateway.providers.openai_chat.request import request_body
from gateway.providers.request_context import ProviderRequest
from gateway.routing.plan import Attempt
from tests.gateway.native import CALLER, TOOL_CALL, WEATHER, user
from tests.gateway.routing.examples import REAL, A, B, C, catalogue, endpoint, model, plan, tags

CACHED = {"cache_control": {"type": "ephemeral"}}
REPLY = {
    "role": "assistant",
    "content": None,
    "refusal": None,
    "tool_calls": [TOOL_CALL],
    "reasoning": "Weather first.",
    "reasoning_details": [{"type": "reasoning.text", "text": "Weather first."}],
}
CONVERSATION = {
    "messages": [
        user([{"type": "text", "text": "Hello", **CACHED}]),
        REPLY,
        {"role": "tool", "content": "Rain", **CACHED},
    ],
    "tools": [WEATHER | CACHED],
}


def body_for(provider: str, *, fields: Any = None, max_tokens: int | None = None, **parameters: Any) -> dict[str, Any]:
    one = endpoint(provider, "1", **(fields or {}))
    attempt = Attempt(model("acme/one", one), one, REAL, "")
    return request_body(ProviderRequest(parse({"messages": [user("Hi")], **parameters}), attempt, CALLER, max_tokens))


@pytest.mark.parametrize("provider", ["openai", "azure", "mistral"])
def test_strict_providers_get_openais_own_fields_only(provider):
    body = body_for(provider, **CONVERSATION)
    assert body["messages"] == [
        user([{"type": "text", "text": "Hello"}]),
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
        {"role": "tool", "content": "Rain"},
    ]
    assert body["tools"] == [WEATHER]
    assert CONVERSATION["messages"][1] is REPLY and "reasoning" in REPLY  # the client's request is not modified


ALL_FIELDS = {
    "temperature": 0.5,
    "seed": 1,
    "prompt_cache_key": "alice-chat-7",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
    "safety_identifier": "alice",
    "store": True,
    "service_tier": "priority",
    "metadata": {"team": "blue"},
    "modalities": ["text"],
    "safe_prompt": True,
    "invented": 1,
    "reasoning": {"effort": "low"},
    "stream": True,
}
SUPPORTED = {"supported_parameters": frozenset({"temperature", "seed", "reasoning"})}
COMMON = {"model", "messages", "stream", "temperature", "reasoning_effort", "max_tokens"}


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("groq", COMMON | {"seed", "stream_options", "user"}),
        ("mistral", COMMON | {"safe_prompt", "random_seed"}),
        (
            "openai",
            (COMMON - {"max_tokens"})
            | {"seed", "stream_options", "user", "max_completion_tokens", "prompt_cache_key", "prompt_cache_retention"}
            | {"prompt_cache_options", "modalities", "safe_prompt", "invented"},
        ),
        ("deepseek", COMMON | {"seed", "stream_options", "user", "modalities", "safe_prompt", "invented", "thinking"}),
    ],
)
def test_a_provider_gets_no_fields_that_it_refuses_or_charges_extra_for(provider, names):
    body = body_for(provider, fields=SUPPORTED, max_tokens=100, **ALL_FIELDS)
    assert body.keys() == names
    assert "alice" not in str(body)  # names of users and conversations are not sent
    assert body["reasoning_effort"] == ("high" if provider == "mistral" else "low")


def test_the_prompt_cache_key_differs_between_accounts():
    other = msgspec.structs.replace(CALLER, account_id=2)
    one = endpoint("openai", "1")
    attempt = Attempt(model("acme/one", one), one, REAL, "")
    request = parse({"messages": [user("Hi")], "prompt_cache_key": "k"})
    bodies = [request_body(ProviderRequest(request, attempt, caller, None)) for caller in (CALLER, CALLER, other)]
    keys = [body["prompt_cache_key"] for body in bodies]
    assert keys[0] == keys[1] != keys[2]


def test_a_provider_without_names_gets_them_in_the_text():
    parts = [{"type": "image_url", "image_url": {"url": "https://a.example/x"}}, {"type": "text", "text": "Look"}]
    named = [user("Hi") | {"name": "Ann"}, user(parts) | {"name": "Bo"}, {"role": "tool", "content": "x", "name": "f"}]
    first, second, tool = body_for("groq", messages=named)["messages"]
    assert first == user("Ann: Hi")
    assert second == user([parts[0], {"type": "text", "text": "Bo: Look"}])
    assert tool == {"role": "tool", "content": "x"}
    assert body_for("openai", messages=named)["messages"] == named
    assert parts[1]["text"] == "Look"  # the client's request is not modified


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({str(number): "x" for number in range(17)}, "length <= 16 - at `$.metadata`"),
        ({"k" * 65: "x"}, "length <= 64 - at"),
        ({"k": "x" * 513}, "length <= 512 - at"),
        ({"k": 1}, "Expected `str`, got `int`"),
        ("x", "got `str`"),
    ],
)
def test_metadata_has_limits(metadata, message):
    with pytest.raises(InvalidRequest, match=re.escape(message)) as refused:
        parse({"messages": [user("Hi")], "metadata": metadata})
    assert "$.metadata" in refused.value.message
    parse({"messages": [user("Hi")], "metadata": {f"{number}".ljust(64, "k"): "x" * 512 for number in range(16)}})


def test_tolerant_providers_get_what_the_client_sent():
    body = body_for("acme", **CONVERSATION)
    sent = {name: value for name, value in REPLY.items() if name != "refusal"}  # which is null
    first, _, last = CONVERSATION["messages"]
    assert (body["messages"], body["tools"]) == ([first, sent, last], CONVERSATION["tools"])


@pytest.mark.parametrize(
    ("reasoning", "max_tokens", "effort"),
    [
        ({"max_tokens": 100}, 4000, "low"),  # a fortieth: "low" is the lowest effort that all models have
        ({"max_tokens": 1300}, 4000, "low"),
        ({"max_tokens": 1500}, 4000, "medium"),
        ({"max_tokens": 2500}, 4000, "medium"),
        ({"max_tokens": 2700}, 4000, "high"),
        ({"max_tokens": 9999}, 4000, "high"),
        ({"max_tokens": 1500}, None, "low"),  # of the 8,000 output tokens of the endpoint
        ({"max_tokens": 1500}, 99_999, "low"),
        ({"effort": "minimal"}, None, "minimal"),
        ({"effort": "xhigh"}, None, "high"),
        ({"effort": "none"}, None, "none"),
        ({"enabled": True}, None, "medium"),
        ({"enabled": False}, None, None),
        ({"exclude": True}, None, None),
        (None, None, None),
    ],
)
def test_a_reasoning_budget_becomes_the_effort_with_the_nearest_share(reasoning, max_tokens, effort):
    fields = {"max_completion_tokens": 8000, "supported_parameters": frozenset({"reasoning"})}
    body = body_for("deepseek", fields=fields, max_tokens=max_tokens, reasoning=reasoning)
    assert body.get("reasoning_effort") == effort
    assert "reasoning" not in body
    assert "reasoning_effort" not in body_for(
        "deepseek", fields={"supported_parameters": frozenset()}, reasoning=reasoning
    )


@pytest.mark.parametrize(("verbosity", "sent"), [("low", "low"), ("xhigh", "high"), ("max", "high")])
def test_verbosity_is_reduced_to_openais_three(verbosity, sent):
    fields = {"supported_parameters": frozenset({"verbosity"})}
    assert body_for("openai", fields=fields, verbosity=verbosity)["verbosity"] == sent
    assert "verbosity" not in body_for("openai", verbosity=verbosity)
    with pytest.raises(InvalidRequest, match="verbosity"):
        parse({"messages": [user("Hi")], "verbosity": "endless"})


def test_the_older_route_parameter_sets_the_partition_of_the_sort():
    two = catalogue(model("acme/one", B, C), model("acme/two", A))
    parameters = {"models": ["acme/two"], "provider": {"sort": "price"}}
    assert tags(plan(two, **parameters)) == ["b", "c", "a"]
    assert tags(plan(two, **parameters, route="sort")) == ["a", "b", "c"]
    assert tags(plan(two, **parameters, route="fallback")) == ["b", "c", "a"]


# --- Messages that come back ----------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "deepseek", "groq", "acme"])
def test_null_and_empty_fields_of_an_echoed_message_are_dropped(provider):
    echoed = {
        "role": "assistant", "content": "Hi", "tool_calls": [], "function_call": None, "audio": None, "annotations": [],
    }  # fmt: skip
    body = body_for(provider, messages=[user("Hi"), echoed, user("And?")])
    assert body["messages"][1] == {"role": "assistant", "content": "Hi"}


def test_a_message_without_content_has_an_empty_one_unless_it_calls_a_tool():
    messages = [user("Hi"), {"role": "assistant", "content": None}, {"role": "assistant", "tool_calls": [TOOL_CALL]}]
    sent = body_for("acme", messages=messages)["messages"]
    assert sent[1:] == [
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
    ]


@pytest.mark.parametrize("arguments", ["", None, " "])
def test_a_call_without_arguments_goes_back_with_an_empty_object(arguments):
    call = {"id": "1", "type": "function", "function": {"name": "now", "arguments": arguments}}
    sent = body_for(
        "acme", messages=[user("Hi"), {"role": "assistant", "content": None, "tool_calls": [call, TOOL_CALL]}]
    )
    assert [one["function"]["arguments"] for one in sent["messages"][1]["tool_calls"]] == [
        "{}",
        TOOL_CALL["function"]["arguments"],
    ]
    assert call["function"]["arguments"] == arguments


def test_deepseek_gets_strings_and_its_own_field_for_reasoning():
    texts = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    messages = [
        {"role": "developer", "content": texts},
        user(texts),
        REPLY | {"reasoning": None},
        {"role": "tool", "tool_call_id": "call_1", "content": texts},
    ]
    sent = body_for("deepseek", messages=messages)["messages"]
    assert [message["content"] for message in sent] == ["One.\nTwo.", "One.\nTwo.", None, "One.\nTwo."]
    assert sent[0]["role"] == "system"
    assert sent[2]["reasoning_content"] == "Weather first."  # from its details
    assert not {"reasoning", "reasoning_details"} & sent[2].keys()


# --- Tools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "mistral", "acme"])
@pytest.mark.parametrize("tools", [{"tools": []}, {}, {"tools": None}])
def test_without_a_tool_nothing_about_tools_is_sent(provider, tools):
    body = body_for(provider, tool_choice="auto", parallel_tool_calls=True, **tools)
    assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}


def test_parameters_with_alternatives_become_one_object():
    place = {"anyOf": [{"properties": {"city": {"type": "string"}}}, {"properties": {"zip": {"type": "string"}}}]}
    (tool,) = body_for("openai", tools=[{"type": "function", "function": {"name": "a", "parameters": place}}])["tools"]
    assert tool["function"]["parameters"]["type"] == "object"
    assert tool["function"]["parameters"]["properties"].keys() == {"city", "zip"}


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (user([]), ""),
        ({"role": "tool", "tool_call_id": "call_1", "content": []}, ""),
        ({"role": "assistant", "content": [], "tool_calls": [TOOL_CALL]}, None),
        ({"role": "assistant", "content": []}, ""),
    ],
)
def test_a_content_without_parts_is_an_empty_text_or_none_beside_a_call(message, content):
    for provider in ("openai", "unknown"):
        (sent,) = body_for(provider, messages=[message])["messages"]
        assert sent == message | {"content": content}
