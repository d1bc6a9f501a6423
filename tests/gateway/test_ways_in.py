"""Every way in is one path: the same request costs and counts the same, whatever the protocol of its caller."""

from collections.abc import Callable
from typing import Any

import pytest
from django.forms.models import model_to_dict

from common.telemetry import metrics
from gateway.models import UsageHour
from keys.models import ApiKey

SAID = "Say exactly: the tide comes in twice a day"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SHARED = {"model": "acme/one", "temperature": 0, "provider": {"sort": "price"}, "user": "ann"}


def chat(said: str, limit: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": said}], "max_tokens": limit}


#: The body of a request in each protocol: with a question, and at most so many tokens in the answer.
WAYS: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "/chat/completions": chat,
    "/completions": lambda said, limit: {"prompt": said, "max_tokens": limit},
    "/messages": lambda said, limit: chat(said, limit) | {"metadata": {"user_id": "ann"}},
    "/responses": lambda said, limit: {"input": said, "max_output_tokens": limit},
}

#: A tool as each protocol declares it, and the field that makes the model call it; `/completions` has none.
TOOLS: dict[str, dict[str, Any]] = {
    "/chat/completions": {
        "tools": [{"type": "function", "function": {"name": "look", "parameters": CITY}}],
        "tool_choice": "required",
    },
    "/messages": {"tools": [{"name": "look", "input_schema": CITY}], "tool_choice": {"type": "any"}},
    "/responses": {"tools": [{"type": "function", "name": "look", "parameters": CITY}], "tool_choice": "required"},
}

#: Names of the fields that differ between any two requests.
DIFFERENT = {
    "id", "upstream_id", "created_at", "settled_at", "latency_ms", "duration_ms", "upstream_latency_ms",
    "failed_attempts",
}  # fmt: skip


async def counted(api: Any, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The counters that this request moves, and by how much; the fields of its row."""
    before = await counters(api)
    response = await api.post(path, json=SHARED | body, headers=headers)
    assert (response.status_code == 200) == ("X-Sandbox-Fault" not in headers), response.text
    row = model_to_dict(await api.generation())
    after = await counters(api)
    moved = {name: round(moved, 9) for name, value in after.items() if (moved := value - before.get(name, 0))}
    attempts = [(attempt["endpoint"], attempt["status"]) for attempt in row["failed_attempts"]]
    return moved | {name: value for name, value in row.items() if name not in DIFFERENT} | {"attempts": attempts}


async def counters(api: Any) -> dict[Any, float]:
    key, account = await ApiKey.objects.aget(pk=api.key_id), await api.account()
    values: dict[Any, float] = {
        "account usage": account.usage,
        "key usage": key.usage,
        "window": key.window_usage,
    }
    async for hour in UsageHour.objects.values():
        for name, value in hour.items():
            if isinstance(value, int) and not name.endswith("id") and "ms" not in name:
                values["hour", name] = values.get(("hour", name), 0) + value
    for counter in (metrics.REQUESTS, metrics.ERRORS, metrics.TOKENS, metrics.COST_USD, metrics.PROVIDER_FAILURES):
        for metric in counter.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    values[sample.name, *sorted(sample.labels.items())] = sample.value
    return values


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_request_moves_the_same_counters_by_every_way_in(api, stream):
    found = {path: await counted(api, path, body(SAID, 6) | {"stream": stream}) for path, body in WAYS.items()}
    expected = found["/chat/completions"]
    assert (
        expected["completion_tokens"] == 6
        and expected["cost"] == expected["account usage"] == expected["key usage"] > 0
    )
    assert expected["finish_reason"] == "length" and expected["streamed"] == stream
    for path, moved in found.items():
        assert moved == expected, path
    await api.assert_books_balance()


async def test_a_call_of_a_tool_costs_the_same_by_every_way_in_that_has_tools(api):
    found = {path: await counted(api, path, WAYS[path]("Lisbon?", 90) | tools) for path, tools in TOOLS.items()}
    expected = found["/chat/completions"]
    assert expected["finish_reason"] == "tool_calls" and expected["cost"] > 0
    for path, moved in found.items():
        assert moved == expected, path


async def test_a_failure_counts_the_same_by_every_way_in(api):
    fault = {"X-Sandbox-Fault": "*=500"}
    found = {path: await counted(api, path, body(SAID, 6), **fault) for path, body in WAYS.items()}
    expected = found["/chat/completions"]
    assert expected["cost"] == 0 and expected["error_status"] == 502 and expected["attempts"]
    for path, moved in found.items():
        assert moved == expected, path
