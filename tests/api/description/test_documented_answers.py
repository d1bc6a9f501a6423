"""Answers of the management API and the public catalog have the documented shape and the one that openapi.json
describes, in every state of what they show."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from common.money import pico_from_cents
from keys import issuing
from models_catalog import catalog
from models_catalog.models import Endpoint, Model
from tests.activity.factory import make_request
from tests.api.described import check_described
from tests.api.responses import client_with
from tests.wire import check


def assert_answer(
    client: Client, operation: str, path: str = "", body: Any = None, status: int = 200, **query: Any
) -> Any:
    """Send the operation, assert its status and its answer's shape, and return the answer.

    `path` is needed only with parameters.
    """
    method, template = operation.split()
    data = query if method == "GET" else json.dumps(body) if body is not None else ""
    sent = getattr(client, method.lower())(
        f"/api/v1{path or template}", data, **({} if method == "GET" else {"content_type": "application/json"})
    )
    assert sent.status_code == status, sent.content
    answer = sent.json()
    check(operation, status, answer)
    check_described(operation, status, answer)
    return answer


# --- The catalog -----------------------------------------------------------------------------------


def test_the_bundled_catalog(bundled):
    client = Client()
    listed = assert_answer(client, "GET /models", output_modalities="all")["data"]
    assert len([model for model in listed if "alias_target" not in model]) == len(bundled.models)
    assert_answer(client, "GET /models", limit=2, offset=1)
    assert_answer(client, "GET /models/count")
    assert_answer(client, "GET /endpoints/zdr")
    assert_answer(client, "GET /providers")
    for model in bundled.models:
        assert_answer(client, "GET /models/{author}/{slug}/endpoints", f"/models/{model}/endpoints")
        assert_answer(client, "GET /model/{author}/{slug}", f"/model/{model}")
        assert_answer(client, "GET /models/{author}/{slug}", f"/models/{model}")


def test_a_model_about_which_nothing_is_known(shop):
    Model.objects.update(
        description="", max_completion_tokens=None, hugging_face_id="", knowledge_cutoff="", instruct_type=""
    )
    Endpoint.objects.update(max_completion_tokens=None, quantization="unknown", supported_parameters=[])
    catalog.touch()
    client = Client()
    assert_answer(client, "GET /models")
    answer = assert_answer(client, "GET /models/{author}/{slug}/endpoints", "/models/acme/large/endpoints")
    assert answer["data"]["endpoints"][0]["supports_tool_choice"] == dict.fromkeys(
        ("auto", "none", "required", "function"), False
    )


def test_parameters_that_strict_clients_do_not_know_are_not_listed(shop):
    Endpoint.objects.filter(model="acme/small").update(supported_parameters=["dimensions", "seed", "temperatur"])
    catalog.touch()
    client = Client()
    assert assert_answer(client, "GET /model/{author}/{slug}", "/model/acme/small")["data"]["supported_parameters"] == [
        "seed"
    ]
    assert_answer(client, "GET /models/{author}/{slug}/endpoints", "/models/acme/small/endpoints")


def test_endpoints_of_service_tiers_name_their_tier(shop):
    Endpoint.objects.filter(model="acme/small").update(tag="alpha/flex")
    catalog.touch()
    answer = assert_answer(Client(), "GET /models/{author}/{slug}/endpoints", "/models/acme/small/endpoints")
    assert [endpoint["service_tier"] for endpoint in answer["data"]["endpoints"]] == ["flex"]


def test_models_of_a_key(api, shop, account):
    assert_answer(api, "GET /models/user")


@pytest.mark.parametrize(
    "operation, path, query, status",
    [
        ("GET /models", "", {"sort": "beauty"}, 400),
        ("GET /models/count", "", {"context": "long"}, 400),
        ("GET /model/{author}/{slug}", "/model/no/such", {}, 404),
        ("GET /models/{author}/{slug}", "/models/no/such", {}, 404),
        ("GET /models/{author}/{slug}/endpoints", "/models/no/such/endpoints", {}, 404),
    ],
)
def test_refusals_of_the_catalog(shop, operation, path, query, status):
    assert_answer(Client(), operation, path, status=status, **query)


# --- Keys and credits ------------------------------------------------------------------------------

STATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "limited": {"limit": pico_from_cents(500)},
    "monthly": {"limit": pico_from_cents(500), "limit_reset": "monthly", "include_byok_in_limit": True},
    "spent": {"limit": 0, "limit_reset": "daily"},
    "expiring": {"expires_at": timezone.now() + timedelta(days=9000)},
    "management": {"is_management": True},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", ["GET /key", "GET /auth/key"])
def test_a_key_about_itself(organisation, alice, account, state, operation):
    key, secret = issuing.create(organisation, alice, "Laptop", **STATES[state])
    make_request(account, key=key, cost=1)
    assert_answer(client_with(secret), operation)


def test_the_limit_of_a_key_is_its_budget(organisation, alice, account):
    _, secret = issuing.create(organisation, alice, "Laptop", limit=pico_from_cents(500), limit_reset="weekly")
    data = assert_answer(client_with(secret), "GET /key")["data"]
    assert data["effective_budget"] == data["budgets"][0]
    assert (data["effective_budget"]["limit_usd"], data["effective_budget"]["remaining_usd"]) == (5, 5)
    assert data["effective_budget"]["resets_at"] and data["effective_budget"]["scope"] == "key_limit"
    assert data["workspace_id"] == organisation.workspace_id
    assert data["organization_id"] == (None if organisation.personal_of_id else organisation.public_id)


def test_requests_of_free_models_are_counted_for_the_day(api, account):
    data = assert_answer(api, "GET /key")["data"]
    free = data["free_model_daily_requests"]
    assert free["used"] == 0 and free["remaining"] == free["limit"]
    make_request(account, model="acme/large:free", cost=0)
    assert assert_answer(api, "GET /key")["data"]["free_model_daily_requests"] == free | {
        "used": 1,
        "remaining": free["limit"] - 1,
    }


def test_keys_from_their_creation_to_their_end(manager):
    created = assert_answer(
        manager, "POST /keys", body={"name": "Laptop", "limit": 5.5, "limit_reset": "weekly"}, status=201
    )
    assert created["key"].startswith("sk-or-v1-")
    at = f"/keys/{created['data']['hash']}"
    assert_answer(manager, "GET /keys", include_disabled="true")
    assert_answer(manager, "GET /keys/{hash}", at)
    assert_answer(manager, "PATCH /keys/{hash}", at, {"name": "Desk", "disabled": True, "limit": None})
    assert_answer(manager, "DELETE /keys/{hash}", at)
    assert_answer(manager, "GET /keys/{hash}", at, status=404)
    assert_answer(manager, "PATCH /keys/{hash}", at, {"name": "Gone"}, status=404)
    assert_answer(manager, "DELETE /keys/{hash}", at, status=404)


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "limit": -1}, {"name": "x", "expires_at": "soon"}])
def test_keys_that_cannot_be_created(manager, body):
    assert_answer(manager, "POST /keys", body=body, status=400)


def test_credits(api, account):
    assert_answer(api, "GET /credits")
    assert_answer(Client(), "POST /credits/coinbase", status=410)


# --- Requests that have happened -------------------------------------------------------------------

FAILED = [
    {"endpoint": "groq", "provider": "groq", "model": "acme/large", "status": 503, "latency_ms": 5, "reason": "price"}
]
REQUESTS: dict[str, dict[str, Any]] = {
    "served": {"upstream_id": "chatcmpl-1", "upstream_latency_ms": 350},
    "streamed": {"streamed": True, "app": "https://notes.example.com/app", "session_id": "s", "external_user": "u"},
    "canceled": {"streamed": True, "cancelled": True, "finish_reason": "", "native_finish_reason": ""},
    "after attempts": {"failed_attempts": FAILED},
    "failed": {"model": "", "provider": "", "endpoint": "", "error_status": 502, "latency_ms": None,
               "duration_ms": None, "finish_reason": "error", "failed_attempts": FAILED, "cost": 0},
    "released": {"state": "released", "model": "", "provider": "", "endpoint": "", "cost": 0},
    "searched": {"web_search_engine": "exa", "web_search_results": 5, "cached_tokens": 400},
}  # fmt: skip


@pytest.mark.parametrize("state", REQUESTS)
def test_a_generation(api, account, state):
    made = make_request(account, **REQUESTS[state])
    assert_answer(api, "GET /generation", id=made.pk)


def test_activity(manager, account):
    make_request(account, timezone.now() - timedelta(days=2), cached_tokens=7)
    [row] = assert_answer(manager, "GET /activity")["data"]
    assert row["cached_tokens"] == 7
    assert_answer(manager, "GET /activity", date="2001-01-01", status=400)


def test_analytics(manager, account, key, alice):
    make_request(account, key=key, user=alice, app="https://notes.example.com/")
    assert_answer(manager, "GET /analytics/meta")
    body = {"metrics": ["total_usage", "cache_hit_rate"], "dimensions": ["api_key_id", "user"], "granularity": "day"}
    [row] = assert_answer(manager, "POST /analytics/query", body=body)["data"]["data"]
    assert row["api_key_hash"] == key.hash and row["user_email"] == alice.email
    assert_answer(manager, "POST /analytics/query", body={"metrics": ["request_count"], "limit": 1})
    assert_answer(manager, "POST /analytics/query", body={"metrics": ["beauty"]}, status=400)


# --- Errors ----------------------------------------------------------------------------------------

PRIVATE = [
    ("GET /key", ""),
    ("GET /auth/key", ""),
    ("GET /keys", ""),
    ("POST /keys", ""),
    ("GET /keys/{hash}", "/keys/0"),
    ("PATCH /keys/{hash}", "/keys/0"),
    ("DELETE /keys/{hash}", "/keys/0"),
    ("GET /credits", ""),
    ("GET /generation", ""),
    ("GET /activity", ""),
    ("GET /analytics/meta", ""),
    ("POST /analytics/query", ""),
    ("GET /models/user", ""),
]


@pytest.mark.parametrize("operation, path", PRIVATE)
def test_without_a_key_that_exists(db, operation, path):
    for client in (Client(), client_with("sk-or-v1-unknown")):
        assert_answer(client, operation, path, status=401)


@pytest.mark.parametrize(
    "operation, path", [each for each in PRIVATE if re.search("/keys|/activity|/analytics", each[0])]
)
def test_what_needs_a_management_key(api, operation, path):
    assert_answer(api, operation, path, {"name": "x", "metrics": ["total_usage"]}, status=403)
