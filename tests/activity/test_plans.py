"""On PostgreSQL every page of usage finds its rows by index, and reads about as many as it shows."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from activity.insights.costs import NEWEST
from common.clock import utc_now, window_start
from gateway.accounting.rollups import roll_up
from keys import issuing
from tests.activity.factory import make_request

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="reads the plans of PostgreSQL"),
    pytest.mark.django_db,
]

DAYS = 40
#: Values of each dimension, and the rows of each hour.
VALUES = {"key": 4, "model": 3, "app": 5, "provider": 1, "member": 1}
COMBINATIONS = 60
PARTITIONED = ("gateway_generation", "gateway_usagehour")

FILL = """
INSERT INTO gateway_usagehour (
    account_id, hour, key_id, user_id, model, provider, app, source,
    requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost, latency_ms, duration_ms
)
SELECT %s, hour, each %% 4, 0, 'acme/' || each %% 3, 'openai', 'https://' || each %% 5, 'api', 1, 0, 1, 1, 0, 0, 1, 1, 1
FROM generate_series(%s, %s, '1 hour'::interval) AS hour, generate_series(0, 59) AS each
"""
COPY_REQUESTS = """
INSERT INTO gateway_generation
SELECT (json_populate_record(
    one, json_build_object('id', 'gen-1-' || each, 'created_at', created_at - each * '13 min'::interval)
)).*
FROM gateway_generation AS one, generate_series(1, 4000) AS each
"""


@pytest.fixture
def used(account, key, clock):
    """Forty days of a busy account: 57,000 rows by hour, and some thousand requests."""
    clock.set(datetime(2026, 11, 29, 12, 30, tzinfo=UTC))  # at midnight yesterday is not added up yet
    today = window_start("daily", utc_now())
    make_request(account, model="acme/1")
    with connection.cursor() as cursor:
        cursor.execute(FILL, [account.pk, today - timedelta(days=DAYS), today - timedelta(hours=1)])
        cursor.execute(COPY_REQUESTS)
        roll_up()
        cursor.execute("ANALYZE")


def rows_read(client, url: str, body: object = None) -> Counter:
    """Load a page, or post a body; returns the rows that it read, by table, and fails at a scan of a whole table.

    The rows of partitions count as those of their table.
    """
    read: Counter = Counter()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url) if body is None else client.post(url, json.dumps(body), "application/json")
        assert response.status_code == 200, response.content
    ours = [each["sql"] for each in queries if "gateway_usage" in each["sql"] or "gateway_generation" in each["sql"]]
    assert ours, url
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # small tables: a scan remains where there is no index
        for text in ours:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}")
            (plan,) = cursor.fetchone()
            for node in nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]):
                assert node["Node Type"] != "Seq Scan", text
                removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
                if part := node.get("Relation Name"):
                    table = next((each for each in PARTITIONED if part.startswith(each)), part)
                    read[table] += (node["Actual Rows"] + removed) * node["Actual Loops"]
        cursor.execute("SET LOCAL enable_seqscan = on")
    return read


def nodes(plan: dict):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def test_pages_read_in_proportion_to_what_they_show(used, organisation, alice, alice_client):
    today = 24 * COMBINATIONS
    choices = DAYS * sum(VALUES.values())
    for query, days, hours in (
        ("period=24h", 2, 4 * today),
        ("period=7d", 7 * VALUES["model"] + choices, 2 * today),
        ("period=30d", 30 * VALUES["model"] + choices, 2 * today),
        ("period=30d&by=app", 30 * VALUES["app"] + choices, 2 * today),
        ("period=30d&model=acme/1", 40 * VALUES["model"] + choices, 2 * today),
        ("period=30d&model=acme/1&by=key", DAYS * COMBINATIONS + choices, 2 * today),
        ("period=all", 31 * VALUES["model"] + choices, 2 * today),
    ):
        insights = "model=" not in query  # five weeks by key, model and app, and the newest requests
        read = rows_read(alice_client, f"/activity?{query}")
        watched = 35 * (VALUES["key"] + VALUES["model"] + VALUES["app"])
        assert read["gateway_usageday"] <= days + DAYS + watched * insights, query
        assert read["gateway_usagehour"] <= hours + 1 + today * insights, query
        assert read["gateway_usagemonth"] <= 3 * COMBINATIONS, query
        assert read["gateway_generation"] <= 60 + (NEWEST + 1) * insights, query
    secret = issuing.create(organisation, alice, "Script", is_management=True)[1]
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    for client, url, days in (
        (alice_client, "/", 2 * DAYS),
        (alice_client, "/settings/credits", 2 * DAYS),
        (program, "/api/v1/keys", DAYS * VALUES["key"]),
        (program, "/api/v1/activity", 31 * COMBINATIONS),
    ):
        read = rows_read(client, url)
        assert read["gateway_usageday"] <= days, url
        assert read["gateway_usagehour"] <= 2 * today, url
        assert read["gateway_generation"] <= 10, url


def test_analytics_queries_read_in_proportion_to_what_they_show(used, organisation, alice):
    secret = issuing.create(organisation, alice, "Script", is_management=True)[1]
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    today = 24 * COMBINATIONS
    month = {"start": f"{utc_now() - timedelta(days=30):%Y-%m-%dT00:00:00Z}", "end": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"}
    by_model = [{"field": "model", "operator": "eq", "value": "acme/1"}]
    for query, rows in (
        ({"dimensions": ["model"], "granularity": "day"}, 31 * VALUES["model"]),
        ({"dimensions": ["app"], "filters": []}, 31 * VALUES["app"]),
        ({"filters": by_model, "granularity": "week"}, 31 * VALUES["model"]),
        ({"dimensions": ["model", "app"], "granularity": "day"}, 31 * COMBINATIONS),
        ({"dimensions": ["api_key_id"], "filters": by_model}, 31 * COMBINATIONS),
    ):
        body = {"metrics": ["total_usage"], "time_range": month, **query}
        read = rows_read(program, "/api/v1/analytics/query", body)
        assert read["gateway_usageday"] <= rows + DAYS, query
        assert read["gateway_usagehour"] <= 2 * today + 2, query
        assert read["gateway_usagemonth"] <= COMBINATIONS, query
        assert read["gateway_generation"] == 0, query
        again = rows_read(program, "/api/v1/analytics/query", body)
        assert again["gateway_usageday"] <= 2, query  # which writing of the days is known
        assert (again["gateway_usagehour"] <= today, again["gateway_usagemonth"]) == (True, 0), query


def test_minutes_read_the_requests_that_they_show(used, alice_client):
    now = utc_now()
    six_hours = urlencode(
        {"from": f"{now - timedelta(hours=30):%FT%H:00Z}", "to": f"{now - timedelta(hours=24):%FT%H:00Z}"}
    )
    for query, hours in (("period=1h", 1), (f"{six_hours}&bucket=minute", 6)):
        requests = hours * 60 // 13 + 2
        # The chart, the period before and the list; the stamp of the page and its neighbours.
        read = rows_read(alice_client, f"/activity?{query}&model=acme/1")
        assert 0 < read["gateway_generation"] <= 3 * requests + 5, query
        # How many there are, and the choices of the filters: of the hours that these begin and end in.
        assert read["gateway_usagehour"] <= (3 * hours + 4) * COMBINATIONS, query
        # Which writing of the days is known, by a row of each kind.
        assert (read["gateway_usageday"] <= 2, read["gateway_usagemonth"]) == (True, 0), query
