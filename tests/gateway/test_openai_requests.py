"""Requests in OpenAI's protocol, without a network: what strict providers do not get, and an older spelling."""

from typing import Any

import pytest

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


def body_for(provider: str, **asked: Any) -> dict[str, Any]:
    one = endpoint(provider, "1")
    attempt = Attempt(model("acme/one", one), one, REAL, "")
    return request_body(parse(asked), attempt, CALLER, None)


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


def test_the_older_route_means_the_sorts_partition():
    two = catalogue(model("acme/one", B, C), model("acme/two", A))
    asked = {"models": ["acme/two"], "provider": {"sort": "price"}}
    assert tags(plan(two, **asked)) == ["b", "c", "a"]
    assert tags(plan(two, **asked, route="sort")) == ["a", "b", "c"]
    assert tags(plan(two, **asked, route="fallback")) == ["b", "c", "a"]
