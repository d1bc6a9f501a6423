"""Requests in OpenAI's protocol, without a network: what strict providers do not get, and an older spelling."""

from typing import Any

import pytest

from common.errors import InvalidRequest
from gateway.providers.openai_chat import request_body
from gateway.request import parse
from gateway.routing import Attempt
from tests.gateway.native import CALL, CALLER, WEATHER, user
from tests.gateway.test_routing import REAL, A, B, C, catalogue, endpoint, model, plan, tags

MARK = {"cache_control": {"type": "ephemeral"}}
ANSWER = {
    "role": "assistant",
    "content": None,
    "refusal": None,
    "tool_calls": [CALL],
    "reasoning": "Weather first.",
    "reasoning_details": [{"type": "reasoning.text", "text": "Weather first."}],
}
ASKED = {
    "messages": [
        user([{"type": "text", "text": "Hello", **MARK}]),
        ANSWER,
        {"role": "tool", "content": "Rain", **MARK},
    ],
    "tools": [WEATHER | MARK],
}


def body_for(provider: str, *, fields: Any = None, max_tokens: int | None = None, **asked: Any) -> dict[str, Any]:
    one = endpoint(provider, "1", **(fields or {}))
    attempt = Attempt(model("acme/one", one), one, REAL, "")
    return request_body(parse({"messages": [user("Hi")], **asked}), attempt, CALLER, max_tokens)


@pytest.mark.parametrize("provider", ["openai", "azure", "groq", "mistral"])
def test_strict_providers_get_nothing_but_openais_own_fields(provider):
    body = body_for(provider, **ASKED)
    assert body["messages"] == [
        user([{"type": "text", "text": "Hello"}]),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "Rain"},
    ]
    assert body["tools"] == [WEATHER]
    assert ASKED["messages"][1] is ANSWER and "reasoning" in ANSWER  # the request stays as it came


def test_others_get_what_the_client_sent():
    body = body_for("deepseek", **ASKED)
    assert (body["messages"], body["tools"]) == (ASKED["messages"], ASKED["tools"])


@pytest.mark.parametrize(
    ("reasoning", "max_tokens", "effort"),
    [
        ({"max_tokens": 100}, 4000, "low"),  # a fortieth: no model has less than low in common
        ({"max_tokens": 1300}, 4000, "low"),
        ({"max_tokens": 1500}, 4000, "medium"),
        ({"max_tokens": 2500}, 4000, "medium"),
        ({"max_tokens": 2700}, 4000, "high"),
        ({"max_tokens": 9999}, 4000, "high"),
        ({"max_tokens": 1500}, None, "low"),  # of the 8,000 tokens that the endpoint can say
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
def test_a_number_of_tokens_is_the_effort_that_is_nearest_to_their_share(reasoning, max_tokens, effort):
    fields = {"max_completion_tokens": 8000, "supported_parameters": frozenset({"reasoning"})}
    body = body_for("deepseek", fields=fields, max_tokens=max_tokens, reasoning=reasoning)
    assert body.get("reasoning_effort") == effort
    assert "reasoning" not in body
    assert "reasoning_effort" not in body_for(
        "deepseek", fields={"supported_parameters": frozenset()}, reasoning=reasoning
    )


@pytest.mark.parametrize(("verbosity", "sent"), [("low", "low"), ("xhigh", "high"), ("max", "high")])
def test_verbosity_is_one_of_three(verbosity, sent):
    fields = {"supported_parameters": frozenset({"verbosity"})}
    assert body_for("openai", fields=fields, verbosity=verbosity)["verbosity"] == sent
    assert "verbosity" not in body_for("openai", verbosity=verbosity)
    with pytest.raises(InvalidRequest, match="verbosity"):
        parse({"messages": [user("Hi")], "verbosity": "endless"})


def test_the_older_route_means_the_sorts_partition():
    two = catalogue(model("acme/one", B, C), model("acme/two", A))
    asked = {"models": ["acme/two"], "provider": {"sort": "price"}}
    assert tags(plan(two, **asked)) == ["b", "c", "a"]
    assert tags(plan(two, **asked, route="sort")) == ["a", "b", "c"]
    assert tags(plan(two, **asked, route="fallback")) == ["b", "c", "a"]
