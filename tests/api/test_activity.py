"""`/api/v1/generation` and `/api/v1/activity`."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pydantic import BaseModel

from api import schemas
from keys import issuing
from tests.activity.factory import make_request, make_running


def client_with(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def api(organisation, alice):
    return client_with(issuing.create(organisation, alice, "Laptop")[1])


@pytest.fixture
def manager(organisation, alice):
    return client_with(issuing.create(organisation, alice, "Deploy script", is_management=True)[1])


@pytest.fixture
def stranger(charlie):
    return client_with(issuing.create(charlie.personal_organisation, charlie, "Charlie's")[1])


def exact(response) -> dict:
    """The body with numbers as they were written."""
    return json.loads(response.content, parse_float=Decimal)


def described_as(shape: type[BaseModel], value: object) -> None:
    """AssertionError unless the value has exactly the fields that the API's description names, of those types."""
    assert isinstance(value, dict)
    assert value.keys() == shape.model_fields.keys()
    shape.model_validate(value)


FIELDS = [
    "id", "request_id", "upstream_id", "model", "provider_name", "router", "api_type", "created_at", "streamed",
    "cancelled", "finish_reason", "native_finish_reason", "latency", "generation_time", "moderation_latency",
    "tokens_prompt", "tokens_completion", "native_tokens_prompt", "native_tokens_completion",
    "native_tokens_reasoning", "native_tokens_cached", "native_tokens_completion_images", "num_media_prompt",
    "num_media_completion", "num_input_audio_prompt", "num_search_results", "num_fetches", "total_cost", "usage",
    "cache_discount", "upstream_inference_cost", "is_byok", "app_id", "origin", "http_referer", "user_agent",
    "external_user", "session_id", "preset_id", "service_tier", "web_search_engine", "response_cache_source_id",
    "data_region", "workspace_id", "provider_responses",
]  # fmt: skip


def test_a_request_is_described_with_every_field(api, account):
    made = make_request(
        account, cost=123_456_789, prompt_tokens=1000, cached_tokens=400, completion_tokens=200, reasoning_tokens=50,
        upstream_id="chatcmpl-1", app="https://notes.example.com/app", external_user="u-1", session_id="s-1",
    )  # fmt: skip
    response = api.get("/api/v1/generation", {"id": made.pk})
    data = exact(response)["data"]
    assert sorted(data) == sorted(FIELDS)
    described_as(schemas.GenerationData, data)
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
    described_as(schemas.GenerationData, data)


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


# --- /activity -------------------------------------------------------------------------------------


def days_ago(days: int):
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)


def test_activity_is_for_management_keys(api, account):
    response = api.get("/api/v1/activity")
    assert response.status_code == 403
    assert exact(response)["error"]["message"] == "Only management keys can perform this operation"


def test_activity_adds_up_completed_days_by_model_and_provider(manager, account):
    for cost in (1, 2):
        make_request(account, days_ago(1), model="acme/alpha", provider="groq", cost=cost, reasoning_tokens=5)
    make_request(account, days_ago(1), model="acme/alpha", provider="openai", cost=4)
    make_request(account, days_ago(30), model="acme/beta", cost=8)
    make_request(account, days_ago(0), cost=16)  # today is not over
    make_request(account, days_ago(31), cost=32)
    rows = exact(manager.get("/api/v1/activity"))["data"]
    assert [(row["model"], row["provider_name"], row["usage"] * 10**12, row["requests"]) for row in rows] == [
        ("acme/alpha", "groq", 3, 2),
        ("acme/alpha", "openai", 4, 1),
        ("acme/beta", "openai", 8, 1),
    ]
    assert rows[0]["date"] == f"{days_ago(1):%Y-%m-%d}"
    assert (rows[0]["prompt_tokens"], rows[0]["completion_tokens"], rows[0]["reasoning_tokens"]) == (2000, 400, 10)
    assert rows[0]["byok_usage_inference"] == 0
    described_as(schemas.ActivityRow, rows[0])


def test_activity_of_one_day_one_key_or_one_member(manager, account, key, alice, bob):
    make_request(account, days_ago(1), key=key, user=alice, cost=1)
    make_request(account, days_ago(1), user=bob, cost=2)
    make_request(account, days_ago(2), user=bob, cost=4)

    def spent(**query):
        return sum(row["usage"] * 10**12 for row in exact(manager.get("/api/v1/activity", query))["data"])

    assert spent() == 7
    assert spent(date=f"{days_ago(1):%Y-%m-%d}") == 3
    assert spent(api_key_hash=key.hash) == 1
    assert spent(user_id=bob.public_id) == 6
    assert spent(user_id=bob.public_id, date=f"{days_ago(2):%Y-%m-%d}") == 4


@pytest.mark.parametrize("day", ["yesterday", "2020-01-01", "2999-01-01", "2026-02-30", "\x00"])
def test_a_day_outside_is_a_400(manager, account, day):
    assert manager.get("/api/v1/activity", {"date": day}).status_code == 400


def test_today_is_a_400(manager, account):
    assert manager.get("/api/v1/activity", {"date": f"{timezone.now():%Y-%m-%d}"}).status_code == 400


def test_a_key_or_member_of_others_is_a_404(manager, account, charlie):
    theirs, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    assert manager.get("/api/v1/activity", {"api_key_hash": theirs.hash}).status_code == 404
    assert manager.get("/api/v1/activity", {"user_id": charlie.public_id}).status_code == 404
    assert manager.get("/api/v1/activity", {"user_id": "\x00"}).status_code == 404
