"""`/api/v1/key` and `/api/v1/keys`: a key about itself, management keys about the others."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from activity.sums.key_usage import spent_by_keys
from api.account import keys
from api.account.schemas import keys as schemas
from billing.credits import ledger
from billing.models import LedgerEntry
from common.money import pico_from_cents
from keys import issuing
from keys.authentication import authenticate_sync, hash_of
from keys.models import ApiKey
from tests.activity.factory import make_request
from tests.api.responses import client_with, exact, has_shape


def post(client, body, path="/api/v1/keys"):
    return client.post(path, json.dumps(body), content_type="application/json")


def patch(client, key_hash, body):
    return client.patch(f"/api/v1/keys/{key_hash}", json.dumps(body), content_type="application/json")


KEY_FIELDS = [
    "hash", "name", "label", "disabled", "limit", "limit_remaining", "limit_reset", "include_byok_in_limit",
    "usage", "usage_daily", "usage_weekly", "usage_monthly", "byok_usage", "byok_usage_daily", "byok_usage_weekly",
    "byok_usage_monthly", "created_at", "updated_at", "expires_at", "creator_user_id", "workspace_id",
    "last_used_at", "external_user", "allowed_ips", "allowed_models", "requests_per_minute", "tokens_per_minute",
    "max_concurrent_requests", "updated_by_user_id", "previous_key_expires_at",
]  # fmt: skip


# --- /key ------------------------------------------------------------------------------------------


def test_a_key_learns_about_itself(organisation, alice, account):
    key, secret = issuing.create(organisation, alice, "Laptop", limit=pico_from_cents(500), limit_reset="monthly")
    make_request(account, key=key, cost=1_500_000_000_001)
    ApiKey.objects.filter(pk=key.pk).update(window_started_at=timezone.now())
    data = exact(client_with(secret).get("/api/v1/key"))["data"]
    has_shape(schemas.CurrentKeyData, data)
    budget = {
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": 5,
        "remaining_usd": Decimal("3.499999999999"),
        "reset_interval": "monthly",
        "resets_at": data["effective_budget"]["resets_at"],
        "scope": "key_limit",
        "spend_usd": Decimal("1.500000000001"),
    }
    assert data == {
        "label": key.label,
        "limit": 5,
        "limit_remaining": Decimal("3.499999999999"),
        "limit_reset": "monthly",
        "include_byok_in_limit": False,
        "usage": Decimal("1.500000000001"),
        "usage_daily": Decimal("1.500000000001"),
        "usage_weekly": Decimal("1.500000000001"),
        "usage_monthly": Decimal("1.500000000001"),
        "byok_usage": 0,
        "byok_usage_daily": 0,
        "byok_usage_weekly": 0,
        "byok_usage_monthly": 0,
        "is_free_tier": True,
        "is_management_key": False,
        "is_provisioning_key": False,
        "creator_user_id": alice.public_id,
        "expires_at": None,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated: always -1."},
        "allowed_data_regions": ["global"],
        "budgets": [budget],
        "effective_budget": budget,
        "free_model_daily_requests": {"limit": 50, "remaining": 50, "used": 0},
        "organization_id": None if organisation.personal_of_id else organisation.public_id,
        "workspace_id": organisation.workspace_id,
    }
    assert client_with(secret).get("/api/v1/auth/key").json() == client_with(secret).get("/api/v1/key").json()


def test_who_has_bought_credits_is_not_on_the_free_tier(organisation, alice, account):
    _, secret = issuing.create(organisation, alice, "Laptop")
    ledger.add(account, pico_from_cents(500), kind=LedgerEntry.Kind.PURCHASE, reference="test")
    data = exact(client_with(secret).get("/api/v1/key"))["data"]
    assert (data["is_free_tier"], data["limit"], data["limit_remaining"]) == (False, None, None)


def test_a_management_key_learns_that_it_is_one(manager):
    data = exact(manager.get("/api/v1/key"))["data"]
    assert data["is_management_key"] is data["is_provisioning_key"] is True


def test_a_key_learns_about_itself_while_redis_is_away(manager, monkeypatch):
    known = exact(manager.get("/api/v1/key"))["data"]

    def refuse(*args: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(cache, "get", refuse)
    assert exact(manager.get("/api/v1/key"))["data"] == known


def test_the_other_header_works_too(organisation, alice, account):
    _, secret = issuing.create(organisation, alice, "Laptop")
    assert Client(headers={"X-Api-Key": secret}).get("/api/v1/key").status_code == 200


@pytest.mark.parametrize(
    ("at", "daily", "weekly", "monthly"),
    [
        (datetime(2026, 9, 30, 0, 0, tzinfo=UTC), 1, 1, 1),
        (datetime(2026, 9, 29, 23, 59, tzinfo=UTC), 0, 1, 1),
        (datetime(2026, 9, 28, 0, 0, tzinfo=UTC), 0, 1, 1),  # Monday
        (datetime(2026, 9, 27, 23, 59, tzinfo=UTC), 0, 0, 1),  # Sunday
        (datetime(2026, 9, 1, 0, 0, tzinfo=UTC), 0, 0, 1),
        (datetime(2026, 8, 31, 23, 59, tzinfo=UTC), 0, 0, 0),
    ],
)
def test_windows_are_the_utc_day_the_week_from_monday_and_the_month(account, key, at, daily, weekly, monthly):
    make_request(account, at, key=key, cost=1)
    make_request(account, at, cost=10)  # another key's
    spent = spent_by_keys(account, [key.pk], datetime(2026, 9, 30, 18, tzinfo=UTC))[key.pk]
    assert {window: each.usage for window, each in spent.items()} == {
        "daily": daily,
        "weekly": weekly,
        "monthly": monthly,
    }


def test_a_week_may_have_begun_in_the_month_before(account, key):
    make_request(account, datetime(2026, 9, 29, tzinfo=UTC), key=key, cost=1)
    spent = spent_by_keys(account, [key.pk], datetime(2026, 10, 2, tzinfo=UTC))[key.pk]
    assert {window: each.usage for window, each in spent.items()} == {"daily": 0, "weekly": 1, "monthly": 0}


# --- /keys -----------------------------------------------------------------------------------------


def test_ordinary_keys_manage_nothing(organisation, alice, account):
    key, secret = issuing.create(organisation, alice, "Laptop")
    client = client_with(secret)
    path = f"/api/v1/keys/{key.hash}"
    answers = [client.get("/api/v1/keys"), post(client, {"name": "x"}), client.get(path), client.delete(path)]
    answers.append(patch(client, key.hash, {"name": "x"}))
    for response in answers:
        assert response.status_code == 403
        assert exact(response)["error"]["message"] == "Only management keys can perform this operation"
    assert ApiKey.objects.count() == 1


def test_making_a_key_returns_its_secret_this_once(manager, organisation, alice):
    response = post(
        manager,
        {"name": " Customer 42 ", "limit": 12.3, "limit_reset": "weekly", "include_byok_in_limit": True,
         "expires_at": "2099-12-31T23:59:59Z", "an_unknown_field": 1},
    )  # fmt: skip
    assert response.status_code == 201
    body = exact(response)
    assert authenticate_sync(f"Bearer {body['key']}").hash == body["data"]["hash"] == hash_of(body["key"])
    assert sorted(body["data"]) == sorted(KEY_FIELDS)
    has_shape(schemas.KeyData, body["data"])
    key = ApiKey.objects.get(hash=body["data"]["hash"])
    assert (key.name, key.limit, key.limit_reset) == ("Customer 42", pico_from_cents(1230), "weekly")
    assert (key.organisation, key.created_by, key.is_management) == (organisation, alice, False)
    assert body["data"]["limit_remaining"] == Decimal("12.3")
    assert body["data"]["creator_user_id"] == alice.public_id
    assert body["data"]["expires_at"] == "2099-12-31T23:59:59Z"
    assert "key" not in exact(manager.get(f"/api/v1/keys/{key.hash}"))


def test_a_body_needs_no_content_type(manager):
    response = manager.generic("POST", "/api/v1/keys", b'{"name": "Plain"}', content_type="")
    assert response.status_code == 201


def test_a_key_can_be_made_for_another_member(manager, bob, charlie):
    body = exact(post(manager, {"name": "Bob's", "creator_user_id": bob.public_id}))
    assert body["data"]["creator_user_id"] == bob.public_id
    assert post(manager, {"name": "x", "creator_user_id": charlie.public_id}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": 5},
        {"name": None},
        {"name": "x", "limit": -1},
        {"name": "x", "limit": "many"},
        {"name": "x", "limit": 1e12},
        {"name": "x", "limit": float("nan")},
        {"name": "x", "limit": float("inf")},
        {"name": "x", "limit": 1e-13},
        {"name": "x", "limit_reset": "yearly"},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": "2099-12-31T23:59:59"},
        {"name": "x", "expires_at": "2099-12-31T23:59:59+02:00"},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "creator_user_id": "\x00"},
        {"name": "x\x00"},
        [],
        "x",
    ],
)
def test_a_body_that_makes_no_sense_is_a_400_and_makes_no_key(manager, body):
    response = post(manager, body)
    assert response.status_code == 400
    assert exact(response)["error"]["code"] == 400
    assert ApiKey.objects.for_inference().count() == 0


def test_a_body_that_is_no_json_is_a_400(manager):
    response = manager.post("/api/v1/keys", b"{", content_type="application/json")
    assert response.status_code == 400
    assert exact(response)["error"]["metadata"]["error_type"] == "invalid_request"


def test_the_list_is_newest_first_without_disabled_deleted_and_management_keys(manager, organisation, alice):
    now = timezone.now()
    for age, name in enumerate(("Newest", "Disabled", "Deleted", "Oldest")):
        key, _ = issuing.create(organisation, alice, name)
        ApiKey.objects.filter(pk=key.pk).update(created_at=now - timedelta(minutes=age), disabled=name == "Disabled")
        if name == "Deleted":
            issuing.delete(key)

    def names(**query):
        return [key["name"] for key in exact(manager.get("/api/v1/keys", query))["data"]]

    assert names() == ["Newest", "Oldest"]
    assert names(include_disabled="true") == ["Newest", "Disabled", "Oldest"]
    assert names(offset=1) == ["Oldest"]
    assert names(offset=9) == []


def test_the_list_has_a_hundred_keys_at_most_and_takes_few_queries(
    manager, organisation, alice, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(keys, "PAGE_SIZE", 5)
    for number in range(7):
        issuing.create(organisation, alice, f"Key {number}")
    with django_assert_max_num_queries(6):
        assert len(exact(manager.get("/api/v1/keys"))["data"]) == 5
    assert len(exact(manager.get("/api/v1/keys?offset=5"))["data"]) == 2


@pytest.mark.parametrize("query", ["offset=-1", "offset=x", "offset=99999999999999999999", "include_disabled=perhaps"])
def test_a_bad_parameter_is_a_400(manager, query):
    refused = manager.get(f"/api/v1/keys?{query}")
    assert refused.status_code == 400
    message = exact(refused)["error"]["message"].removeprefix("Invalid request parameters. ")
    assert message.startswith(query.partition("=")[0])


def test_a_key_can_be_changed_bit_by_bit(manager, organisation, alice):
    key, _ = issuing.create(organisation, alice, "Laptop", limit=pico_from_cents(500), limit_reset="daily")
    assert exact(patch(manager, key.hash, {"name": "Desk"}))["data"]["limit"] == 5
    assert exact(patch(manager, key.hash, {"limit": None}))["data"]["limit"] is None
    assert exact(patch(manager, key.hash, {"limit_reset": None}))["data"]["limit_reset"] is None
    data = exact(patch(manager, key.hash, {"disabled": True, "limit": 0.5}))["data"]
    assert (data["name"], data["disabled"], data["limit"]) == ("Desk", True, Decimal("0.5"))
    assert data["updated_at"] is not None


@pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"disabled": None}, {"limit": -1}, {"limit_reset": ""}])
def test_a_change_that_makes_no_sense_changes_nothing(manager, organisation, alice, body):
    key, _ = issuing.create(organisation, alice, "Laptop")
    assert patch(manager, key.hash, body).status_code == 400
    key.refresh_from_db()
    assert (key.name, key.disabled, key.limit, key.updated_at) == ("Laptop", False, None, None)


def test_a_deleted_key_is_gone(manager, organisation, alice):
    key, _ = issuing.create(organisation, alice, "Laptop")
    response = manager.delete(f"/api/v1/keys/{key.hash}")
    assert exact(response) == {"deleted": True}
    assert manager.get(f"/api/v1/keys/{key.hash}").status_code == 404
    assert manager.delete(f"/api/v1/keys/{key.hash}").status_code == 404


def test_other_organisations_keys_and_management_keys_do_not_exist(manager, organisation, alice, charlie):
    theirs, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    own, _ = issuing.create(organisation, alice, "Another manager", is_management=True)
    for key_hash in (theirs.hash, own.hash, "0" * 64, "x", "%00", "'"):
        assert manager.get(f"/api/v1/keys/{key_hash}").status_code == 404
        assert patch(manager, key_hash, {"disabled": True}).status_code == 404
        assert manager.delete(f"/api/v1/keys/{key_hash}").status_code == 404
    assert not ApiKey.objects.filter(disabled=True).exists()
    assert not ApiKey.objects.exclude(deleted_at=None).exists()


def test_restrictions_are_set_and_cleared(manager, organisation, alice):
    body = {
        "name": "Customer", "external_user": "c-42", "allowed_ips": ["203.0.113.7"], "allowed_models": ["acme/*"],
        "requests_per_minute": 60, "tokens_per_minute": 9000, "max_concurrent_requests": 4,
    }  # fmt: skip
    data = exact(post(manager, body))["data"]
    assert {name: data[name] for name in body} == body | {"allowed_ips": ["203.0.113.7/32"]}
    cleared = exact(patch(manager, data["hash"], {"allowed_ips": [], "requests_per_minute": None}))["data"]
    assert (cleared["allowed_ips"], cleared["requests_per_minute"]) == ([], None)
    assert (cleared["tokens_per_minute"], cleared["updated_by_user_id"]) == (9000, alice.public_id)
    for wrong in ({"allowed_ips": ["home"]}, {"allowed_models": ["gpt"]}, {"requests_per_minute": 0}):
        refused = patch(manager, data["hash"], wrong)
        assert refused.status_code == 400
        assert next(iter(wrong)) in refused.json()["error"]["message"]


def test_a_key_is_rotated_once_by_its_hash(manager, organisation, alice):
    key, old = issuing.create(organisation, alice, "Laptop")
    response = post(manager, {"grace_seconds": 3600}, f"/api/v1/keys/{key.hash}/rotate")
    body = exact(response)
    has_shape(schemas.KeyData, body["data"])
    assert body["data"]["hash"] == hash_of(body["key"])
    assert authenticate_sync(f"Bearer {old}").key_id == authenticate_sync(f"Bearer {body['key']}").key_id == key.pk
    again = post(manager, {}, f"/api/v1/keys/{key.hash}/rotate")
    assert again.status_code == 409
    assert body["data"]["hash"] in again.json()["error"]["message"]
    assert manager.get(f"/api/v1/keys/{key.hash}").json()["data"]["hash"] == body["data"]["hash"]
    assert post(manager, {"grace_seconds": -1}, f"/api/v1/keys/{body['data']['hash']}/rotate").status_code == 400
