"""CSV of what the page shows."""

import csv
import html
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from activity.dashboard import export
from activity.filters import GROUPS
from activity.requests import listing
from common.money import as_usd
from keys import issuing
from tests.activity.factory import make_history, make_request, make_requests, make_running


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
    assert {"day", "time_zone", "model", "requests", "prompt_tokens", "cost_usd"} <= rows[0].keys()


def test_sums_follow_the_filter_and_the_grouping(alice_client, account, key):
    make_request(account, key=key, model="acme/alpha", provider="groq", cost=3)
    make_request(account, model="acme/beta", provider="openai", cost=5)
    rows = lines(alice_client.get("/activity/usage.csv", {"by": "key", "model": "acme/alpha", "period": "24h"}))
    assert [(row["key"], row["cost_usd"]) for row in rows] == [("Laptop", "0.000000000003")]
    assert rows[0]["hour"].endswith("+00:00") and rows[0]["time_zone"] == "UTC"


def test_names_are_exact_in_any_script(alice_client, alice, account, organisation):
    names = {"مُحَمَّد بن سلمى Prod", "می\u200cخواهم", "שָׁלוֹם", "क्षत्रिय", '\u202egnp.exe\u202c, "x"', "👩\u200d👩\u200d👧"}
    for name in names:
        make_request(account, key=issuing.create(organisation, alice, name)[0], cost=3)
    assert {row["key"] for row in lines(alice_client.get("/activity/usage.csv", {"by": "key"}))} == names
    page = alice_client.get("/activity", {"by": "key"}).content.decode()
    assert all(f"<bdi>{html.escape(name)}</bdi>" in page for name in names)


def test_requests_are_all_there_newest_first(alice_client, account, monkeypatch):
    monkeypatch.setattr("activity.dashboard.export.BATCH", 7)
    now = timezone.now()
    made = make_requests(account, [{"created_at": now - timedelta(minutes=n)} for n in range(20)])
    rows = lines(alice_client.get("/activity/requests.csv"))
    assert [row["id"] for row in rows] == [request.pk for request in made]
    assert Decimal(rows[0]["cost_usd"]) * 10**12 == made[0].cost


def test_a_large_export_is_read_batch_by_batch_as_it_is_sent(alice_client, account, monkeypatch):
    """No batch has more requests than `BATCH`, and none is read before the one before it is sent."""
    now, read = timezone.now(), []
    made = make_requests(account, [{"created_at": now - timedelta(seconds=n)} for n in range(1100)])
    page_of = listing.page_of
    monkeypatch.setattr(listing, "page_of", lambda *args, **how: read.append(1) or page_of(*args, **how))
    monkeypatch.setattr(export, "BATCH", 250)
    chunks = async_to_sync(_chunks_and_reads)(alice_client.get("/activity/requests.csv"), read)
    ids = [line.partition(",")[0] for text, _ in chunks for line in text.splitlines()]
    assert ids == ["id", *(request.pk for request in made)]
    assert max(text.count("\n") for text, _ in chunks) == 250
    assert [reads for _, reads in chunks] == list(range(len(chunks)))


async def _chunks_and_reads(response, read: list) -> list[tuple[str, int]]:
    return [(chunk.decode(), len(read)) async for chunk in response.streaming_content]


def test_running_requests_come_first_as_on_the_page(alice_client, account):
    ended, running = make_request(account), make_running(account)
    for path in ("/activity/requests.csv", "/logs.csv"):
        rows = lines(alice_client.get(path))
        assert [(row["id"], row["state"]) for row in rows] == [(running.pk, "open"), (ended.pk, "settled")]


def test_logs_export_what_their_filters_show(alice_client, charlie_client, account, key):
    wanted = make_request(account, key=key, session_id="a task", use="legal", external_user="Ωmega \U0001f600", cost=7)
    make_request(account, session_id="another")
    rows = lines(alice_client.get("/logs.csv", {"session_id": "a task", "key": key.hash, "cost_to": "1"}))
    assert [(row["id"], row["user"], row["cost_usd"], row["use"]) for row in rows] == [
        (wanted.pk, "Ωmega \U0001f600", "0.000000000007", "legal")
    ]
    assert lines(charlie_client.get("/logs.csv")) == []


def test_logs_export_matches_beyond_the_reach_of_one_search(alice_client, account, monkeypatch):
    monkeypatch.setattr("activity.logs.search.STRIDE", 3)
    now = timezone.now()
    made = make_requests(
        account, [{"created_at": now - timedelta(minutes=n), "cancelled": n in (1, 14)} for n in range(20)]
    )
    rows = lines(alice_client.get("/logs.csv", {"status": "stopped"}))
    assert [row["id"] for row in rows] == [made[1].pk, made[14].pk]


@pytest.mark.parametrize("by", GROUPS)
def test_the_breakdown_adds_up_and_is_in_the_order_of_the_page(alice_client, account, key, alice, by):
    make_history(account, [key], 60, days=20, users=(alice.pk,))
    rows = lines(alice_client.get("/activity/breakdown.csv", {"by": by, "show": "tokens"}))
    page = alice_client.get("/activity", {"by": by, "show": "tokens"}).context["dashboard"]
    assert [row[by] for row in rows] == [row.label for row in page.rows]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == as_usd(page.report.total.cost)
    assert sum(int(row["requests"]) for row in rows) == page.report.total.requests


def test_one_menu_offers_the_exports_of_both_pages(alice_client, account):
    make_request(account)
    dashboard = alice_client.get("/activity", {"model": "openai/gpt-4o-mini"}).content.decode()
    logs = alice_client.get("/logs", {"status": "failed"}).content.decode()
    for name in ("requests.csv", "usage.csv", "breakdown.csv", "usage.pdf"):
        assert f'href="/activity/{name}?model=openai%2Fgpt-4o-mini"' in dashboard
    assert 'href="/logs.csv?status=failed"' in logs
    for page in (dashboard, logs):
        assert 'href="/activity/reports"' in page and "mailto:support@example.com?subject=Custom%20report" in page


def test_requests_follow_the_filter(alice_client, account):
    wanted = make_request(account, model="acme/alpha")
    make_request(account, model="acme/beta")
    rows = lines(alice_client.get("/activity/requests.csv", {"model": "acme/alpha"}))
    assert [row["id"] for row in rows] == [wanted.pk]


def test_nobody_exports_somebody_elses(charlie_client, account):
    make_request(account)
    assert lines(charlie_client.get("/activity/requests.csv")) == []
    assert lines(charlie_client.get("/activity/usage.csv")) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_spreadsheet_runs_nothing_that_a_caller_sent(alice_client, account, text):
    make_request(account, session_id=text, app=text)
    (row,) = lines(alice_client.get("/activity/requests.csv"))
    assert (row["session_id"], row["app"]) == (f"'{text}", f"'{text}")
