"""Requests on a customer's own provider key, to a server that records the keys it gets and refuses some of them."""

import logging

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from common.errors import InvalidRequest
from common.money import as_usd
from gateway import callers
from gateway.completions import chat_caller, parse, stream
from gateway.models import Generation, ProviderSpend
from keys.models import ApiKey, OwnProviderKey
from keys.provider_keys import changing
from keys.provider_keys.acceptance import require_accepted
from models_catalog.models import Provider
from tests.gateway.test_provider_keys import _changed, acme, add_keys, keys_used  # noqa: F401
from tests.wire import check

OWN, LIMITED, INVALID = "sk-customers-own-4242", "sk-customers-limited", "sk-customers-invalid"
SHARED = "sk-acme-shared-0001"


@pytest.fixture
async def shop_api(acme):  # noqa: F811
    """The site has a key of its own for the provider "cheap"."""
    await sync_to_async(add_keys)(SHARED)
    return acme


def add(secret: str, **settings) -> OwnProviderKey:
    key = ApiKey.objects.select_related("organisation").get()
    made = changing.add(key.organisation, key.created_by, "cheap", secret, **settings)
    callers.clear()
    return made


async def test_a_request_uses_the_key_and_costs_nothing_in_the_free_share(shop_api, provider_sandbox):
    own = await sync_to_async(add)(OWN)
    response = await shop_api.chat(provider={})
    assert response.status_code == 200, response.text
    assert await keys_used(shop_api, provider_sandbox) == ["4242"]
    check("POST /chat/completions", 200, response.json())
    row = await shop_api.generation()
    usage = response.json()["usage"]
    listed = (row.prompt_tokens * 1 + row.completion_tokens * 2) * 10**6
    assert (row.cost, row.byok_cost, row.byok_key_id, row.provider_key_id) == (0, listed, own.pk, 0)
    assert (usage["is_byok"], usage["cost"]) == (True, 0)
    assert usage["cost_details"]["upstream_inference_cost"] == float(as_usd(listed))
    assert not row.simulated and row.reason == "own key"
    assert not await ProviderSpend.objects.aexists()  # the operator spends nothing
    assert (await ApiKey.objects.aget()).byok_usage == listed
    await shop_api.assert_books_balance()


@pytest.mark.parametrize("body", [{}, {"stream": True}])
async def test_beyond_it_the_fee_is_five_percent(shop_api, settings, body):
    settings.BYOK_FREE_REQUESTS = 0
    await sync_to_async(add)(OWN)
    assert (await shop_api.chat("word " * 200, provider={}, **body)).status_code == 200
    row = await shop_api.generation()
    assert row.cost == row.byok_cost * 5 // 100 > 0
    assert row.price["byok_fee"] == "0.05"
    await shop_api.assert_books_balance()


async def test_each_protocol_says_that_it_was_the_callers_own_key(shop_api):
    await sync_to_async(add)(OWN)
    message = [{"role": "user", "content": "Hi"}]
    for path, body in (
        ("/messages", {"model": "acme/one", "max_tokens": 20, "messages": message}),
        ("/responses", {"model": "acme/one", "input": "Hi"}),
    ):
        usage = (await shop_api.post(path, json=body)).json()["usage"]
        assert usage["is_byok"] and usage["cost_details"]["upstream_inference_cost"] > 0


async def test_the_chat_uses_it_too(shop_api, alice: User, provider_sandbox):
    await sync_to_async(add)(OWN)
    caller = await chat_caller(alice, await sync_to_async(lambda: alice.personal_organisation)())
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}], "stream": True})
    assert [event async for event in stream(caller, request)][-1].is_byok
    assert await keys_used(shop_api, provider_sandbox) == ["4242"]


@pytest.mark.parametrize("secret", [LIMITED, INVALID])
async def test_a_refused_key_falls_back_to_shared_capacity(shop_api, provider_sandbox, secret):
    await sync_to_async(add)(secret)
    response = await shop_api.chat(provider={})
    assert response.status_code == 200, response.text
    assert [each in secret for each in await keys_used(shop_api, provider_sandbox)] == [True, False]
    row = await shop_api.generation()
    assert (row.byok_key_id, row.byok_cost) == (0, 0) and row.cost > 0
    failed, served = row.attempts
    assert failed["is_byok"] and failed["status"] in {401, 429} and not served.get("is_byok")
    assert response.json()["usage"]["is_byok"] is False
    # The customer's account is no sign of the endpoint's health: others are still sent there.
    from gateway.routing import health

    assert not health.tracker.snapshot().failing
    await shop_api.assert_books_balance()


@pytest.mark.parametrize(
    ("secret", "status", "words"),
    [(LIMITED, 429, "is rate limiting your own key (429)"), (INVALID, 502, "rejected your own key (401)")],
)
async def test_unless_the_key_is_always_used(shop_api, provider_sandbox, caplog, secret, status, words):
    caplog.set_level(logging.DEBUG)
    await sync_to_async(add)(secret, always_use=True)
    response = await shop_api.chat(provider={})
    assert response.status_code == status and words in response.json()["error"]["message"], response.text
    assert len(await keys_used(shop_api, provider_sandbox)) == 1
    assert (await shop_api.generation()).cost == 0
    assert secret not in response.text + caplog.text
    await shop_api.assert_books_balance()


async def test_several_keys_are_tried_in_order_and_a_fallback_key_last(shop_api, provider_sandbox):
    await sync_to_async(add)("sk-customers-last-9999", is_fallback=True)
    await sync_to_async(add)(LIMITED)
    await sync_to_async(add)(OWN)
    assert (await shop_api.chat(provider={})).status_code == 200
    assert await keys_used(shop_api, provider_sandbox) == ["limited", "4242"]


async def test_filters_decide_who_uses_it(shop_api, provider_sandbox):
    key = await sync_to_async(add)(OWN, allowed_models=["acme/other"])
    await shop_api.chat(provider={})

    def allow(**settings) -> None:
        changing.change(key, allowed_models=None, **settings)
        callers.clear()

    await sync_to_async(allow)(allowed_user_ids=[])
    await shop_api.chat(provider={})
    hashes = await sync_to_async(lambda: [ApiKey.objects.get().hash])()
    await sync_to_async(allow)(allowed_user_ids=None, allowed_key_hashes=hashes)
    await shop_api.chat(provider={})
    assert await keys_used(shop_api, provider_sandbox) == ["0001", "0001", "4242"]


async def test_it_makes_a_provider_available_that_the_site_has_no_key_for(acme, provider_sandbox):  # noqa: F811
    await sync_to_async(lambda: (Provider.objects.filter(slug="cheap").update(requires_key=True), _changed()))()
    assert (await acme.chat(provider={})).status_code == 404
    await sync_to_async(add)(OWN)
    assert (await acme.chat(provider={})).status_code == 200


@pytest.mark.parametrize(
    ("secret", "is_reached", "accepted", "words"),
    [
        (OWN, True, True, "accepted the key"),
        (INVALID, True, False, "rejected the key (401)"),
        (LIMITED, True, True, "is rate limiting the key (429)"),
        (OWN, False, True, "Couldn't connect"),
    ],
)
async def test_a_new_key_is_tested_at_its_provider(acme, secret, is_reached, accepted, words):  # noqa: F811
    if not is_reached:
        await Provider.objects.filter(slug="cheap").aupdate(base_url="http://127.0.0.1:9/v1")
        await sync_to_async(_changed)()
    if accepted:
        assert words in (await sync_to_async(require_accepted)("cheap", secret)).text
    else:
        with pytest.raises(InvalidRequest) as refusal:
            await sync_to_async(require_accepted)("cheap", secret)
        assert words in refusal.value.message and secret not in refusal.value.message


async def test_an_account_without_credits_uses_its_free_share(shop_api, settings):
    account = await shop_api.account()
    await type(account).objects.filter(pk=account.pk).aupdate(usage=account.credits)
    settings.BYOK_FREE_REQUESTS = 1
    await sync_to_async(add)(OWN)
    first, second = await shop_api.chat(provider={}), await shop_api.chat(provider={})
    assert (first.status_code, second.status_code) == (200, 402)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_key_that_is_revoked_in_mid_stream_ends_the_response_with_words_or_falls_back(shop_api, streamed):
    from gateway.providers.failures import ProviderFailure
    from gateway.steps import relay

    await sync_to_async(add)(OWN)
    open_stream = relay.open_stream

    async def revoked(*given):
        response = await open_stream(*given)
        next_batch, is_own, has_begun = response.next_batch, given[1].own is not None, False

        async def breaking():
            nonlocal has_begun
            if is_own and has_begun:
                raise ProviderFailure(401, f"Incorrect API key provided: {OWN}")
            batch = await next_batch()
            has_begun = has_begun or bool(batch)
            return batch

        response.next_batch = breaking
        return response

    relay.open_stream = revoked
    try:
        response = await shop_api.chat(provider={}, stream=streamed)
    finally:
        relay.open_stream = open_stream
    row = await shop_api.generation()
    assert OWN not in response.text
    if streamed:  # something was sent already: no other endpoint may go on with it
        assert "rejected your own key (401)" in response.text
        assert (row.cost, row.byok_cost, row.error_status) == (0, 0, 502)
    else:  # nothing was sent: shared capacity answers
        assert response.status_code == 200 and response.json()["usage"]["is_byok"] is False
        assert row.cost > 0 and row.byok_cost == 0
        assert [each["status"] for each in row.attempts] == [401, 200]
    await shop_api.assert_books_balance()


async def test_the_secret_is_in_no_store_log_or_answer(shop_api, caplog):
    caplog.set_level(logging.DEBUG)
    await sync_to_async(add)(OWN)
    response = await shop_api.chat(provider={}, headers={"X-OpenRouter-Metadata": "enabled"})
    rows = [row async for row in Generation.objects.values()] + [row async for row in OwnProviderKey.objects.values()]
    assert OWN not in response.text + caplog.text + str(rows)


async def test_a_request_without_own_keys_asks_the_database_as_often_as_before(shop_api, django_assert_max_num_queries):
    def queries() -> list[str]:
        callers.clear()
        with django_assert_max_num_queries(20) as seen:
            callers._read_payer(ApiKey.objects.get().organisation_id)
        return [query["sql"] for query in seen]

    without = await sync_to_async(queries)()
    assert sum("keys_ownproviderkey" in sql for sql in without) == 1  # a part of the organization's own query
    await sync_to_async(add)(OWN)
    assert len(await sync_to_async(queries)()) == len(without) + 1
