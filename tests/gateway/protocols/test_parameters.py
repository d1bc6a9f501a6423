"""The parameters of a chat completion request, each in turn: honored, sent, ignored or refused, as the table says."""

import json
from typing import Any

import pytest

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.parameters import FIELDS, OPTIONAL, Use
from gateway.protocols.chat_completions.request import parse
from gateway.providers.openai_chat.request import request_body
from gateway.providers.request_context import ProviderRequest
from gateway.routing.plan import Attempt
from models_catalog.reference.parameters import IMPLIED_BY, PARAMETERS
from tests.gateway.native import CALLER, WEATHER, user
from tests.gateway.routing.examples import REAL, endpoint, model

#: The properties of `ChatRequest`, the body of "POST /chat/completions" in OpenRouter's document.
DOCUMENTED = {
    "cache_control", "debug", "frequency_penalty", "image_config", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "messages", "metadata", "min_p", "modalities", "model", "models", "parallel_tool_calls", "plugins",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "provider", "reasoning",
    "reasoning_effort", "repetition_penalty", "response_format", "route", "seed", "service_tier", "session_id", "stop",
    "stop_server_tools_when", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_a", "top_k",
    "top_logprobs", "top_p", "trace", "user",
}  # fmt: skip
#: Parameters that OpenRouter's guides name, and those of OpenAI's clients.
IN_USE = {
    "audio", "best_of", "echo", "function_call", "functions", "include_reasoning", "max_tool_calls", "n", "preset",
    "prompt", "safety_identifier", "store", "structured_outputs", "suffix", "transforms", "usage", "verbosity",
    "web_search_options",
}  # fmt: skip

#: A value of each parameter.
EXAMPLES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "best_of": 2,
    "cache_control": {"type": "ephemeral"},
    "debug": {"echo_upstream_body": True},
    "echo": True,
    "frequency_penalty": 0.5,
    "function_call": "auto",
    "functions": [WEATHER["function"]],
    "image_config": {"aspect_ratio": "16:9"},
    "include_reasoning": True,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 50,
    "max_tokens": 50,
    "max_tool_calls": 3,
    "messages": [user("Hi")],
    "metadata": {"team": "blue"},
    "min_p": 0.1,
    "modalities": ["text"],
    "model": "acme/one",
    "models": ["acme/two"],
    "n": 2,
    "parallel_tool_calls": False,
    "plugins": [{"id": "response-healing"}],
    "prediction": {"type": "content", "content": "Hello"},
    "presence_penalty": 0.5,
    "preset": "careful",
    "prompt": "Hi",
    "prompt_cache_key": "chat-7",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "provider": {"sort": "price"},
    "reasoning": {"effort": "low"},
    "reasoning_effort": "low",
    "repetition_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "route": "fallback",
    "safety_identifier": "alice",
    "seed": 7,
    "service_tier": "priority",
    "session_id": "s-1",
    "stop": ["END"],
    "stop_server_tools_when": [{"type": "step_count_is", "step_count": 2}],
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "structured_outputs": True,
    "suffix": "The end.",
    "temperature": 0.5,
    "tool_choice": "auto",
    "tools": [WEATHER],
    "top_a": 0.1,
    "top_k": 5,
    "top_logprobs": 2,
    "top_p": 0.9,
    "trace": {"trace_id": "t-1"},
    "transforms": ["middle-out"],
    "usage": {"include": True},
    "user": "alice",
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}
EVERYTHING = frozenset(one.name for one in PARAMETERS)


def sent(name: str, *, provider: str = "openai", listed: frozenset[str] = EVERYTHING) -> dict[str, Any]:
    """The body of a request with this parameter for OpenAI, or for another provider."""
    served = endpoint(provider, "1", supported_parameters=listed)
    needs = {"tools": [WEATHER]} if name in {"tool_choice", "parallel_tool_calls"} else {}
    request = parse({"messages": [user("Hi")], **needs, name: EXAMPLES[name]})
    context = ProviderRequest(request, Attempt(model("acme/one", served), served, REAL, ""), CALLER, request.max_tokens)
    return request_body(context)


def test_the_table_has_every_documented_parameter():
    assert DOCUMENTED - FIELDS.keys() == set()
    assert IN_USE - FIELDS.keys() == set()


def test_every_parameter_of_the_table_has_an_example_here():
    assert EXAMPLES.keys() == FIELDS.keys()


def test_the_parameters_that_endpoints_list_are_those_that_the_table_makes_optional():
    by_the_gateway = {"structured_outputs", "reasoning", "include_reasoning", "max_tokens"}
    of_other_tasks = {"dimensions", "input_type"}
    assert EVERYTHING - by_the_gateway - of_other_tasks == OPTIONAL


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.use is Use.OPTIONAL))
def test_an_optional_parameter_is_sent_where_the_endpoint_lists_it(name):
    assert sent(name)[name] == EXAMPLES[name]
    assert name not in sent(name, listed=EVERYTHING - {name, IMPLIED_BY.get(name, "")})


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.use is Use.SENT))
def test_a_parameter_of_the_protocol_is_sent_to_every_endpoint(name):
    assert sent(name, listed=frozenset())[name] == EXAMPLES[name]


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.use is Use.IGNORED))
def test_an_ignored_parameter_is_accepted_and_changes_nothing(name):
    with_it, without = parse({"messages": [user("Hi")], name: EXAMPLES[name]}), parse({"messages": [user("Hi")]})
    assert {**with_it.body, name: None} == {**without.body, name: None}
    assert sent(name) == sent("messages")


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.use is Use.REFUSED))
def test_a_refused_parameter_is_refused_by_its_name_unless_it_asks_for_nothing(name):
    with pytest.raises(InvalidRequest) as refused:
        sent(name)
    assert f"`$.{name}`" in refused.value.message
    nothing = {"best_of": 1, "echo": False, "suffix": ""}[name]
    assert parse({"messages": [user("Hi")], name: nothing}).choices == 1


#: What a provider gets, or the gateway reads, of the parameters that the gateway acts on.
GATEWAY = {
    "cache_control": lambda request, body: request.body["cache_control"] == {"type": "ephemeral"},
    "function_call": lambda request, body: True,
    "functions": lambda request, body: body["tools"][0]["function"] == WEATHER["function"] and request.uses_functions,
    "include_reasoning": lambda request, body: body["reasoning_effort"] == "medium",
    "max_completion_tokens": lambda request, body: body["max_completion_tokens"] == 50,
    "max_tokens": lambda request, body: body["max_completion_tokens"] == 50,
    "messages": lambda request, body: body["messages"] == [user("Hi")],
    "model": lambda request, body: request.model == "acme/one",
    "models": lambda request, body: request.models == ("acme/two",),
    "n": lambda request, body: request.choices == body["n"] == 2,
    "plugins": lambda request, body: request.body["plugins"] == [{"id": "response-healing"}],
    "preset": lambda request, body: request.body["preset"] == "careful",
    "prompt": lambda request, body: body["messages"] == [user("Hi")],
    "prompt_cache_key": lambda request, body: len(body["prompt_cache_key"]) == 32,
    "provider": lambda request, body: request.provider.sort == "price",
    "reasoning": lambda request, body: body["reasoning_effort"] == "low",
    "reasoning_effort": lambda request, body: body["reasoning_effort"] == "low",
    "route": lambda request, body: request.body["route"] == "fallback",
    "safety_identifier": lambda request, body: request.user == "alice" and len(body["user"]) == 32,
    "service_tier": lambda request, body: request.service_tier == "priority",
    "session_id": lambda request, body: request.session_id == "s-1",
    "stream": lambda request, body: request.stream and body["stream"],
    "stream_options": lambda request, body: True,
    "structured_outputs": lambda request, body: request.body["structured_outputs"],
    "transforms": lambda request, body: request.body["transforms"] == ["middle-out"],
    "usage": lambda request, body: True,
    "user": lambda request, body: request.user == "alice" and len(body["user"]) == 32,
}
#: Names that mean the same in a provider's body.
SAME_THERE = {
    "max_completion_tokens",
    "messages",
    "model",
    "n",
    "prompt_cache_key",
    "reasoning_effort",
    "stream",
    "user",
}


@pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.use is Use.GATEWAY))
def test_a_parameter_of_the_gateway_has_its_effect_and_is_not_copied(name):
    request = parse({"messages": [user("Hi")], name: EXAMPLES[name]} if name != "prompt" else {"prompt": "Hi"})
    body = sent(name)
    assert GATEWAY[name](request, body)
    assert name not in body or name in SAME_THERE


def test_a_parameter_without_an_entry_goes_to_the_provider_as_it_is():
    served = endpoint("deepseek", "1")
    request = parse({"messages": [user("Hi")], "safe_prompt": True, "raw_mode": {"deep": [1]}})
    body = request_body(ProviderRequest(request, Attempt(model("acme/one", served), served, REAL, ""), CALLER, None))
    assert (body["safe_prompt"], body["raw_mode"]) == (True, {"deep": [1]})


# --- Values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ({"n": 0}, "$.n"),
        ({"n": 129}, "$.n"),
        ({"top_logprobs": 21}, "$.top_logprobs"),
        ({"verbosity": "loud"}, "$.verbosity"),
        ({"service_tier": "express"}, "$.service_tier"),
        ({"modalities": ["smell"]}, "$.modalities"),
        ({"modalities": ["text", "audio"]}, "$.modalities"),
        ({"prediction": {"type": "guess", "content": "x"}}, "$.prediction"),
        ({"prediction": {"type": "content"}}, "$.prediction"),
        ({"web_search_options": {"search_context_size": "huge"}}, "$.web_search_options"),
        ({"response_format": {"type": "xml"}}, "$.response_format"),
        ({"logit_bias": {"1": 101}}, "$.logit_bias"),
        ({"min_p": 1.1}, "$.min_p"),
        ({"top_a": -0.1}, "$.top_a"),
        ({"repetition_penalty": 0}, "$.repetition_penalty"),
        ({"seed": 1.5}, "$.seed"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_place(field, place):
    with pytest.raises(InvalidRequest) as refused:
        parse({"messages": [user("Hi")], **field})
    assert place in refused.value.message


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"messages", "prompt"}))
def test_null_asks_for_nothing(name):
    assert parse({"messages": [user("Hi")], name: None}) == parse({"messages": [user("Hi")]} | {name: None})
    served = endpoint("openai", "1", supported_parameters=EVERYTHING)
    context = ProviderRequest(
        parse({"messages": [user("Hi")], name: None}),
        Attempt(model("acme/one", served), served, REAL, ""),
        CALLER,
        None,
    )
    assert request_body(context) == sent("messages")


# --- Prompts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["Hi", ["Hi"]])
def test_a_prompt_is_one_text_as_a_string_or_in_a_list(prompt):
    assert parse({"prompt": prompt}).messages == [user("Hi")]


@pytest.mark.parametrize(
    ("prompt", "says"),
    [(["Hi", "Ho"], "several texts"), ([1, 2, 3], "Token IDs"), ([[1, 2], [3]], "Token IDs"), ([], "no text")],
)
def test_other_prompts_are_refused_with_the_reason(prompt, says):
    with pytest.raises(InvalidRequest) as refused:
        parse({"prompt": prompt})
    assert says in refused.value.message and "$.prompt" in refused.value.message


# --- Functions ------------------------------------------------------------------------------------------

CALL = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
CONVERSATION = [
    user("Weather in Paris?"),
    {"role": "assistant", "content": None, "function_call": CALL},
    {"role": "function", "name": "get_weather", "content": "17 degrees"},
]


def test_functions_and_their_messages_become_tools():
    given = {"messages": CONVERSATION, "functions": [WEATHER["function"]], "function_call": {"name": "get_weather"}}
    before = json.dumps(given)
    request = parse(given)
    assert request.body["tools"] == [WEATHER]
    assert request.body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert request.body["parallel_tool_calls"] is False
    assert not {"functions", "function_call"} & request.body.keys()
    _, called, result = request.messages
    assert called == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": CALL}],
    }
    assert (result["role"], result["tool_call_id"]) == ("tool", "call_1")
    assert json.dumps(given) == before  # the client's request is not modified


def test_messages_of_functions_become_those_of_tools_without_functions_too():
    request = parse({"messages": CONVERSATION})
    assert [message["role"] for message in request.messages] == ["user", "assistant", "tool"]
    assert not request.uses_functions


def test_a_function_call_beside_tool_calls_is_dropped():
    calls = [{"id": "call_9", "type": "function", "function": CALL}]
    echoed = {"role": "assistant", "content": None, "tool_calls": calls, "function_call": CALL}
    request = parse(
        {"messages": [user("Weather?"), echoed, {"role": "tool", "tool_call_id": "call_9", "content": "17"}]}
    )
    assert request.messages[1] == {"role": "assistant", "content": None, "tool_calls": calls}


def test_functions_beside_tools_are_refused():
    with pytest.raises(InvalidRequest, match="not both"):
        parse({"messages": [user("Hi")], "functions": [WEATHER["function"]], "tools": [WEATHER]})
