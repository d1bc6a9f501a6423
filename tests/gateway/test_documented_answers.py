"""Answers of inference have the documented shape and the one that openapi.json describes: whole and streamed, served,
interrupted and refused."""

import json
from typing import Any

import pytest

from gateway.asgi import PATHS as PATHS_SERVED
from keys.models import ApiKey
from tests.api.described import check_described
from tests.gateway.native import user
from tests.wire import check as check_documented

BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {"messages": [user("Hello there")]},
    "/completions": {"prompt": "Once upon a time"},
    "/messages": {"messages": [user("Hello there")], "max_tokens": 50},
    "/responses": {"input": [user("Hello there")]},
}
TOOL = {
    "/chat/completions": {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}},
    "/messages": {"name": "look", "input_schema": {"type": "object"}},
    "/responses": {"type": "function", "name": "look", "parameters": {"type": "object"}},
}
REQUIRED = {"/chat/completions": "required", "/messages": {"type": "any"}, "/responses": "required"}

PATHS = pytest.mark.parametrize("path", [path for path in BODIES if f"/api/v1{path}" in PATHS_SERVED])


def body(path: str, **changes: Any) -> dict[str, Any]:
    return {"model": "acme/one", "provider": {"sort": "price"}} | BODIES[path] | changes


def check(operation: str, status: int | str, answer: Any) -> None:
    """Check the answer against the documented shape, and against the site's own openapi.json."""
    check_documented(operation, status, answer)
    check_described(operation, status, answer)


async def answers(api, path: str, headers: dict[str, str] | None = None, **changes: Any) -> list[dict[str, Any]]:
    """Ask twice, whole and streamed; check each answer, and return the whole one and the events."""
    tokens = {} if "tools" in changes else {"X-Sandbox-Tokens": "20"}
    sent = {"X-OpenRouter-Metadata": "enabled", **tokens, **(headers or {})}
    whole = await api.post(path, json=body(path, **changes), headers=sent)
    check(f"POST {path}", whole.status_code, whole.json())
    streamed = await api.post(path, json=body(path, stream=True, **changes), headers=sent)
    if streamed.status_code != 200:
        check(f"POST {path}", streamed.status_code, streamed.json())
        return [whole.json()]
    lines = [line.removeprefix("data: ") for line in streamed.text.split("\n") if line.startswith("data: {")]
    events = [json.loads(line) for line in lines]
    assert events
    for event in events:
        check(f"POST {path}", "stream", event)
    return [whole.json(), *events]


@PATHS
async def test_a_response(api, path):
    whole, *events = await answers(api, path)
    assert whole["usage"]["cost"] > 0 and events


@PATHS
async def test_a_response_with_reasoning_and_one_that_was_cut_at_its_limit(api, path):
    await answers(api, path, reasoning={"effort": "high"})
    await answers(api, path, max_tokens=5)


@pytest.mark.parametrize("path", [path for path in TOOL if f"/api/v1{path}" in PATHS_SERVED])
async def test_a_tool_call(api, path):
    whole, *_ = await answers(api, path, tools=[TOOL[path]], tool_choice=REQUIRED[path])
    assert "look" in json.dumps(whole)


@PATHS
@pytest.mark.parametrize("fault", ["cut:5", "error-in-stream:3,429", "late-error", "empty-stop", "no-usage"])
async def test_a_response_that_breaks_off_or_lacks_something(api, path, fault):
    await answers(api, path, {"X-Sandbox-Fault": f"*={fault}"})


@PATHS
@pytest.mark.parametrize("fault", ["503", "429", "529", "400", "404", "moderation", "content-filter", "context-length"])
async def test_a_failure_of_every_provider(api, path, fault):
    await answers(api, path, {"X-Sandbox-Fault": f"*={fault}"})


@PATHS
@pytest.mark.parametrize(
    "status, changes",
    [
        (400, {"model": "unknown/model"}),
        (400, {"temperature": "warm"}),
        (404, {"provider": {"only": ["nowhere"]}}),
    ],
)
async def test_a_refusal(api, path, status, changes):
    refused = await api.post(path, json=body(path, **changes))
    assert refused.status_code == status, refused.text
    check(f"POST {path}", status, refused.json())


@PATHS
async def test_a_key_whose_limit_is_used_up(api, path):
    await ApiKey.objects.filter(pk=api.key_id).aupdate(limit=0)
    refused = await api.post(path, json=body(path))
    assert refused.status_code == 402
    check(f"POST {path}", 402, refused.json())


@PATHS
async def test_a_key_that_is_wrong_and_a_body_that_is_none(api, path):
    for status, options in ((401, {"headers": {"Authorization": "Bearer x"}}), (400, {"content": b"{"})):
        refused = await api.post(path, **{"json": body(path)} | options if status == 401 else options)
        assert refused.status_code == status
        check(f"POST {path}", status, refused.json())


async def test_the_size_of_a_prompt(api):
    counted = await api.post("/messages/count_tokens", json=body("/messages"))
    check("POST /messages/count_tokens", counted.status_code, counted.json())


async def test_the_halves_of_the_cost_are_the_providers_prices(api):
    whole, *events = await answers(api, "/chat/completions")
    for usage in (whole["usage"], events[-1]["usage"]):
        details = usage["cost_details"]
        assert details["upstream_inference_prompt_cost"] == pytest.approx(usage["prompt_tokens"] * 1e-6)
        assert details["upstream_inference_completions_cost"] == pytest.approx(usage["completion_tokens"] * 2e-6)
        assert usage["cost"] == pytest.approx(sum(cost for cost in details.values() if cost))
