"""`/api/v1/generation`."""

from decimal import Decimal

import pytest
from django.test import Client

from api.account.schemas import generations as schemas
from tests.activity.factory import make_request, make_running
from tests.api.responses import exact, has_shape

FIELDS = [
    "id", "request_id", "upstream_id", "model", "provider_name", "router", "api_type", "created_at", "streamed",
    "cancelled", "finish_reason", "native_finish_reason", "latency", "generation_time", "moderation_latency",
    "tokens_prompt", "tokens_completion", "native_tokens_prompt", "native_tokens_completion",
    "native_tokens_reasoning", "native_tokens_cached", "native_tokens_completion_images", "num_media_prompt",
    "num_media_completion", "num_input_audio_prompt", "num_search_results", "num_fetches", "total_cost", "usage",
    "cache_discount", "upstream_inference_cost", "logging_discount", "is_byok", "app_id",
    "origin", "http_referer", "user_agent",
    "external_user", "session_id", "preset_id", "service_tier", "web_search_engine", "response_cache_source_id",
    "data_region", "workspace_id", "provider_responses",
]  # fmt: skip


def test_a_request_is_found_by_the_id_of_its_response(api, account):
    made = make_request(account)
    found = api.get("/api/v1/generation", {"id": made.pk.replace("gen-", "resp_")})
    assert exact(found)["data"]["id"] == made.pk


def test_a_request_is_described_with_every_field(api, account):
    made = make_request(
        account, cost=123_456_789, prompt_tokens=1000, cached_tokens=400, completion_tokens=200, reasoning_tokens=50,
        upstream_id="chatcmpl-1", app="https://notes.example.com/app", external_user="u-1", session_id="s-1",
    )  # fmt: skip
    response = api.get("/api/v1/generation", {"id": made.pk})
    data = exact(response)["data"]
    assert sorted(data) == sorted(FIELDS)
    has_shape(schemas.GenerationData, data)
    assert data["total_cost"] == data["usage"] == Decimal("0.000123456789")
    assert b'"total_cost":0.000123456789' in response.content
    assert (data["id"], data["model"], data["upstream_id"]) == (made.pk, "openai/gpt-4o-mini", "chatcmpl-1")
    assert (data["native_tokens_prompt"], data["native_tokens_cached"]) == (1000, 400)
    assert (data["native_tokens_completion"], data["native_tokens_reasoning"]) == (200, 50)
    assert (data["latency"], data["generation_time"]) == (400, 2400)
    assert (data["origin"], data["http_referer"]) == ("https://notes.example.com", "https://notes.example.com/app")
    assert data["cache_discount"] == 400 * (Decimal("0.00000015") - Decimal("0.000000075"))
    assert data["provider_responses"][0]["status"] == 200
    assert data["service_tier"] is None


def test_nothing_is_known_of_tokens_when_nobody_answered(api, account):
    made = make_request(account, model="", requested_model="acme/alpha", provider="", error_status=502, cost=0,
                        finish_reason="error")  # fmt: skip
    data = exact(api.get("/api/v1/generation", {"id": made.pk}))["data"]
    assert (data["model"], data["provider_name"], data["native_tokens_prompt"]) == ("acme/alpha", None, None)
    assert data["total_cost"] == 0
    has_shape(schemas.GenerationData, data)


def test_a_running_request_is_not_available_yet(api, account):
    made = make_running(account)
    assert api.get("/api/v1/generation", {"id": made.pk}).status_code == 404


@pytest.mark.parametrize("unknown", ["gen-0-nothing", "\x00", "x" * 1000, "'"])
def test_an_unknown_request_is_a_404_in_the_usual_envelope(api, account, unknown):
    response = api.get("/api/v1/generation", {"id": unknown})
    assert response.status_code == 404
    assert exact(response)["error"]["code"] == 404


def test_another_organisations_request_is_a_404(stranger, account):
    made = make_request(account)
    assert stranger.get("/api/v1/generation", {"id": made.pk}).status_code == 404


def test_a_missing_id_is_a_400_that_names_it(api, account):
    response = api.get("/api/v1/generation")
    assert response.status_code == 400
    assert "id" in exact(response)["error"]["message"]


def test_without_a_key_there_is_a_401(db):
    for path in ("/api/v1/generation?id=gen-1", "/api/v1/activity", "/api/v1/key", "/api/v1/keys"):
        response = Client().get(path)
        assert response.status_code == 401, path
        assert exact(response)["error"]["message"].startswith("Missing Authentication header")
