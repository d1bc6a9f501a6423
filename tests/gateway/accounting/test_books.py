"""After random requests, faults and disconnects, with logging and own provider keys on and off, generations, account
and hourly sums agree to the pico-USD, and no hold remains.

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
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gateway import asgi, completions
from gateway.models import Generation, Hold, StoredContent, UsageHour
from keys.models import ApiKey, OwnProviderKey
from keys.provider_keys import changing
from models_catalog import catalog
from models_catalog.models import Provider
from tests.gateway import factory
from tests.gateway.accounting.test_prices import PICTURE, PRICES, USAGE
from tests.gateway.logged import turn_off, turn_on

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
async def address(api, settings) -> AsyncIterator[str]:
    """The application's URL. `acme/rich` has every kind of price, and one of its providers cannot be canceled."""
    settings.BYOK_FREE_REQUESTS = 0
    rich = await sync_to_async(factory.model)("acme/rich", context_length=100_000)
    dearer = {name: str(2 * Decimal(price)) for name, price in PRICES.items()}
    tiers = [{"min_context": 500, **dearer}]
    await sync_to_async(factory.endpoint)(rich, "cheap", PRICES, tiers=tiers, supports_cancel=True)
    await sync_to_async(factory.endpoint)(rich, "dear", dearer)
    sandbox = api.headers["X-Test-Sandbox"]
    await Provider.objects.filter(slug="cheap").aupdate(base_url=f"{sandbox}/own-keys/v1")
    await sync_to_async(catalog.touch)()
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


async def contents_written() -> None:
    for _ in range(1500):
        if not completions.service.is_serving:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("some contents are not stored")


def set_up(share: int, own_key: bool) -> None:
    """Log this share of the requests (basis points), and use a provider key of Alice's at the cheap provider."""
    key = ApiKey.objects.select_related("organisation", "created_by").get()
    OwnProviderKey.objects.filter(deleted_at=None).delete()
    if own_key:
        changing.add(key.organisation, key.created_by, "cheap", "sk-alices-own-0042")
    (turn_on if share else turn_off)(key.organisation, *([share] if share else []))


def price_explained_by(row: Generation) -> Decimal:
    """The list price of a row from its own counts and prices, as a customer would calculate it (USD)."""
    free = row.error_status or (not row.completion_tokens and not row.finish_reason and not row.cancelled)
    if free or not row.endpoint:
        return Decimal(0)
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
    each = (count * price.get(name, price.get(like.get(name, ""), Decimal(0))) for name, count in parts.items())
    return sum(each, Decimal(0))


def assert_explained(row: Generation, is_logged: bool) -> None:
    """The cost, the discount and the list price on an own key are what a customer would calculate."""
    listed = price_explained_by(row) * 10**12
    has_discount = is_logged and listed > 0 and not row.byok_key_id
    assert row.discount_basis_points == (100 if has_discount else 0), row.pk
    due = round(listed * Decimal("0.99")) if has_discount else round(listed)
    assert row.discount == round(listed) - due, row.pk
    if row.byok_key_id:
        assert row.byok_cost == due, row.pk
        due = round(Decimal(row.byok_cost) * 5 / 100)
    assert row.cost + row.write_off == due, row.pk


@given(st.lists(REQUEST, min_size=1, max_size=8), st.sampled_from([0, 5_000, 10_000]), st.booleans())
@examples(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_sum_agrees_after_any_requests_faults_and_disconnects(api, address, batch, share, own_key):
    await sync_to_async(set_up)(share, own_key)
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        statuses = await asyncio.gather(*(send(client, api, wanted, n) for n, wanted in enumerate(batch)))
    assert 500 not in statuses
    await everything_settled()
    await api.assert_books_balance()
    rows = [row async for row in Generation.objects.all()]
    assert all(row.state == Generation.State.SETTLED for row in rows)
    await contents_written()
    logged = {pk async for pk in StoredContent.objects.values_list("pk", flat=True)}
    for row in rows:
        assert_explained(row, row.pk in logged)
    hours = await UsageHour.objects.aaggregate(requests=Sum("requests"), tokens=Sum("completion_tokens"))
    sums = await Generation.objects.aaggregate(requests=Count("id"), tokens=Sum("completion_tokens"))
    assert {name: total or 0 for name, total in hours.items()} == {name: total or 0 for name, total in sums.items()}
