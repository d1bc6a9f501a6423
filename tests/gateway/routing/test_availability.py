"""`error.availability` of refusals: each code with its status and details, and a page that exists."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from gateway.routing import catalogue_cache, upstreams
from models_catalog import catalog
from tests.gateway import factory

#: The public codes of reasons to exclude an endpoint.
PUBLIC_CODES = {"geo", "data_region", "data_policy:zdr", "data_policy:training", "max_price", "context_length",
         "require_parameters", "quantization", "allowed_providers"}  # fmt: skip


async def refused(api, status: int, **asked: Any) -> dict[str, Any]:
    """The object, after checking what all of them have in common."""
    response = await api.chat(**asked)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["code"] == error["http_status"] == status
    assert error["error_type"] == error["metadata"]["error_type"]
    availability = error["availability"]
    assert availability["retryable"] == ("retry_after" in availability) == (status in {429, 503})
    assert availability["requested_models"]
    assert set(availability.get("excluded_by", ())) <= PUBLIC_CODES
    page = await sync_to_async(Client().get)(urlsplit(availability["docs_url"]).path)
    assert page.status_code == 200 or page.headers["Location"].startswith("/account/login/"), availability["docs_url"]
    return availability


async def test_an_unknown_model_comes_with_similar_ones(api):
    availability = await refused(api, 400, model="acme/onne")
    assert availability["code"] == "model_not_found"
    assert availability["fallback_models"] == ["acme/one", "acme/one:free"]
    assert "fallback_models" not in await refused(api, 400, model="acme/xyzzy")


@pytest.fixture
async def gone(api):
    """`acme/gone` and the free variants of it and of `acme/one` are in the catalog without a provider."""
    for name in ("acme/gone", "acme/gone:free", "acme/one:free"):
        await sync_to_async(factory.model)(name, hidden=True)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    return api


async def test_a_model_without_a_provider_is_not_an_unknown_one(gone):
    availability = await refused(gone, 404, model="acme/gone")
    assert (availability["code"], availability["requested_models"]) == ("no_endpoints", ["acme/gone"])
    assert (await gone.chat(model="acme/gone", models=["acme/one"])).json()["model"] == "acme/one"


async def test_a_free_variant_that_has_ended_names_the_paid_model(gone):
    availability = await refused(gone, 404, model="acme/one:free")
    assert (availability["code"], availability["fallback_models"]) == ("free_variant_ended", ["acme/one"])
    assert "fallback_models" not in await refused(gone, 404, model="acme/gone:free")


async def test_a_router_that_finds_nothing_is_a_404(api, settings):
    settings.AUTO_MODELS = []
    assert (await refused(api, 404, model="openrouter/auto"))["code"] == "no_endpoints"


async def test_without_credentials_there_are_no_endpoints(api, settings):
    settings.SANDBOX_PROVIDERS_URL = ""
    upstreams.clear()
    availability = await refused(api, 404)
    assert availability["code"] == "no_endpoints"
    assert availability["affected_providers"] == ["Cheap", "Dear"]
    assert "excluded_by" not in availability


@pytest.mark.parametrize(
    ("provider", "by", "field"),
    [
        ({"only": ["unknown"]}, "allowed_providers", "provider.only"),
        ({"ignore": ["cheap", "dear"]}, "allowed_providers", "provider.ignore"),
        ({"max_price": {"prompt": 0.1}}, "max_price", "provider.max_price"),
        ({"quantizations": ["int4"]}, "quantization", "provider.quantizations"),
        ({"enforce_distillable_text": True}, "require_parameters", "provider.enforce_distillable_text"),
    ],
)
async def test_a_constraint_that_excludes_every_endpoint_is_named(api, provider, by, field):
    availability = await refused(api, 404, provider=provider)
    assert (availability["code"], availability["excluded_by"]) == ("constraint_filtered", [by])
    assert availability["constraint"]["field"] == field
    assert availability["constraint"]["detail"].startswith("2 of 2 endpoints")
    assert availability["affected_providers"] == ["Cheap", "Dear"]


async def test_a_data_policy_leads_to_the_privacy_settings(api, settings):
    for provider in ("cheap", "dear"):
        await sync_to_async(factory.provider)(provider, trains=True, retains=True)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    availability = await refused(api, 404)
    assert (availability["code"], availability["excluded_by"]) == ("privacy_restricted", ["data_policy:training"])
    assert availability["docs_url"] == f"{settings.SITE_URL}/settings/privacy"


@pytest.mark.parametrize(
    ("fault", "status", "code", "seconds"),
    [
        ("*=503:7", 503, "temporarily_unavailable", 7),
        ("*=503", 503, "temporarily_unavailable", None),
        ("*=429:9", 429, "capacity_exhausted", 9),
        ("*=429", 429, "capacity_exhausted", None),
        ("*=404", 404, "model_unavailable_upstream", None),
    ],
)
async def test_when_all_providers_fail_the_error_names_them_and_when_to_retry(api, fault, status, code, seconds):
    availability = await refused(api, status, fault=fault)
    assert availability["code"] == code
    assert availability.get("retry_after") == seconds
    assert availability["affected_providers"] == ["Cheap", "Dear"]
    assert availability["docs_url"].endswith("/acme/one")


async def test_a_failed_request_has_a_generation_id(api):
    response = await api.chat(fault="*=503")
    assert response.headers["x-generation-id"] == (await api.generation()).id
