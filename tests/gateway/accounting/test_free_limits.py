"""Free models: no price, but limits, for the whole account."""

import asyncio

from asgiref.sync import sync_to_async
from django.core.cache import cache

from billing.models import CreditAccount
from gateway import callers
from gateway.accounting import free_limits
from tests.gateway import factory
from tests.gateway.factory import usd


async def ask(api, **body):
    return await api.chat(model="acme/one:free", tokens=2, **body)


async def test_a_free_model_costs_nothing_and_says_nothing_of_limits(api):
    answer = await ask(api)
    assert answer.status_code == 200
    assert answer.json()["usage"]["cost"] == 0
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
    assert (await api.account()).usage == 0


async def test_an_account_without_credits_may_use_free_models(api):
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=0)
    assert (await ask(api)).status_code == 200


async def test_the_twenty_first_request_of_a_minute_is_refused_with_the_limit(api, monkeypatch):
    answers = await asyncio.gather(*(ask(api) for _ in range(21)))
    refused = [answer for answer in answers if answer.status_code == 429]
    if not refused:  # the minute ended in between
        refused = [answer for answer in [await ask(api) for _ in range(20)] if answer.status_code == 429]
    assert refused
    assert refused[0].headers["x-ratelimit-limit"] == "20"
    assert refused[0].headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(refused[0].headers["retry-after"]) <= 60
    assert refused[0].json()["error"]["metadata"]["error_type"] == "rate_limit_exceeded"


async def test_fifty_a_day_and_a_thousand_for_buyers(api):
    @sync_to_async
    def used(requests: int) -> None:
        day = free_limits.utc_now().strftime("%Y%m%d")
        cache.set(f"free:{api.account_id}:{day}", requests)

    await used(49)
    assert (await ask(api)).status_code == 200
    refused = await ask(api)
    assert refused.status_code == 429
    assert "Buy $10" in refused.json()["error"]["message"]
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(purchased=usd("10"))
    callers.clear()
    assert (await ask(api)).status_code == 200
    await used(1000)
    assert (await ask(api)).headers["x-ratelimit-limit"] == "1000"


async def test_beyond_the_limit_only_models_with_a_price_answer(api):
    gratis = await sync_to_async(factory.model)("acme/two:free")
    await sync_to_async(factory.endpoint)(gratis, "gratis", factory.FREE)
    both = {"models": ["acme/two:free", "acme/one"], "fault": "cheap=503;dear=503"}
    day = free_limits.utc_now().strftime("%Y%m%d")
    assert (await api.chat(model="acme/one", **both)).json()["model"] == "acme/two:free"
    await sync_to_async(cache.set)(f"free:{api.account_id}:{day}", 50)
    assert (await api.chat(model="acme/one", **both)).status_code == 503
    answer = await api.chat(model="acme/two:free", models=["acme/one"])
    assert (answer.status_code, answer.json()["model"]) == (200, "acme/one")
    assert (await api.chat(model="acme/two:free")).status_code == 429


async def test_a_days_count_survives_an_empty_cache(api):
    await ask(api)
    await ask(api)
    await sync_to_async(cache.clear)()
    await ask(api)
    day = free_limits.utc_now().strftime("%Y%m%d")
    assert await sync_to_async(cache.get)(f"free:{api.account_id}:{day}") == 3
