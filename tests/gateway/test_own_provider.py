"""Requests to a server of the operator's own: answered, billed at the operator's prices, in the lists of models."""

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from common.money import as_usd
from gateway.models import Generation, ProviderSpend
from gateway.routing import catalogue_cache, upstreams
from models_catalog.loading import own_provider
from models_catalog.loading.own_provider import FREE, Terms
from models_catalog.models import Model

from .factory import usd

PRICES = {"prompt": "0.00000015", "completion": "0.0000006"}


@pytest.fixture
async def server(api, settings, provider_sandbox, request) -> str:
    """A server with one model, `tiny-llama`."""
    settings.SANDBOX_PROVIDERS_URL = ""  # its answers are not marked as simulated
    url = f"{provider_sandbox}/own-{abs(hash(request.node.nodeid))}"
    async with httpx.AsyncClient(timeout=60) as client:
        body = {"model": "tiny-llama", "messages": [{"role": "user", "content": "Hi"}]}
        await client.post(f"{url}/v1/chat/completions", json=body, headers={"Authorization": "Bearer any"})
    return url


async def add(url: str, key: str = "", **terms) -> None:
    await sync_to_async(own_provider.add)("My box", url, key=key, terms=Terms(**terms))
    catalogue_cache.clear()
    upstreams.clear()


@pytest.mark.parametrize("stream", [False, True])
async def test_it_answers_and_is_billed_at_the_operators_prices(api, server, stream):
    await add(server, pricing=PRICES)
    response = await api.chat(model="my-box/tiny-llama", provider={}, stream=stream)
    assert response.status_code == 200, response.text
    generation = await api.generation()
    assert (generation.model, generation.provider, generation.simulated) == ("my-box/tiny-llama", "my-box", False)
    expected = generation.prompt_tokens * usd(PRICES["prompt"]) + generation.completion_tokens * usd(
        PRICES["completion"]
    )
    assert generation.cost == expected > 0
    spend = await ProviderSpend.objects.aget(provider="my-box")
    assert (spend.cost, spend.requests) == (expected, 1)
    if not stream:
        assert response.json()["usage"]["cost"] == float(as_usd(expected))
    await api.assert_books_balance()


async def test_a_free_one_costs_nothing_and_has_no_limit_of_requests(api, server):
    await add(server, pricing=FREE)
    for _ in range(25):
        response = await api.chat(model="my-box/tiny-llama", provider={}, max_tokens=1)
        assert response.status_code == 200, response.text
    assert [row async for row in Generation.objects.exclude(cost=0)] == []
    await api.assert_books_balance()


async def test_it_is_in_every_list_of_models_at_once(api, server):
    browser = AsyncClient()
    assert "my-box/tiny-llama" not in (await browser.get("/api/v1/models")).content.decode()
    await add(server, pricing=PRICES)
    listed = (await browser.get("/api/v1/models")).json()["data"]
    (model,) = [each for each in listed if each["id"] == "my-box/tiny-llama"]
    assert model["pricing"]["completion"] == PRICES["completion"]
    assert "My box: tiny-llama" in (await browser.get("/models?q=tiny-llama")).content.decode()
    assert (await browser.get("/my-box/tiny-llama")).status_code == 200


async def test_its_key_is_sent_and_without_one_no_authorization_is(api, server, provider_sandbox):
    async def authorization() -> str | None:
        async with httpx.AsyncClient(timeout=60) as client:
            records = (await client.get(f"{provider_sandbox}/_test/requests", params={"session": ""})).json()
        path = server.removeprefix(provider_sandbox) + "/v1/chat/completions"
        return [each for each in records if each["path"] == path][-1]["headers"].get("authorization")

    await add(server, pricing=FREE)
    await api.chat(model="my-box/tiny-llama", provider={})
    assert await authorization() is None
    await add(server, key="sk-of-my-box-0001")
    await api.chat(model="my-box/tiny-llama", provider={})
    assert await authorization() == "Bearer sk-of-my-box-0001"


async def test_a_model_that_an_operator_marks_gives_embeddings_even_after_the_list_is_read_again(api, server):
    await add(server, pricing=PRICES)
    marked = Model.objects.filter(id="my-box/tiny-llama")
    await marked.aupdate(output_modalities=["embeddings"], edited_fields=["output_modalities"])
    await add(server)
    response = await api.post("/embeddings", json={"model": "my-box/tiny-llama", "input": ["one", "two"]})
    assert response.status_code == 200 and len(response.json()["data"]) == 2, response.text
    generation = await api.generation()
    assert generation.cost == generation.prompt_tokens * usd(PRICES["prompt"]) > 0
    await api.assert_books_balance()
