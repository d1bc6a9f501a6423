"""Service tiers: which endpoints of a tier are eligible for a request, and in which order they are tried."""

import pytest

from common.errors import NoEndpoints
from gateway.routing.health import EndpointHealth
from tests.gateway.routing.examples import ALL, catalogue, endpoint, known, model, plan, tags

STANDARD, OTHER = endpoint("openai", "2"), endpoint("azure", "3")
PRIORITY, FASTER = endpoint("openai/priority", "4"), endpoint("azure/priority", "6")
FLEX, CHEAPER = endpoint("openai/flex", "1"), endpoint("azure/flex", "0.5")
TIERED = catalogue(model("acme/one", STANDARD, OTHER, PRIORITY, FASTER, FLEX, CHEAPER))
FAST, SLOW = EndpointHealth(throughput={"p50": 90}), EndpointHealth(throughput={"p50": 50})
HEALTH = known(**{"azure/priority": FAST, "openai": SLOW})
BY_PRICE = {"provider": {"sort": "price"}}


def tried(known_models=TIERED, **body) -> list[str]:
    return tags(plan(known_models, health=HEALTH, **body))


@pytest.mark.parametrize("tier", [None, "auto", "default", "scale"])
def test_tiers_are_for_requests_that_ask_for_one(tier):
    assert tried(service_tier=tier, **BY_PRICE) == ["openai", "azure"]


@pytest.mark.parametrize("tier", ["priority", "fast"])
def test_priority_comes_first_by_throughput_and_falls_back_to_the_standard_tier(tier):
    assert tried(service_tier=tier, **BY_PRICE) == ["azure/priority", "openai/priority", "openai", "azure"]


def test_flex_is_tried_by_price_and_has_no_fallback():
    assert tried(service_tier="flex") == ["azure/flex", "openai/flex"]


def test_flex_of_a_model_without_it_is_the_standard_tier():
    plain = catalogue(model("acme/one", STANDARD, OTHER))
    assert tried(plain, service_tier="flex", **BY_PRICE) == ["openai", "azure"]


@pytest.mark.parametrize("tier", ["priority", "flex"])
def test_without_fallbacks_only_the_first_endpoint_of_the_tier_is_tried(tier):
    assert len(tried(service_tier=tier, provider={"allow_fallbacks": False})) == 1
    assert tried(service_tier=tier, provider={"allow_fallbacks": False})[0].endswith(tier)


def test_nitro_admits_priority_and_floor_admits_flex():
    assert tried(model="acme/one:nitro")[:2] == ["azure/priority", "openai"]
    assert tried(model="acme/one:floor") == ["azure/flex", "openai/flex", "openai", "azure"]


def test_an_order_of_providers_turns_the_admission_of_variants_off():
    assert tried(model="acme/one:floor", provider={"order": ["azure"]}) == ["azure", "openai"]


def test_a_full_slug_names_an_endpoint_of_a_tier_and_a_base_slug_does_not():
    assert tried(provider={"order": ["OpenAI/Priority"]})[0] == "openai/priority"
    assert tried(provider={"only": ["openai/flex"]}) == ["openai/flex"]
    assert tried(provider={"only": ["openai"]}) == ["openai"]
    assert tried(provider={"order": ["openai"]}) == ["openai", "azure"]


def test_a_provider_that_is_ignored_is_ignored_in_every_tier():
    assert tried(service_tier="priority", provider={"ignore": ["azure"]}) == ["openai/priority", "openai"]


def test_the_hold_covers_the_dearest_tier_that_may_serve():
    assert plan(TIERED, service_tier="priority").prompt_price == FASTER.prices.prompt
    assert plan(TIERED).prompt_price == OTHER.prices.prompt


def test_a_refusal_does_not_speak_of_tiers_that_were_not_asked_for():
    bare = [endpoint(tag, "1", supported_parameters=ALL - {"tools"}) for tag in ("openai", "openai/flex")]
    with pytest.raises(NoEndpoints) as refused:
        tried(catalogue(model("acme/one", *bare)), tools=[{"type": "function"}], provider={"require_parameters": True})
    assert "1 endpoint considered. Excluded: 1 by require_parameters." in refused.value.message
