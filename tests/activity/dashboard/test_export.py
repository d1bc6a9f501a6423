"""CSV of what the page shows."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.activity.factory import make_history, make_request, make_requests


def lines(response) -> list[dict]:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response).decode()
    return list(csv.DictReader(io.StringIO(text)))


# The test client reads asynchronous answers synchronously, which Django warns about.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


def test_sums_add_up_to_the_pico(alice_client, account, key):
    make_history(account, [key], 100, days=20)
    account.refresh_from_db()
    rows = lines(alice_client.get("/activity/usage.csv"))
    assert sum(Decimal(row["cost_usd"]) for row in rows) * 10**12 == account.usage
    assert {"day_utc", "model", "requests", "prompt_tokens", "cost_usd"} <= rows[0].keys()


def test_sums_follow_the_filter_and_the_grouping(alice_client, account, key):
    make_request(account, key=key, model="acme/alpha", provider="groq", cost=3)
    make_request(account, model="acme/beta", provider="openai", cost=5)
    rows = lines(alice_client.get("/activity/usage.csv", {"by": "key", "model": "acme/alpha", "period": "24h"}))
    assert [(row["key"], row["cost_usd"]) for row in rows] == [("Laptop", "0.000000000003")]
    assert rows[0]["hour_utc"].endswith("+00:00")


def test_requests_are_all_there_newest_first(alice_client, account, monkeypatch):
    monkeypatch.setattr("activity.dashboard.export.BATCH", 7)
    now = timezone.now()
    made = make_requests(account, [{"created_at": now - timedelta(minutes=n)} for n in range(20)])
    rows = lines(alice_client.get("/activity/requests.csv"))
    assert [row["id"] for row in rows] == [request.pk for request in made]
    assert Decimal(rows[0]["cost_usd"]) * 10**12 == made[0].cost


def test_requests_follow_the_filter(alice_client, account):
    wanted = make_request(account, model="acme/alpha")
    make_request(account, model="acme/beta")
    rows = lines(alice_client.get("/activity/requests.csv", {"model": "acme/alpha"}))
    assert [row["id"] for row in rows] == [wanted.pk]


def test_nobody_exports_somebody_elses(charlie_client, account):
    make_request(account)
    assert lines(charlie_client.get("/activity/requests.csv")) == []
    assert lines(charlie_client.get("/activity/usage.csv")) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_runs_nothing_that_a_caller_sent(alice_client, account, text):
    make_request(account, session_id=text, app=text)
    (row,) = lines(alice_client.get("/activity/requests.csv"))
    assert (row["session_id"], row["app"]) == (f"'{text}", f"'{text}")
