"""After random requests, faults and disconnects, generations, account and hourly sums agree to the pico-USD, and no
hold remains.

The application is served over real sockets, so that a client can disconnect in the middle of a response.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async
from django.db.models import Count, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import asgi
from gateway.models import Generation, Hold, UsageHour
from tests.gateway import factory
from tests.gateway.accounting.test_prices import PICTURE, PRICES, USAGE

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}

#: At the cheap provider, the dear one or both. The slow faults are covered by `providers/test_faults.py`.
FAULTS = st.builds(
    "{}={}".format,
    st.sampled_from(["cheap", "dear", "*"]),
    st.sampled_from(
        [
            "429", "500", "503-once", "401", "reset", "context-length", "content-filter", "cut:3", "truncate:5",
            "reset:4", "malformed:2", "error-in-stream:3", "two-errors:3", "no-done", "no-usage", "zero-usage",
            "negative-usage", "usage-with-choices", "usage-excludes-reasoning", "duplicate-finish", "empty",
            "empty-stop", "content-filter:4",
        ]
    ),
)  # fmt: skip

REQUEST = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["acme/one", "acme/rich", "acme/one:free", "acme/rich:floor", "acme/unknown"]),
        "stream": st.booleans(),
        "images": st.integers(0, 2),
        "tokens": st.integers(0, 40),
        "delay": st.sampled_from(["", "", "0.01"]),
        "faults": st.lists(FAULTS, max_size=2),
    },
    optional={
        "max_tokens": st.sampled_from([1, 16, 100, 4_000, 1_000_000]),
        "tools": st.just([TOOL]),
        "usage": st.just(USAGE),
        "reasoning": st.just({"effort": "low"}),
        "order": st.permutations(["cheap", "dear"]),
        "leave_after": st.integers(0, 5),  # chunks of the response
    },
)


@pytest.fixture
async def address(api) -> AsyncIterator[str]:
    """The application's URL. `acme/rich` has every kind of price, and one of its providers cannot be canceled."""
    rich = await sync_to_async(factory.model)("acme/rich", context_length=100_000)
    dearer = {name: str(2 * Decimal(price)) for name, price in PRICES.items()}
    tiers = [{"min_context": 500, **dearer}]
    await sync_to_async(factory.endpoint)(rich, "cheap", PRICES, tiers=tiers, supports_cancel=True)
    await sync_to_async(factory.endpoint)(rich, "dear", dearer)
    server = uvicorn.Server(uvicorn.Config(asgi.application, lifespan="off", log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def send(client: httpx.AsyncClient, api: Any, wanted: dict[str, Any], number: int) -> int:
    """Send one request and read its response, or disconnect on the way; returns the status."""
    content = [{"type": "text", "text": f"Tell me about {number}. " * 5}, *[PICTURE] * wanted["images"]]
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
    body |= {name: wanted[name] for name in ("model", "stream", "max_tokens", "tools", "reasoning") if name in wanted}
    body["provider"] = {"order": wanted["order"]} if "order" in wanted else {"sort": "price"}
    headers = {"Authorization": f"Bearer {api.secret}", "X-Sandbox-Session": f"{api.session}-{number}"}
    headers |= {"X-Sandbox-Tokens": str(wanted["tokens"])} if wanted["tokens"] else {}
    headers |= {f"X-Sandbox-{name.title()}": wanted[name] for name in ("delay", "usage") if wanted.get(name)}
    headers |= {"X-Sandbox-Fault": ";".join(wanted["faults"])} if wanted["faults"] else {}
    async with client.stream("POST", "/api/v1/chat/completions", json=body, headers=headers) as response:
        pieces = 0
        async for _ in response.aiter_bytes():
            pieces += 1
            if pieces > wanted.get("leave_after", 1_000):
                break
        return response.status_code


async def everything_settled() -> None:
    for _ in range(1500):
        if not await Hold.objects.aexists():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("some requests are still open")


def cost_explained_by(row: Generation) -> int:
    """The cost of a row from its own counts and prices, as a customer would calculate it (pico-USD)."""
    free = row.error_status or (not row.completion_tokens and not row.finish_reason and not row.cancelled)
    if free or not row.endpoint:
        return 0
    price = {name: Decimal(text) for name, text in row.price.items()}
    thinking = (price.get("internal_reasoning") and row.reasoning_tokens) or 0
    parts = {
        "prompt": row.prompt_tokens - row.cached_tokens - row.cache_write_tokens - row.audio_tokens,
        "audio": row.audio_tokens,
        "input_cache_read": row.cached_tokens,
        "input_cache_write": row.cache_write_tokens - row.cache_write_1h_tokens,
        "input_cache_write_1h": row.cache_write_1h_tokens,
        "completion": row.completion_tokens - thinking - (row.output_image_tokens if "image_output" in price else 0),
        "internal_reasoning": thinking,
        "request": 1,
        "image": row.images,
        "image_output": row.output_images,
    }
    like = {"input_cache_read": "prompt", "input_cache_write": "prompt", "audio": "prompt"}
    usd = sum(count * price.get(name, price.get(like.get(name, ""), Decimal(0))) for name, count in parts.items())
    return round(usd * 10**12)


@given(st.lists(REQUEST, min_size=1, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_sum_agrees_after_any_requests_faults_and_disconnects(api, address, batch):
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        statuses = await asyncio.gather(*(send(client, api, wanted, n) for n, wanted in enumerate(batch)))
    assert 500 not in statuses
    await everything_settled()
    await api.assert_books_balance()
    rows = [row async for row in Generation.objects.all()]
    assert all(row.state == Generation.State.SETTLED for row in rows)
    for row in rows:
        assert row.cost + row.write_off == cost_explained_by(row), row.pk
    hours = await UsageHour.objects.aaggregate(requests=Sum("requests"), tokens=Sum("completion_tokens"))
    sums = await Generation.objects.aaggregate(requests=Count("id"), tokens=Sum("completion_tokens"))
    assert {name: total or 0 for name, total in hours.items()} == {name: total or 0 for name, total in sums.items()}
