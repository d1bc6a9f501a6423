"""The catalogue in memory."""

from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest

from models_catalog import catalog
from models_catalog.loading import bundled
from models_catalog.models import CatalogueVersion, Endpoint, Model, Provider
from models_catalog.prices.parsed import Prices

from .conftest import add_endpoint


def test_a_model_costs_what_its_cheapest_endpoint_costs(shop):
    large = catalog.load().models["acme/large"]
    assert [endpoint.tag for endpoint in large.endpoints] == ["alpha", "beta"]
    assert large.prices.prompt == Decimal("0.0000025")
    assert large.supported_parameters == {"max_tokens", "temperature", "tools"}
    assert large.context_length == 200_000  # of beta: the most that can be had


def test_prices_are_exact_and_published_without_exponents():
    prices = Prices(prompt=Decimal("0.0000000375"), completion=Decimal("0.000000000001"), request=Decimal("1E-7"))
    assert prices.strings == {
        "prompt": "0.0000000375",
        "completion": "0.000000000001",
        "request": "0.0000001",
        "image": "0",
        "web_search": "0",
        "internal_reasoning": "0",
        "input_cache_read": "0",
        "input_cache_write": "0",
    }


@pytest.mark.parametrize(("prompt_tokens", "price"), [(0, "1"), (200_000, "1"), (200_001, "2"), (400_001, "3")])
def test_a_long_prompt_costs_its_tiers_price_from_the_first_token_beyond(shop, prompt_tokens, price):
    reader = Endpoint.objects.get(model=shop["umbra/reader-7b"])
    reader.tiers = [
        {"min_context": 400_000, "prompt": "0.000003"},
        {"min_context": 200_000, "prompt": "0.000002", "completion": "0.000004"},
    ]
    reader.save()
    prices = catalog.load().models["umbra/reader-7b"].cheapest.prices_for(prompt_tokens)
    assert prices.prompt == Decimal(price) / 1_000_000
    assert prices.completion == Decimal("0.000002" if price == "1" else "0.000004")  # the upper tier names no other
    assert prices.input_cache_read == Decimal("0.0000001")


def test_an_unknown_policy_counts_as_training_and_keeping(shop):
    by_tag = {endpoint.tag: endpoint for endpoint in catalog.load().models["acme/large"].endpoints}
    assert (by_tag["alpha"].trains, by_tag["alpha"].retains) == (False, False)
    assert (by_tag["beta"].trains, by_tag["beta"].retains) == (True, True)
    assert by_tag["alpha"].supports_cancel and not by_tag["beta"].supports_cancel


def test_what_cannot_be_served_is_not_there(shop):
    Model.objects.filter(id="acme/small").update(hidden=True)
    Provider.objects.filter(slug="beta").update(enabled=False)
    Endpoint.objects.filter(model="umbra/reader-7b").update(enabled=False)
    catalogue = catalog.load()
    assert list(catalogue.models) == ["acme/large"]
    assert list(catalogue.providers) == ["alpha"]
    assert dict(catalogue.authors) == {"acme": "Acme"}


@pytest.mark.parametrize(
    "broken",
    [
        {"pricing": {"prompt": "cheap", "completion": "1"}},
        {"pricing": {"prompt": "1"}},
        {"pricing": {"prompt": "-1", "completion": "1"}},
        {"pricing": {"prompt": "NaN", "completion": "1"}},
        {"tiers": [{"min_context": 1, "prompt": "-1"}]},
        {"pricing": {"prompt": "1", "completion": "1", "output": "1"}},
        {"tiers": [{"prompt": "1"}]},
    ],
)
def test_one_unreadable_row_takes_nothing_else_down(shop, broken, caplog):
    Endpoint.objects.filter(model="acme/small").update(**broken)
    assert sorted(catalog.load().models) == ["acme/large", "acme/large:free", "umbra/reader-7b"]
    assert "acme/small at alpha is left out" in caplog.text


def test_nothing_in_it_can_be_changed(shop):
    model = catalog.load().models["acme/large"]
    with pytest.raises(FrozenInstanceError):
        model.cheapest.prices.prompt = Decimal(0)  # type: ignore[misc]
    with pytest.raises(TypeError):
        catalog.load().models["acme/new"] = model  # type: ignore[index]


def test_it_finds_a_model_by_its_permanent_slug(shop):
    Model.objects.filter(id="acme/large").update(canonical_slug="acme/large-2024-01-01")
    catalogue = catalog.load()
    assert catalogue.find("acme/large-2024-01-01") is catalogue.models["acme/large"]
    assert catalogue.find("acme/huge") is None


def test_every_change_raises_the_stamp(db):
    assert catalog.stamp() == 0
    stamps = [catalog.touch() for _ in range(20)]
    assert stamps == sorted(set(stamps))
    assert catalog.stamp() == stamps[-1]


def test_a_change_is_seen_at_once_where_it_is_made(shop):
    assert "acme/small" in catalog.current().models
    Model.objects.filter(id="acme/small").update(hidden=True)
    catalog.touch()
    assert "acme/small" not in catalog.current().models


def test_a_change_by_another_process_is_seen_within_two_seconds(shop, clock, django_assert_num_queries):
    first = catalog.current()
    add_endpoint(shop["acme/small"], Provider.objects.get(slug="beta"), "0.00000005", "0.0000001")
    CatalogueVersion.objects.update(stamp=first.stamp + 1)  # the effect of the other process's touch()
    clock.now += 1.99
    with django_assert_num_queries(0):
        assert catalog.current() is first
    clock.now += 0.01
    assert catalog.current().models["acme/small"].cheapest.tag == "beta"


def test_a_check_for_changes_costs_one_query(shop, clock, django_assert_num_queries):
    first = catalog.current()
    clock.now += 2
    with django_assert_num_queries(1):
        assert catalog.current() is first
    with django_assert_num_queries(0):
        assert catalog.current() is first


def test_reading_it_takes_a_few_queries_however_large_it_is(bundled_rows, django_assert_num_queries):
    with django_assert_num_queries(6):
        assert len(catalog.load().models) == 423


def test_an_aggregators_key_brings_everything_it_lists(db, monkeypatch):
    bundled.load_bundled()
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    without = catalog.load().models["openai/gpt-4o"]
    monkeypatch.setenv("OPENROUTER_API_KEY", "key")
    assert without.provider_slugs | {"openrouter"} == catalog.load().models["openai/gpt-4o"].provider_slugs
    assert "openrouter" not in without.provider_slugs
