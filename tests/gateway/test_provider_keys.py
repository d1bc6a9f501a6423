"""Several keys of one provider, in real requests to a server that refuses some of them."""

import logging

import pytest
from asgiref.sync import sync_to_async

from common.clock import utc_now
from gateway.models import ProviderSpend
from gateway.routing import catalogue_cache, upstreams
from gateway.routing.provider_keys import ring
from models_catalog import catalog
from models_catalog.models import Provider, ProviderKey
from tests.gateway import factory

GOOD, LIMITED, INVALID = "sk-acme-good-key-0001", "sk-acme-key-limited", "sk-acme-key-invalid"


@pytest.fixture
async def acme(api, settings, provider_sandbox, request):
    """The provider "cheap" at an address of its own: its responses are not marked as simulated."""
    settings.SANDBOX_PROVIDERS_URL = ""
    address = f"{provider_sandbox}/{request.node.name[-60:].strip('_').replace('[', '').replace(']', '')}/v1"
    await sync_to_async(_point)(address)
    return api


def _point(address: str) -> None:
    Provider.objects.filter(slug="cheap").update(base_url=address)
    Provider.objects.filter(slug="dear").update(enabled=False)
    _changed()


def _changed() -> None:
    catalog.touch()
    catalogue_cache.clear()
    upstreams.clear()


def add_keys(*secrets: str) -> list[int]:
    rows = []
    for secret in secrets:
        row = ProviderKey(provider_id="cheap", name=secret[-4:])
        row.set_secret(secret)
        row.save()
        rows.append(row.pk)
    _changed()
    return rows


async def keys_used(api, provider_sandbox) -> list[str]:
    """The last parts of the keys of the requests that arrived, in order."""
    import httpx

    base = await sync_to_async(lambda: Provider.objects.get(slug="cheap").base_url)()
    async with httpx.AsyncClient(timeout=60) as client:
        records = (await client.get(f"{provider_sandbox}/_test/requests", params={"session": ""})).json()
    own = [record for record in records if record["path"].startswith(base.removeprefix(provider_sandbox))]
    return [record["headers"]["authorization"].rpartition("-")[2] for record in own]


async def test_a_rate_limited_key_gives_way_to_the_next_in_the_same_request(acme, provider_sandbox):
    limited, good = await sync_to_async(add_keys)(LIMITED, GOOD)
    for _ in range(6):
        response = await acme.chat(provider={})
        assert response.status_code == 200, response.text
    used = await keys_used(acme, provider_sandbox)
    assert used.count("limited") <= 1 and used.count("0001") == 6
    generation = await acme.generation()
    assert generation.provider_key_id == good != limited and not generation.simulated


async def test_a_rejected_key_gives_way_too_and_its_row_says_why(acme, provider_sandbox):
    invalid, _ = await sync_to_async(add_keys)(INVALID, GOOD)
    for _ in range(8):
        assert (await acme.chat(provider={})).status_code == 200
    assert (await keys_used(acme, provider_sandbox)).count("invalid") <= 1
    ring.refused("cheap", invalid, "one", 401, None)  # by chance, the other key may have served all eight
    await sync_to_async(ring.sync)("this process", utc_now())
    row = await ProviderKey.objects.aget(pk=invalid)
    assert row.last_status == 401 and row.cooling_until > utc_now()


async def test_when_every_key_is_limited_the_provider_is_not_called_again_before_its_time(acme, provider_sandbox):
    await sync_to_async(add_keys)(LIMITED)
    first, second = await acme.chat(provider={}), await acme.chat(provider={})
    assert (first.status_code, second.status_code) == (429, 429)
    assert 1 <= int(second.headers["Retry-After"]) <= 30
    assert await keys_used(acme, provider_sandbox) == ["limited"]
    await acme.assert_books_balance()


async def test_the_key_of_the_environment_takes_its_share(acme, provider_sandbox, monkeypatch):
    monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "sk-environment-env1")
    await sync_to_async(add_keys)(GOOD)
    for _ in range(24):
        assert (await acme.chat(provider={}, max_tokens=1)).status_code == 200
    assert set(await keys_used(acme, provider_sandbox)) == {"env1", "0001"}


async def test_the_spend_of_each_key_is_exact(acme, monkeypatch):
    monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "sk-environment-env1")
    (key,) = await sync_to_async(add_keys)(GOOD)
    costs = {0: 0, key: 0}
    for number in range(16):
        response = await acme.chat("word " * number, provider={})
        generation = await acme.generation(response.json()["id"])
        assert generation.cost > 0
        costs[generation.provider_key_id] += generation.cost
    assert all(costs.values())
    rows = [row async for row in ProviderSpend.objects.all()]
    assert {row.provider_key_id: row.cost for row in rows} == costs
    assert sum(row.requests for row in rows) == 16
    await acme.assert_books_balance()
    await ProviderSpend.objects.filter(provider_key_id=key).aupdate(cost=1)
    with pytest.raises(AssertionError, match=f"provider key {key}: spend is"):
        await acme.assert_books_balance()


async def test_a_key_that_is_turned_off_is_not_used(acme, provider_sandbox):
    first, _ = await sync_to_async(add_keys)("sk-acme-another-0002", GOOD)

    def turn_off() -> None:
        ProviderKey.objects.filter(pk=first).update(enabled=False)
        _changed()

    await sync_to_async(turn_off)()
    for _ in range(8):
        assert (await acme.chat(provider={}, max_tokens=1)).status_code == 200
    assert set(await keys_used(acme, provider_sandbox)) == {"0001"}


async def test_secrets_are_encrypted_at_rest_and_in_no_log(acme, caplog, settings):
    caplog.set_level(logging.DEBUG)
    await sync_to_async(add_keys)(INVALID, LIMITED)
    response = await acme.chat(provider={})
    assert response.status_code >= 400
    stored = str([row async for row in ProviderKey.objects.values()])
    for secret in (INVALID, LIMITED):
        assert secret not in response.text + stored + caplog.text


async def test_a_key_encrypted_with_a_lost_secret_is_left_out_and_named_by_its_id(acme, caplog, settings):
    settings.ENCRYPTION_KEYS = ["a former encryption key of the site"]
    lost, good = await sync_to_async(add_keys)(LIMITED, GOOD)
    row = await ProviderKey.objects.aget(pk=good)
    settings.ENCRYPTION_KEYS = ["a newer encryption key of the site"]
    row.set_secret(GOOD)
    await row.asave()
    await sync_to_async(_changed)()
    assert (await acme.chat(provider={})).status_code == 200
    assert f"key {lost} of cheap is not used" in caplog.text


def test_an_endpoint_without_any_key_is_not_called(settings, db):
    settings.SANDBOX_PROVIDERS_URL = ""
    upstreams.clear()
    factory.endpoint(factory.model("acme/one"), "cheap", factory.CHEAP)
    Provider.objects.update(base_url="https://cheap.example/v1")
    catalog.touch()
    (endpoint,) = catalog.current().complete.models["acme/one"].endpoints
    assert upstreams.upstream_of(endpoint) is None and not catalog.current().models
    add_keys(GOOD)
    (endpoint,) = catalog.current().models["acme/one"].endpoints
    upstream = upstreams.upstream_of(endpoint)
    assert upstream and upstream.api_key == GOOD
    assert GOOD not in repr(endpoint) and GOOD not in repr(catalog.current())
