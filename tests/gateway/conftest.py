"""Inference in this process, against the simulated providers of a sandbox process."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import Organisation, User
from billing.models import CreditAccount
from gateway import asgi, callers, completions
from gateway.models import Generation, UsageHour
from gateway.providers import http
from gateway.routing import affinity, catalogue_cache, health
from keys import issuing
from keys.models import ApiKey

from . import factory
from .file_server import served  # noqa: F401 a fixture


@dataclass
class Api:
    """An API client with alice's key."""

    client: httpx.AsyncClient
    account_id: int
    key_id: int
    secret: str
    session: str
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str = "/chat/completions", **options: Any) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "X-Sandbox-Session": self.session,
            **self.headers,
            **options.pop("headers", {}),
        }
        return await self.client.post(f"/api/v1{path}", headers=headers, **options)

    async def chat(
        self, prompt: str = "Hello there", *, fault: str = "", tokens: int = 0, **body: Any
    ) -> httpx.Response:
        """A chat completion; `fault` and `tokens` control the sandbox."""
        headers = {}
        if fault:
            headers["X-Sandbox-Fault"] = fault
        if tokens:
            headers["X-Sandbox-Tokens"] = str(tokens)
        request = {
            "model": "acme/one",
            "messages": [{"role": "user", "content": prompt}],
            "provider": {"sort": "price"},
            **body,
        }
        return await self.post(json=request, headers=headers)

    async def account(self) -> CreditAccount:
        return await CreditAccount.objects.aget(pk=self.account_id)

    async def generation(self, generation_id: str | None = None) -> Generation:
        """The Generation with this ID, or the newest. Waits until the request is settled."""
        rows = Generation.objects.order_by("-created_at", "-id")
        for _ in range(1500):  # at least 30 s, for a busy machine
            if found := await (rows.filter(pk=generation_id) if generation_id else rows).afirst():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError("the request was not settled")

    async def received(self) -> list[dict[str, Any]]:
        """The requests that the providers of this test have received."""
        sandbox = self.headers["X-Test-Sandbox"]
        async with httpx.AsyncClient(timeout=60) as client:
            response = await client.get(f"{sandbox}/_test/requests", params={"session": self.session})
        return response.json()

    async def assert_books_balance(self) -> None:
        """No hold remains, and account, key, generations and hours agree to the pico-USD."""
        from billing.credits.reconciliation import faults

        account = await self.account()
        assert account.held == 0
        assert account.credits - account.usage >= 0
        assert [str(fault) for fault in await sync_to_async(faults)()] == []
        costs = [cost async for cost in Generation.objects.values_list("cost", flat=True)]
        hours = [cost async for cost in UsageHour.objects.values_list("cost", flat=True)]
        assert account.usage == sum(costs) == sum(hours)


@pytest.fixture
def small_catalogue(transactional_db: None) -> None:
    """`acme/one` at two providers, cheap and dear; `acme/one:free`."""
    one, free = factory.new_model(), factory.new_model("acme/one:free")
    factory.save(
        factory.new_endpoint(one, "cheap", factory.CHEAP, supports_cancel=True),
        factory.new_endpoint(one, "dear", factory.DEAR),
        factory.new_endpoint(free, "cheap", factory.FREE),
    )


@pytest.fixture
def program_key(transactional_db: None, organisation: Organisation, alice: User) -> tuple[ApiKey, str]:
    return issuing.create(organisation, alice, "program")


@pytest.fixture
async def api(
    small_catalogue: None,
    account: CreditAccount,
    program_key: tuple[ApiKey, str],
    provider_sandbox: str,
    settings: Any,
    request: Any,
) -> AsyncIterator[Api]:
    """Alice's API client, with $10."""
    settings.SANDBOX_PROVIDERS_URL = provider_sandbox
    _clear_caches()
    key, secret = program_key
    transport = httpx.ASGITransport(asgi.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(client, account.pk, key.pk, secret, request.node.nodeid, headers={"X-Test-Sandbox": provider_sandbox})
    await completions.service.drain()
    await http.close()
    await sync_to_async(connections.close_all)()
    _clear_caches()


def _clear_caches() -> None:
    """Clear the caches of the process: tests change the database directly."""
    from gateway.routing import provider_keys, upstreams

    catalogue_cache.clear()
    callers.clear()
    health.tracker.clear()
    affinity.sticky_endpoints.clear()
    upstreams.clear()
    provider_keys.ring.clear()


@pytest.fixture
def search_in_the_sandbox(settings: Any) -> None:
    settings.WEB_SEARCH_ENGINE = "sandbox"
