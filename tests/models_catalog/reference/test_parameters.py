"""The parameters that endpoints list, and those that follow from others."""

import pytest

from models_catalog.reference import parameters


@pytest.mark.parametrize(("implied", "listed"), parameters.IMPLIED_BY.items())
def test_an_endpoint_takes_the_parameters_that_its_own_imply(implied, listed):
    assert parameters.supports(frozenset({listed}), implied)
    assert parameters.supports_all(frozenset({listed}), frozenset({listed, implied}))
    assert not parameters.supports(frozenset({implied}), listed)
    assert not parameters.supports_all(frozenset({listed}), frozenset({implied, "seed"}))


def test_no_parameter_is_listed_twice_and_only_listed_ones_imply_others():
    names = [one.name for one in parameters.PARAMETERS]
    assert len(set(names)) == len(names)
    assert set(parameters.IMPLIED_BY.values()) <= set(names)


def test_a_providers_parameters_are_those_of_its_reference_where_the_model_takes_sampling(bundled):
    def taken(model: str, provider: str) -> frozenset[str]:
        endpoints = bundled.models[model].endpoints
        return next(one for one in endpoints if one.tag == provider).supported_parameters

    assert {"logprobs", "top_logprobs", "logit_bias", "prediction"} <= taken("openai/gpt-4o", "openai")
    assert "verbosity" in taken("openai/gpt-5", "openai")
    assert not {"logprobs", "logit_bias", "prediction"} & taken("openai/gpt-5", "openai")  # takes no temperature
    assert "seed" in taken("mistralai/mistral-large-2512", "mistral")
    assert "web_search_options" in taken("perplexity/sonar-pro", "perplexity")
    assert "logprobs" not in taken("openai/gpt-oss-120b", "groq")


def test_several_choices_are_known_for_few_providers(bundled):
    assert {one.tag: one.max_choices for one in bundled.models["openai/gpt-oss-120b"].endpoints}["groq"] == 1
    assert bundled.models["openai/gpt-4o"].endpoints[0].max_choices == 128


def test_the_service_tiers_of_the_catalog_cost_more_or_less_than_the_standard_one(bundled):
    tiered = [(model, one) for model in bundled.models.values() for one in model.endpoints if one.service_tier]
    assert len(tiered) == 44
    for model, one in tiered:
        standard = model.standard_endpoint(one)
        assert not standard.service_tier and standard.provider == one.provider
        if one.service_tier == "flex":
            assert one.prices.per_token < standard.prices.per_token
        else:
            assert one.prices.per_token > standard.prices.per_token
        assert not model.cheapest.service_tier
