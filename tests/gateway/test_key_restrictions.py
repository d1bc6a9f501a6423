"""Restrictions of a key on the way of a request: models, requests and tokens per minute, requests at the same time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import connection

from common.errors import RateLimited
from gateway.accounting import settlement
from keys import authentication
from keys.models import ApiKey
from keys.rules import rates
from keys.rules.restrictions import Restrictions
from tests.billing.at_once import all_at_once
from tests.gateway import factory
from tests.gateway.accounting.test_settlement import admit, generation, settle
from tests.gateway.factory import usd


async def restrict(api, **restrictions: Any) -> None:
    await ApiKey.objects.filter(pk=api.key_id).aupdate(**restrictions)
    authentication.identities.clear()


# Models


async def test_a_model_that_the_key_does_not_list_is_refused_with_the_remedy(api):
    await restrict(api, allowed_models=["acme/one"])
    assert (await api.chat(model="acme/one", tokens=2)).status_code == 200
    refused = await api.chat(model="acme/one:free")
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert error["message"].startswith("This API key may not use acme/one:free. It allows acme/one.")
    assert "/settings/keys" in error["message"]


async def test_fallbacks_and_routers_keep_to_the_key_s_models(api, settings):
    await sync_to_async(factory.endpoint)(await sync_to_async(factory.model)("beta/two"), "dear", factory.DEAR)
    settings.AUTO_MODELS = ("beta/two", "acme/one")
    await restrict(api, allowed_models=["acme/*"])
    for names in ({"model": "beta/two", "models": ["acme/one"]}, {"model": "openrouter/auto"}):
        assert (await api.chat(tokens=2, **names)).json()["model"] == "acme/one"
    await restrict(api, allowed_models=["gamma/*"])
    refused = await api.chat(model="openrouter/auto")
    assert refused.status_code == 403
    assert "may not use openrouter/auto. It allows gamma/*" in refused.json()["error"]["message"]


# Requests and tokens per minute


async def test_requests_per_minute(api, clock):
    await restrict(api, requests_per_minute=2)
    statuses = [(await api.chat(tokens=2)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await api.chat(tokens=2)
    assert refused.headers["x-ratelimit-limit"] == "2"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "this API key allows 2 requests per minute" in refused.json()["error"]["message"]
    clock.advance(minutes=1)
    assert (await api.chat(tokens=2)).status_code == 200
    await api.assert_books_balance()


async def test_tokens_of_prompt_and_response_count(api, clock):
    await restrict(api, tokens_per_minute=60)
    assert (await api.chat(tokens=100)).status_code == 200  # known only when it has ended
    refused = await api.chat(tokens=2)
    assert (refused.status_code, "60 tokens per minute" in refused.json()["error"]["message"]) == (429, True)
    clock.advance(minutes=1)
    assert (await api.chat(tokens=2)).status_code == 200
    long = await api.chat("word " * 500)
    assert "The prompt alone has about" in long.json()["error"]["message"]
    assert (await api.chat(tokens=2)).status_code == 200  # the refused prompt does not count


async def test_a_key_without_limits_does_not_touch_the_cache(api, monkeypatch):
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("the cache was used")

    for name in ("get", "add", "incr", "set"):
        monkeypatch.setattr(cache, name, touched)
    assert (await api.chat(tokens=2)).status_code == 200


def test_threads_share_a_limit(clock):
    limited = Restrictions(key_id=987, requests_per_minute=10)
    cache.clear()

    def granted(_: int) -> bool:
        try:
            rates._count(limited, 1, clock.utc_now())
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(granted, range(40))) == 10


# Requests at the same time


@pytest.fixture
def key(account, organisation, alice) -> ApiKey:
    return ApiKey.objects.create(
        organisation=organisation, created_by=alice, name="Two", hash="a" * 64, max_concurrent_requests=2
    )


def test_a_request_beyond_the_limit_is_refused_until_one_has_ended(account, key):
    for number in (1, 2):
        assert isinstance(admit(account, number, key_id=key.pk), settlement.Admission)
    refusal = admit(account, 3, key_id=key.pk)
    assert isinstance(refusal, RateLimited)
    assert refusal.message.startswith("This API key allows 2 requests at the same time")
    assert refusal.headers["Retry-After"] == "1"
    settle(account, 1, key_id=key.pk)
    assert isinstance(admit(account, 4, key_id=key.pk), settlement.Admission)


def test_a_batch_counts_its_own_admissions(account, key):
    operations = [
        settlement.Admit(
            generation=generation(account, number, key_id=key.pk), prompt_cost=usd("0"), token_price=usd("0"),
            requested_tokens=None, model_max_tokens=10,
        )
        for number in range(4)
    ]  # fmt: skip
    results = settlement.write_batch(operations)
    assert [type(each) for each in results] == [settlement.Admission] * 2 + [RateLimited] * 2


@pytest.mark.django_db(transaction=True)
def test_connections_share_the_limit(account, key):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    jobs = [lambda number=number: admit(account, number, key_id=key.pk) for number in range(6)]
    results = all_at_once(*jobs)
    assert sum(isinstance(each, settlement.Admission) for each in results) == 2


async def test_a_request_gives_its_place_back(api):
    await restrict(api, max_concurrent_requests=1)
    for _ in range(3):
        assert (await api.chat(tokens=2)).status_code == 200
    responses = await asyncio.gather(*(api.chat(tokens=2) for _ in range(4)))
    assert {each.status_code for each in responses} <= {200, 429}
    await api.assert_books_balance()
