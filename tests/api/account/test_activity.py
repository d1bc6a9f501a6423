"""`/api/v1/activity`."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.account.schemas import organization as schemas
from gateway.accounting.rollups import roll_up
from keys import issuing
from tests.activity.factory import make_request
from tests.api.responses import exact, has_shape


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
    has_shape(schemas.ActivityRow, rows[0])


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


def test_activity_of_the_workspace(manager, account, organisation, charlie):
    make_request(account, days_ago(1), cost=1)
    all_of_it = exact(manager.get("/api/v1/activity"))["data"]
    query = {"workspace_id": organisation.workspace_id, "group_by": "workspace"}
    assert exact(manager.get("/api/v1/activity", query))["data"] == all_of_it
    assert [row["workspace_id"] for row in all_of_it] == [organisation.workspace_id]
    for other in (charlie.personal_organisation.workspace_id, "default", "\x00"):
        assert manager.get("/api/v1/activity", {"workspace_id": other}).status_code == 404
    assert manager.get("/api/v1/activity", {"group_by": "model"}).status_code == 400


def test_activity_is_kept_until_a_request_of_these_days_settles(manager, account, clock):
    clock.set(days_ago(0))

    def rows():
        return [(row["model"], row["usage"] * 10**12) for row in exact(manager.get("/api/v1/activity"))["data"]]

    make_request(account, days_ago(2), model="acme/alpha", cost=1)
    make_request(account, days_ago(1), model="acme/alpha", cost=2)
    roll_up()
    assert rows() == [("acme/alpha", 2), ("acme/alpha", 1)]
    with CaptureQueriesContext(connection) as queries:
        assert rows() == [("acme/alpha", 2), ("acme/alpha", 1)]
    assert not [each for each in queries if "SUM(" in each["sql"]]
    make_request(account, days_ago(2), model="acme/beta", cost=4)  # settled late
    late = [("acme/alpha", 2), ("acme/alpha", 1), ("acme/beta", 4)]
    assert rows() == late
    roll_up()
    assert rows() == late


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
