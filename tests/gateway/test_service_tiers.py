"""Service tiers: the one that the provider is asked for, the one that is reported, and the one that is paid."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.protocols.test_chat_completions import events_of

FAST = {"prompt": "0.000004", "completion": "0.000008"}
SLOW = {"prompt": "0.0000005", "completion": "0.000001"}


@pytest.fixture
async def tiered(api: Any) -> Any:
    """Alice's client, with a model that one provider serves in three tiers."""
    await sync_to_async(serve)()
    return api


def serve() -> None:
    served = factory.model("acme/tiered")
    for tag, pricing in (("cheap", factory.CHEAP), ("cheap/priority", FAST), ("cheap/flex", SLOW)):
        factory.endpoint(served, "cheap", pricing, tag=tag)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "served", "prices"),
    [
        ({}, None, factory.CHEAP),
        ({"service_tier": "auto"}, None, factory.CHEAP),
        ({"service_tier": "priority"}, "priority", FAST),
        ({"service_tier": "flex"}, "flex", SLOW),
        ({"model": "acme/tiered:floor"}, "flex", SLOW),
    ],
)
async def test_the_tier_that_serves_is_reported_and_paid(tiered, asked, served, prices, stream):
    response = await tiered.chat(**{"model": "acme/tiered", "tokens": 10, "stream": stream, "provider": None, **asked})
    bodies = events_of(response.text) if stream else [response.json()]
    assert {body.get("service_tier") for body in bodies} == {served}
    row = await tiered.generation()
    assert row.endpoint == ("cheap" if served is None else f"cheap/{served}")
    assert row.cost == row.prompt_tokens * usd(prices["prompt"]) + 10 * usd(prices["completion"])
    assert [sent["body"].get("service_tier") for sent in await tiered.received()] == [served]
    await tiered.assert_books_balance()


async def test_a_model_without_the_tier_answers_in_the_standard_one(api):
    assert (await api.chat(service_tier="priority", tokens=5)).json()["service_tier"] == "default"


async def test_a_failing_priority_endpoint_gives_way_to_the_standard_price(tiered):
    body = (await tiered.chat(model="acme/tiered", service_tier="priority", tokens=10, fault="cheap=503-once")).json()
    assert body["service_tier"] == "default"
    row = await tiered.generation(body["id"])
    assert row.cost == row.prompt_tokens * usd("0.000001") + 10 * usd("0.000002")


async def test_a_failing_flex_endpoint_is_not_replaced(tiered):
    response = await tiered.chat(model="acme/tiered", service_tier="flex", fault="cheap=503-once")
    assert response.status_code == 503


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_for_priority_that_the_provider_serves_as_standard_is_billed_as_such(tiered, stream):
    response = await tiered.chat(
        model="acme/tiered", service_tier="priority", tokens=10, stream=stream, fault="cheap=standard-tier"
    )
    body = events_of(response.text)[0] if stream else response.json()
    assert body["service_tier"] == "default"
    row = await tiered.generation()
    assert row.endpoint == "cheap"
    assert row.cost == row.prompt_tokens * usd("0.000001") + 10 * usd("0.000002")
    await tiered.assert_books_balance()
