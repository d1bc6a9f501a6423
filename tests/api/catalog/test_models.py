"""`/api/v1/models` and its neighbours, as a client sees them."""

import json
import re
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from django.test import Client

from api.catalog import models as api_models
from models_catalog import catalog
from models_catalog.models import Endpoint, Model, Provider
from models_catalog.publishing import responses

PRICES = {
    "prompt",
    "completion",
    "request",
    "image",
    "web_search",
    "internal_reasoning",
    "input_cache_read",
    "input_cache_write",
}
MODALITIES = {"text", "image", "file", "audio", "video"}


def get(path: str, status: int = 200, **headers: str) -> Any:
    response = Client(headers=headers).get(f"/api/v1{path}")
    assert response.status_code == status, response.content[:500]
    return response.json()


def error(path: str, status: int) -> Any:
    body = get(path, status)
    assert set(body) == {"error"}
    assert body["error"]["code"] == status
    return body["error"]


# --- The shape ------------------------------------------------------------------------------------


def is_price(price: object) -> bool:
    return isinstance(price, str) and bool(re.fullmatch(r"\d+(\.\d+)?", price)) and len(price) <= 24


def test_every_model_has_the_whole_schema(bundled):
    body = get("/models")
    assert body["total_count"] == len(body["data"]) == 422
    assert body["links"] == {"next": None}
    assert len({row["id"] for row in body["data"]}) == 422
    for row in body["data"]:
        where = row["id"]
        assert re.fullmatch(r"~?[\w.-]+/[\w.-]+(:\w+)?", row["id"]), where
        assert row["canonical_slug"] == row["id"].partition(":")[0], where
        for key in ("name", "description"):
            assert isinstance(row[key], str) and row[key], where
        assert type(row["created"]) is int and row["created"] > 1_600_000_000, where
        assert type(row["context_length"]) is int and row["context_length"] > 0, where
        architecture = row["architecture"]
        assert set(architecture["input_modalities"]) <= MODALITIES, where
        assert "text" in architecture["output_modalities"], where
        assert architecture["tokenizer"], where
        assert architecture["instruct_type"] is None or architecture["instruct_type"], where
        assert architecture["modality"].partition("->")[1] == "->", where
        assert row["pricing"].keys() >= PRICES, where
        assert all(is_price(price) for name, price in row["pricing"].items() if name != "overrides"), where
        for override in row["pricing"].get("overrides", []):
            assert override.pop("min_prompt_tokens") > 0, where
            assert override and all(is_price(price) for price in override.values()), where
        top = row["top_provider"]
        assert 0 < top["context_length"] <= row["context_length"], where
        assert top["max_completion_tokens"] is None or top["max_completion_tokens"] > 0, where
        assert top["is_moderated"] in (True, False), where
        assert row["per_request_limits"] is None and row["default_parameters"] is None, where
        assert row["supported_parameters"] == sorted(set(row["supported_parameters"])), where
        assert row["object"] == "model" and row["owned_by"] == row["id"].partition("/")[0].lstrip("~"), where
        assert row["id"].startswith("~") == ("alias_target" in row), where


def test_every_price_is_the_bundled_files_price_to_the_last_digit(bundled_rows):
    published = {row["id"]: row["pricing"] for row in get("/models?output_modalities=all")["data"]}
    for model in bundled_rows.models.values():
        kept = Endpoint.objects.get(pk=model.cheapest.id).pricing
        for name in PRICES:
            assert published[model.id][name] == kept.get(name, "0"), model.id
    cheapest = min(Decimal(price["prompt"]) for price in published.values() if price["prompt"] != "0")
    assert 0 < cheapest < Decimal("0.0000001")


def test_the_thirteen_parameters_of_the_protocol_are_all_supported_somewhere(bundled):
    supported = {name for row in get("/models")["data"] for name in row["supported_parameters"]}
    assert supported >= {
        "tools",
        "tool_choice",
        "max_tokens",
        "temperature",
        "top_p",
        "reasoning",
        "include_reasoning",
        "structured_outputs",
        "response_format",
        "stop",
        "frequency_penalty",
        "presence_penalty",
        "seed",
    }


def test_a_static_variant_is_a_row_of_its_own(bundled):
    rows = {row["id"] for row in get("/models")["data"]}
    assert {"openai/gpt-4o", "openai/gpt-4o:extended", "qwen/qwen-plus-2025-07-28:thinking"} <= rows
    assert sum(each.endswith(":free") for each in rows) == 27
    assert not any(each.endswith((":nitro", ":floor", ":online")) for each in rows)


def test_one_model_is_what_the_list_says(shop):
    (row,) = get("/models?q=reader")["data"]
    assert get("/model/umbra/reader-7b")["data"] == row
    assert row["pricing"] == {
        "prompt": "0.000001",
        "completion": "0.000002",
        "request": "0.01",
        "image": "0",
        "web_search": "0",
        "internal_reasoning": "0",
        "input_cache_read": "0.0000001",
        "input_cache_write": "0",
        "overrides": [{"min_prompt_tokens": 200_000, "prompt": "0.000002", "completion": "0.000004"}],
    }
    assert get("/model/acme/large:free")["data"]["id"] == "acme/large:free"


def test_a_permanent_slug_leads_to_the_model(shop):
    Model.objects.filter(id="acme/large").update(canonical_slug="acme/large-2024-01-01")
    catalog.touch()
    assert get("/model/acme/large-2024-01-01")["data"]["id"] == "acme/large"


def test_the_endpoints_of_a_model_are_listed_cheapest_first(shop):
    data = get("/models/acme/large/endpoints")["data"]
    assert set(data) == {"id", "name", "created", "description", "architecture", "endpoints"}
    alpha, beta = data["endpoints"]
    assert (alpha["tag"], beta["tag"]) == ("alpha", "beta")
    assert alpha["name"] == "Alpha: Large"
    assert (alpha["context_length"], alpha["max_completion_tokens"]) == (128_000, 16_384)
    assert beta["pricing"]["prompt"] == "0.000003"
    assert alpha["quantization"] is None
    for unmeasured in ("uptime_last_30m", "latency_last_30m", "throughput_last_30m"):
        assert alpha[unmeasured] is None


def test_zero_retention_endpoints_are_those_that_keep_nothing(shop):
    rows = get("/endpoints/zdr")["data"]
    assert [(row["model_id"], row["tag"]) for row in rows] == [
        ("umbra/reader-7b", "alpha"),
        ("acme/large", "alpha"),
        ("acme/small", "alpha"),
    ]


def test_providers_are_listed_with_their_documents(shop):
    Provider.objects.filter(slug="alpha").update(status_page="https://status.alpha.example/", datacenters=["FR", "DE"])
    catalog.touch()
    alpha, beta = get("/providers")["data"]
    assert alpha == {
        "name": "Alpha",
        "slug": "alpha",
        "privacy_policy_url": None,
        "terms_of_service_url": None,
        "status_page_url": "https://status.alpha.example/",
        "headquarters": "FR",
        "datacenters": ["FR", "DE"],
    }
    assert beta["datacenters"] is None


# --- RSS ------------------------------------------------------------------------------------------


def test_the_feed_holds_the_same_models(shop):
    response = Client().get("/api/v1/models?use_rss=true&model_authors=acme")
    assert response["Content-Type"] == "application/rss+xml; charset=utf-8"
    items = ElementTree.fromstring(response.content).findall("./channel/item")
    assert [item.findtext("title") for item in items] == ["Acme: Large (free)", "Acme: Large", "Acme: Small"]
    assert (items[1].findtext("link") or "").endswith("/acme/large")
    chat = Client().get("/api/v1/models?use_rss=true&use_rss_chat_links=true&q=free")
    assert (ElementTree.fromstring(chat.content).findtext("./channel/item/link") or "").endswith(
        "/chat?model=acme/large%3Afree"
    )


def test_a_name_cannot_break_out_of_the_feed(shop):
    Model.objects.filter(id="acme/small").update(name="</title><script>alert(1)</script>", description="]]>&")
    catalog.touch()
    items = ElementTree.fromstring(Client().get("/api/v1/models?use_rss=true").content).findall("./channel/item")
    assert "</title><script>alert(1)</script>" in [item.findtext("title") for item in items]


def test_the_openapi_document_describes_the_parameters(db):
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/models"]["get"]["parameters"]}
    assert {"q", "supported_parameters", "max_price", "sort", "limit", "use_rss"} <= names
    assert set(document["paths"]["/api/v1/models"]) == {"get"}


def test_embedding_models_have_a_list_of_their_own_and_are_not_in_the_usual_one(bundled):
    listed = get("/embeddings/models")
    filtered = get("/models?output_modalities=embeddings")
    assert listed["data"] == filtered["data"] and listed["total_count"] == len(listed["data"]) > 10
    ids = {model["id"] for model in listed["data"]}
    assert "openai/text-embedding-3-small" in ids
    assert not ids & {model["id"] for model in get("/models")["data"]}
    one = next(model for model in listed["data"] if model["id"] == "openai/text-embedding-3-small")
    assert one["architecture"]["modality"] == "text->embeddings"
    assert (one["pricing"]["prompt"], one["pricing"]["completion"]) == ("0.00000002", "0")


def test_a_page_of_embedding_models_links_to_the_next(bundled):
    page = get("/embeddings/models?limit=2&offset=1")
    assert len(page["data"]) == 2
    assert page["links"]["next"].endswith("/api/v1/embeddings/models?offset=3&limit=2")
    error("/embeddings/models?limit=0", 400)


def test_rerank_models_are_found_by_their_output(bundled):
    listed = get("/models?output_modalities=rerank")["data"]
    assert {model["architecture"]["output_modalities"][0] for model in listed} == {"rerank"}
    one = next(model for model in listed if model["id"] == "cohere/rerank-v3.5")
    assert (one["pricing"]["prompt"], one["pricing"]["request"]) == ("0", "0.002")


def test_a_list_that_time_does_not_change_is_made_once_for_a_catalog(bundled, monkeypatch):
    made: list[str] = []

    def page_json(path: str, *arguments: Any) -> dict[str, Any]:
        made.append(path)
        return original(path, *arguments)

    original = api_models.page_json
    monkeypatch.setattr(api_models, "page_json", page_json)
    monkeypatch.setattr(responses, "_FRESH_SECONDS", 0.0)
    bodies = {Client().get("/api/v1/models?q=claude").content for _ in range(3)}
    assert len(bodies) == 1 and len(made) == 1
    for question in ("max_age_days=9999", "sort=top-weekly", "category=legal", "min_tool_success_rate=0"):
        made.clear()
        for _ in range(2):
            Client().get(f"/api/v1/models?{question}")
        assert len(made) == 2, question


def test_every_documented_filter_is_taken(shop):
    for query in ("distillable=true", "distillable=false", "region=eu,us", "category=marketing/seo"):
        assert get(f"/models?{query}")["total_count"] <= 4
    for index in ("intelligence_index", "coding_index", "agentic_index"):
        assert get(f"/models?min_{index}=40&max_{index}=80.5")["data"] == []
    assert get("/models/count?min_tool_success_rate=0.5")["data"] == {"count": 0}
