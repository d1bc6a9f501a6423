"""Loading the catalogue that ships with the site."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from models_catalog import catalog
from models_catalog.loading.bundled import FILE, load_bundled
from models_catalog.models import CatalogueVersion, Endpoint, Model, Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def facts() -> dict[str, Any]:
    """A file of one model at two providers."""
    return {
        "authors": {"acme": "Acme"},
        "providers": [
            {"slug": "alpha", "name": "Alpha", "kind": "host", "trains": False},
            {"slug": "router", "name": "Router", "kind": "aggregator"},
        ],
        "models": [
            {
                "id": "acme/large",
                "name": "Large",
                "created": 1_700_000_000,
                "context_length": 128_000,
                "input_modalities": ["text"],
                "output_modalities": ["text"],
                "tokenizer": "Other",
                "reasoning": False,
            }
        ],
        "endpoints": [
            {
                "model": "acme/large",
                "provider": provider,
                "context_length": 128_000,
                "pricing": {"prompt": "0.000001", "completion": "0.000002"},
                "supported_parameters": ["max_tokens", "tools"],
            }
            for provider in ("alpha", "router")
        ],
    }


@pytest.fixture
def write(tmp_path):
    def write(facts: dict[str, Any]):
        file = tmp_path / "catalogue.json"
        file.write_text(json.dumps(facts))
        return file

    return write


def test_it_loads_over_four_hundred_models_and_says_so():
    said = StringIO()
    call_command("load_catalogue", stdout=said)
    assert "Loaded 423 models" in said.getvalue()
    assert len(catalog.current().models) == 423
    assert Model.objects.filter(hidden=True).count() == 58


def test_a_file_may_say_that_an_endpoint_publishes_prompts(write, facts):
    facts["endpoints"][0]["publishes"] = True
    load_bundled(write(facts))
    assert [one.publishes for one in catalog.current().models["acme/large"].endpoints] == [True]


def test_the_second_start_loads_nothing(django_assert_num_queries):
    load_bundled()
    before = catalog.stamp()
    with django_assert_num_queries(1):
        assert load_bundled() is None
    assert catalog.stamp() == before


def test_loading_by_force_changes_no_row_and_raises_the_stamp():
    load_bundled()
    rows = [list(kind.objects.order_by("pk").values()) for kind in (Provider, Model, Endpoint)]
    before = catalog.stamp()
    assert load_bundled(force=True) is not None
    assert [list(kind.objects.order_by("pk").values()) for kind in (Provider, Model, Endpoint)] == rows
    assert catalog.stamp() > before
    assert CatalogueVersion.objects.count() == 1


def test_every_model_can_be_billed(bundled):
    for model in bundled.models.values():
        assert model.endpoints, model.id
        assert model.context_length > 0, model.id
        for endpoint in model.endpoints:
            prices = endpoint.prices
            if model.variant == "free":
                assert prices.is_free, model.id
            elif model.task == "embeddings":
                assert prices.prompt > 0 == prices.completion and model.dimensions, model.id
            elif model.task == "rerank":
                assert (prices.prompt > 0) != (prices.request > 0), model.id
            else:
                assert prices.prompt > 0 and prices.completion > 0, model.id
                assert prices.input_cache_read != 0 and prices.input_cache_write != 0, model.id
            assert all(tier.prices.prompt > 0 for tier in endpoint.tiers)


def test_an_aggregator_is_used_only_where_nobody_else_serves_the_model(bundled):
    for model in bundled.models.values():
        kinds = [bundled.providers[slug].kind for slug in model.provider_slugs]
        assert kinds == ["aggregator"] or "aggregator" not in kinds, model.id


def test_every_description_is_made_of_the_models_own_facts(bundled):
    for model in bundled.models.values():
        assert f"{model.context_length:,}" in model.description, model.id
        assert not re.search(r"\bNone\b|\bTrue\b|  |\.\.|\{", model.description), model.description
    openings = {model.description.split(".")[0].replace(model.short_name, "") for model in bundled.models.values()}
    assert len(openings) > 40  # not one template for all


def test_the_file_names_no_machine_and_no_package_registry():
    text = FILE.read_text()
    assert not re.search(r"/(root|home|tmp|work)/|pypi|npmjs", text)


def test_a_model_without_a_price_is_hidden_and_comes_back_with_one(facts, write):
    priced = facts["endpoints"]
    facts["endpoints"] = []
    load_bundled(write(facts))
    assert Model.objects.get().hidden
    assert not catalog.current().models
    facts["endpoints"] = priced
    load_bundled(write(facts))
    assert list(catalog.current().models) == ["acme/large"]


def test_zero_is_no_price_unless_the_model_is_free(facts, write):
    facts["endpoints"][0]["pricing"] |= {"input_cache_read": "0", "request": "0"}
    facts["endpoints"][1]["pricing"]["completion"] = "0.0"
    load_bundled(write(facts))
    endpoint = Endpoint.objects.get()
    assert endpoint.tag == "alpha"
    assert endpoint.pricing == {"prompt": "0.000001", "completion": "0.000002"}


def test_a_free_model_with_a_price_is_not_served(facts, write):
    facts["models"][0]["id"] = "acme/large:free"
    for endpoint in facts["endpoints"]:
        endpoint["model"] = "acme/large:free"
    facts["endpoints"][1]["pricing"] = {"prompt": "0", "completion": "0"}
    load_bundled(write(facts))
    assert [endpoint.tag for endpoint in Endpoint.objects.all()] == ["router"]


def test_a_field_that_an_operator_edited_keeps_its_value(facts, write):
    load_bundled(write(facts))
    Provider.objects.filter(slug="alpha").update(base_url="https://alpha.example/v1", edited_fields=["base_url"])
    Endpoint.objects.filter(tag="alpha").update(pricing={"prompt": "1", "completion": "1"}, edited_fields=["pricing"])
    facts["providers"][0] |= {"base_url": "https://new.example/v1", "name": "Alpha Two"}
    load_bundled(write(facts))
    alpha = Provider.objects.get(slug="alpha")
    assert (alpha.base_url, alpha.name) == ("https://alpha.example/v1", "Alpha Two")
    assert Endpoint.objects.get(tag="alpha").pricing == {"prompt": "1", "completion": "1"}


def test_what_a_newer_file_lacks_is_switched_off_and_what_an_operator_added_stays(facts, write):
    load_bundled(write(facts))
    added = Endpoint.objects.get(tag="alpha")
    added.pk, added.tag, added.bundled = None, "alpha/own", False
    added.save()
    facts["endpoints"] = facts["endpoints"][1:]
    load_bundled(write(facts))
    assert dict(Endpoint.objects.values_list("tag", "enabled")) == {"alpha": False, "alpha/own": True, "router": True}
    facts["models"] = facts["endpoints"] = []
    load_bundled(write(facts))
    assert Model.objects.get().hidden
