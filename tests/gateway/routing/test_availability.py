"""Why nobody answers, for programs: each code with its status, what to do about it, and a page that exists."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from gateway.routing import catalogue_cache
from models_catalog import catalog
from tests.gateway import factory

BY_US = {"geo", "data_region", "data_policy:zdr", "data_policy:training", "max_price", "context_length",
         "require_parameters", "quantization", "allowed_providers"}  # fmt: skip


async def refused(api, status: int, **asked: Any) -> dict[str, Any]:
    """The object, after looking at what all of them have in common."""
    answer = await api.chat(**asked)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == error["http_status"] == status
    assert error["error_type"] == error["metadata"]["error_type"]
    told = error["availability"]
    assert told["retryable"] == ("retry_after" in told) == (status in {429, 503})
    assert told["requested_models"]
    assert set(told.get("excluded_by", ())) <= BY_US
    page = await sync_to_async(Client().get)(urlsplit(told["docs_url"]).path)
    assert page.status_code == 200 or page.headers["Location"].startswith("/account/login/"), told["docs_url"]
    return told


async def test_an_unknown_model_has_likely_ones_beside_it(api):
    told = await refused(api, 400, model="acme/onne")
    assert told["code"] == "model_not_found"
    assert told["fallback_models"] == ["acme/one", "acme/one:free"]
    assert "fallback_models" not in await refused(api, 400, model="acme/xyzzy")


@pytest.fixture
async def gone(api):
    """`acme/gone` and the free variants of it and of `acme/one` are known, and nobody serves them."""
    for name in ("acme/gone", "acme/gone:free", "acme/one:free"):
        await sync_to_async(factory.model)(name, hidden=True)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    return api


async def test_a_model_that_nobody_serves_is_not_an_unknown_one(gone):
    told = await refused(gone, 404, model="acme/gone")
    assert (told["code"], told["requested_models"]) == ("no_endpoints", ["acme/gone"])
    assert (await gone.chat(model="acme/gone", models=["acme/one"])).json()["model"] == "acme/one"


async def test_a_free_variant_that_has_ended_names_the_one_with_a_price(gone):
    told = await refused(gone, 404, model="acme/one:free")
    assert (told["code"], told["fallback_models"]) == ("free_variant_ended", ["acme/one"])
    assert "fallback_models" not in await refused(gone, 404, model="acme/gone:free")


async def test_a_router_that_finds_nothing_is_a_404(api, settings):
    settings.AUTO_MODELS = []
    assert (await refused(api, 404, model="openrouter/auto"))["code"] == "no_endpoints"


async def test_without_credentials_there_are_no_endpoints(api, settings):
    settings.SANDBOX_PROVIDERS_URL = ""
    from gateway.routing import upstreams

    upstreams._sandbox.cache_clear()
    told = await refused(api, 404)
    assert told["code"] == "no_endpoints"
    assert told["affected_providers"] == ["Cheap", "Dear"]
    assert "excluded_by" not in told


@pytest.mark.parametrize(
    ("provider", "by", "field"),
    [
        ({"only": ["nobody"]}, "allowed_providers", "provider.only"),
        ({"ignore": ["cheap", "dear"]}, "allowed_providers", "provider.ignore"),
        ({"max_price": {"prompt": 0.1}}, "max_price", "provider.max_price"),
        ({"quantizations": ["int4"]}, "quantization", "provider.quantizations"),
        ({"enforce_distillable_text": True}, "require_parameters", "provider.enforce_distillable_text"),
    ],
)
async def test_a_constraint_that_leaves_nobody_is_named(api, provider, by, field):
    told = await refused(api, 404, provider=provider)
    assert (told["code"], told["excluded_by"]) == ("constraint_filtered", [by])
    assert told["constraint"]["field"] == field
    assert told["constraint"]["detail"].startswith("2 of 2 endpoints")
    assert told["affected_providers"] == ["Cheap", "Dear"]


async def test_a_data_policy_leads_to_the_privacy_settings(api, settings):
    for provider in ("cheap", "dear"):
        await sync_to_async(factory.provider)(provider, trains=True, retains=True)
    await sync_to_async(catalog.touch)()
    catalogue_cache.clear()
    told = await refused(api, 404)
    assert (told["code"], told["excluded_by"]) == ("privacy_restricted", ["data_policy:training"])
    assert told["docs_url"] == f"{settings.SITE_URL}/settings/privacy"


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
async def test_when_all_providers_fail_it_says_who_and_when_to_come_back(api, fault, status, code, seconds):
    told = await refused(api, status, fault=fault)
    assert told["code"] == code
    assert told.get("retry_after") == seconds
    assert told["affected_providers"] == ["Cheap", "Dear"]
    assert told["docs_url"].endswith("/acme/one")


async def test_a_request_that_failed_has_an_id_to_ask_about(api):
    answer = await api.chat(fault="*=503")
    assert answer.headers["x-generation-id"] == (await api.generation()).id
