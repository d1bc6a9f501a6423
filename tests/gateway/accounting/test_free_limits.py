"""Free models: no price, but rate limits for the whole account."""

import asyncio

from asgiref.sync import sync_to_async
from django.core.cache import cache

from billing.models import CreditAccount
from common.clock import utc_now
from gateway import callers
from tests.gateway import factory
from tests.gateway.factory import usd


async def free_request(api, **body):
    return await api.chat(model="acme/one:free", tokens=2, **body)


async def test_a_free_model_costs_nothing_and_sends_no_rate_limit_headers(api):
    response = await free_request(api)
    assert response.status_code == 200
    assert response.json()["usage"]["cost"] == 0
    assert not [name for name in response.headers if name.startswith("x-ratelimit")]
    assert (await api.account()).usage == 0


async def test_an_account_without_credits_may_use_free_models(api):
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=0)
    assert (await free_request(api)).status_code == 200


async def test_the_21st_request_in_a_minute_is_refused_with_the_limit(api, clock):
    responses = await asyncio.gather(*(free_request(api) for _ in range(21)))
    [refused] = [response for response in responses if response.status_code == 429]
    assert refused.headers["x-ratelimit-limit"] == "20"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["metadata"]["error_type"] == "rate_limit_exceeded"
    clock.advance(minutes=1)
    assert (await free_request(api)).status_code == 200


async def test_the_daily_limit_is_50_and_1000_for_buyers(api, clock):
    @sync_to_async
    def used(requests: int) -> None:
        day = utc_now().strftime("%Y%m%d")
        cache.set(f"free:{api.account_id}:{day}", requests)

    await used(49)
    assert (await free_request(api)).status_code == 200
    refused = await free_request(api)
    assert refused.status_code == 429
    assert "Buy $10" in refused.json()["error"]["message"]
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(purchased=usd("10"))
    callers.clear()
    assert (await free_request(api)).status_code == 200
    await used(1000)
    assert (await free_request(api)).headers["x-ratelimit-limit"] == "1000"


async def test_beyond_the_limit_only_paid_models_are_tried(api, clock):
    gratis = await sync_to_async(factory.model)("acme/two:free")
    await sync_to_async(factory.endpoint)(gratis, "gratis", factory.FREE)
    both = {"models": ["acme/two:free", "acme/one"], "fault": "cheap=503;dear=503"}
    day = utc_now().strftime("%Y%m%d")
    assert (await api.chat(model="acme/one", **both)).json()["model"] == "acme/two:free"
    await sync_to_async(cache.set)(f"free:{api.account_id}:{day}", 50)
    assert (await api.chat(model="acme/one", **both)).status_code == 503
    response = await api.chat(model="acme/two:free", models=["acme/one"])
    assert (response.status_code, response.json()["model"]) == (200, "acme/one")
    assert (await api.chat(model="acme/two:free")).status_code == 429


async def test_the_daily_count_is_restored_after_the_cache_is_cleared(api, clock):
    await free_request(api)
    await free_request(api)
    await sync_to_async(cache.clear)()
    await free_request(api)
    day = utc_now().strftime("%Y%m%d")
    assert await sync_to_async(cache.get)(f"free:{api.account_id}:{day}") == 3
