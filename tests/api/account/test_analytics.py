"""`/api/v1/analytics`: any query is what a count over the requests gives."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity import usage
from activity.analytics import query as analytics
from activity.analytics.measures import DIMENSIONS, METRICS
from activity.filters import Filter
from common.clock import hour_of, utc_now, window_start
from gateway.accounting import rollups as rolling
from gateway.models import Generation
from keys import issuing
from tests.activity.factory import make_history, make_request, make_requests
from tests.api.responses import exact

NOW = datetime(2024, 3, 1, 0, 30, tzinfo=UTC)
ALL_TIME = {"start": "2022-01-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"}


def ask(client: Client, status: int = 200, **body: Any) -> Any:
    sent = client.post("/api/v1/analytics/query", json.dumps(body), content_type="application/json")
    assert sent.status_code == status, sent.content
    answer = exact(sent)
    return answer["data"] if status == 200 else answer["error"]["message"]


def rows_of(client: Client, **body: Any) -> list[dict[str, Any]]:
    return ask(client, **body)["data"]


def naive(made: list[Generation], name: str) -> Any:
    """A metric counted request by request, as it is defined."""
    served = [each for each in made if each.error_status is None]
    prompt = sum(each.prompt_tokens for each in made)
    cached, completion = (sum(getattr(each, f"{kind}_tokens") for each in made) for kind in ("cached", "completion"))
    latency, duration = (sum(getattr(each, f"{kind}_ms") or 0 for each in served) for kind in ("latency", "duration"))

    def ratio(part: int, whole: int) -> Any:
        return part / whole if whole > 0 else None

    return {
        "request_count": len(made),
        "failed_requests": len(made) - len(served),
        "total_usage": Decimal(sum(each.cost for each in made)).scaleb(-12),
        "tokens_total": prompt + completion,
        "tokens_prompt": prompt,
        "tokens_completion": completion,
        "reasoning_tokens": sum(each.reasoning_tokens for each in made),
        "cached_tokens": cached,
        "cache_hit_rate": ratio(cached, prompt),
        "avg_latency": ratio(latency, len(served)),
        "avg_generation_time": ratio(duration, len(served)),
        "avg_throughput": ratio(completion * 1000, duration - latency),
    }[name]


def same(found: Any, wanted: Any) -> bool:
    """Whether a figure is the wanted one: exactly, or to a float's precision."""
    return found == (Decimal(repr(wanted)) if isinstance(wanted, float) else wanted)


def test_every_metric_is_the_sum_over_requests_and_the_pages(manager, account, key, alice):
    made = make_history(account, [key], 150, days=40, users=(alice.pk,))
    made.append(make_request(account, reasoning_tokens=77))
    whole = {"start": "2020-01-01T00:00:00Z", "end": f"{utc_now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
    whole["start"] = f"{utc_now() - timedelta(days=365):%Y-%m-%dT%H:%M:%SZ}"
    for _ in range(2):
        [row] = rows_of(manager, metrics=[*METRICS], time_range=whole)
        assert {name: row[name] for name in METRICS if not same(row[name], naive(made, name))} == {}
        report = usage.report(Filter(account, utc_now(), "all"))
        assert (row["total_usage"] * 10**12, row["request_count"]) == (report.total.cost, report.total.requests)
        assert row["total_usage"] * 10**12 == account.usage
        rolling.roll_up()


REQUEST = st.fixed_dictionaries(
    {
        "minutes": st.one_of(st.integers(0, 3 * 24 * 60), st.integers(0, 500 * 24 * 60)),  # before now
        "cost": st.integers(0, 10**12),
        "model": st.sampled_from(["acme/one", "acme/two"]),
        "provider": st.sampled_from(["openai", "groq"]),
        "app": st.sampled_from(["", "https://a.example/", "https://b.example/"]),
        "source": st.sampled_from(["api", "chat"]),
        "cached_tokens": st.integers(0, 1000),
    }
)
VALUES = {
    "model": ["acme/one", "acme/two", "acme/none"],
    "provider": ["openai", "groq"],
    "app": ["https://a.example/", "https://b.example/"],
    "source": ["api", "chat"],
}
FILTER = st.sampled_from([*VALUES]).flatmap(
    lambda name: st.one_of(
        st.fixed_dictionaries(
            {"field": st.just(name), "operator": st.sampled_from(["eq", "neq"]), "value": st.sampled_from(VALUES[name])}
        ),
        st.fixed_dictionaries(
            {
                "field": st.just(name),
                "operator": st.sampled_from(["in", "not_in"]),
                "value": st.lists(st.sampled_from(VALUES[name]), max_size=2),
                "include_unset": st.booleans(),
            }
        ),
    )
)
QUERY = st.fixed_dictionaries(
    {
        "metrics": st.lists(st.sampled_from([*METRICS]), min_size=1, max_size=3, unique=True),
        "dimensions": st.sampled_from([list(pair) for size in range(3) for pair in combinations(VALUES, size)]),
        "granularity": st.sampled_from([None, "hour", "day", "week", "month"]),
        "filters": st.lists(FILTER, max_size=2),
        "ends": st.integers(0, 60 * 24),  # hours before now
        "length": st.integers(1, 31 * 24),
    }
)


def fits(request: Generation, one: dict[str, Any]) -> bool:
    value = getattr(request, one["field"])
    match one["operator"]:
        case "eq":
            return bool(value == one["value"])
        case "neq":
            return bool(value != one["value"])
        case "in":
            return value in one["value"] or (value == "" and one["include_unset"])
        case _:
            return value not in one["value"] and (value != "" or one["include_unset"])


def bucket_of(request: Generation, granularity: str | None) -> str | None:
    hour = hour_of(request.created_at)
    if granularity is None:
        return None
    if granularity == "hour":
        return f"{hour:%Y-%m-%dT%H:%M:%SZ}"
    return f"{window_start({'day': 'daily', 'week': 'weekly', 'month': 'monthly'}[granularity], hour):%Y-%m-%d}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(REQUEST, min_size=1, max_size=25),
    late=st.lists(REQUEST, max_size=10),
    queries=st.lists(QUERY, min_size=1, max_size=4),
    most=st.integers(0, 20),
)
def test_any_query_is_what_a_count_gives(manager, account, clock, first, late, queries, most):
    with transaction.atomic():
        clock.set(NOW)
        cache.clear()  # the numbers of rows begin again when an example is rolled back
        made = make_requests(account, _rows(first))
        rolling.roll_up()
        for query in queries:
            check(manager, query, made)
        made += make_requests(account, _rows(late))
        for _ in range(2):  # not all of the days are added up again, and what was kept is found
            for query in queries:
                check(manager, query, made)
            rolling.roll_up(most)
        transaction.set_rollback(True)


def check(manager: Client, query: dict[str, Any], made: list[Generation]) -> None:
    """Ask for a query, and count the same."""
    asked = dict(query)
    end = hour_of(NOW) + timedelta(hours=1 - asked.pop("ends"))
    start = end - timedelta(hours=asked.pop("length"))
    groups: dict[tuple, list[Generation]] = {}
    for each in made:
        if start <= each.created_at < end and all(fits(each, one) for one in asked["filters"]):
            values = tuple(getattr(each, name) or None for name in asked["dimensions"])
            groups.setdefault((bucket_of(each, asked["granularity"]), *values), []).append(each)
    if not asked["dimensions"] and not asked["granularity"]:
        groups.setdefault((None,), [])
    names = (f"date__{asked['granularity']}", *asked["dimensions"])
    time_range = {"start": start.isoformat(), "end": end.isoformat()}
    found = {tuple(row.get(name) for name in names): row for row in rows_of(manager, time_range=time_range, **asked)}
    assert found.keys() == groups.keys()
    for group, requests in groups.items():
        for name in asked["metrics"]:
            assert same(found[group][name], naive(requests, name)), (name, group)


def _rows(batch: list[dict]) -> list[dict]:
    return [
        {**{name: value for name, value in each.items() if name != "minutes"},
         "created_at": NOW - timedelta(minutes=each["minutes"])}
        for each in batch
    ]  # fmt: skip


def test_rows_name_keys_users_and_the_workspace(manager, account, organisation, key, alice):
    issuing.delete(key)
    make_request(account, key=key, user=alice, app="https://<b>.example/", cost=2)
    make_request(account, source="chat", cost=1)
    dollars = {1: Decimal("1E-12"), 2: Decimal("2E-12")}
    assert rows_of(manager, metrics=["total_usage"], dimensions=["api_key_id", "user"]) == [
        {
            "api_key_id": "Laptop (deleted)", "api_key_hash": key.hash, "user": alice.email,
            "user_id": alice.public_id, "user_email": alice.email, "total_usage": dollars[2],
        },
        {
            "api_key_id": None, "api_key_hash": None, "user": None, "user_id": None, "user_email": None,
            "total_usage": dollars[1],
        },
    ]  # fmt: skip
    assert rows_of(manager, metrics=["request_count"], dimensions=["workspace", "app"]) == [
        {"workspace": organisation.workspace_id, "app": None, "request_count": 1},
        {"workspace": organisation.workspace_id, "app": "https://<b>.example/", "request_count": 1},
    ]
    for filters, count in (
        ([{"field": "api_key_id", "operator": "eq", "value": key.hash}], 1),
        ([{"field": "api_key_id", "operator": "neq", "value": key.hash}], 1),
        ([{"field": "user", "operator": "in", "value": [alice.public_id], "include_unset": True}], 2),
        ([{"field": "workspace", "operator": "eq", "value": organisation.workspace_id}], 2),
        ([{"field": "workspace", "operator": "neq", "value": organisation.workspace_id}], 0),
        ([{"field": "model", "operator": "eq", "value": name} for name in ("openai/gpt-4o-mini", "acme/x")], 0),
    ):
        assert rows_of(manager, metrics=["request_count"], filters=filters) == [{"request_count": count}]


def test_order_and_limits(manager, account, clock):
    clock.set(NOW)
    for days, model, cost in ((0, "a/a", 3), (0, "a/b", 1), (1, "a/a", 2), (1, "a/b", 4), (2, "a/a", 9)):
        make_request(account, NOW - timedelta(days=days), model=model, cost=cost)
    series = {"metrics": ["total_usage"], "dimensions": ["model"], "granularity": "day"}

    def costs(**body: Any) -> list[int]:
        return [int(row["total_usage"] * 10**12) for row in rows_of(manager, **body)]

    assert costs(**series) == [3, 1, 4, 2, 9]  # newest day first, then the largest
    assert costs(**series, order_by={"field": "date", "direction": "asc"}) == [9, 4, 2, 3, 1]
    assert costs(**series, order_by={"field": "total_usage", "direction": "asc"}) == [1, 2, 3, 4, 9]
    assert costs(**series, order_by={"field": "model", "direction": "desc"}) == [1, 4, 3, 2, 9]
    assert costs(**series, order_by={"field": "request_count", "direction": "asc"}) == [3, 1, 4, 2, 9]  # all have one
    assert costs(**series, group_limit=1) == [3, 1]
    assert costs(metrics=["total_usage"], dimensions=["model"]) == [14, 5]
    answer = ask(manager, **series, limit=2)
    assert answer["metadata"]["truncated"] and answer["metadata"]["row_count"] == len(answer["data"]) == 2
    assert "Raise limit" in answer["warnings"][0]
    assert "warnings" not in ask(manager, **series, limit=5)
    half = {"start": "2024-02-29T00:10:00Z", "end": "2024-03-01T00:20:00Z"}
    answer = ask(manager, metrics=["request_count"], time_range=half)
    assert answer["data"] == [{"request_count": 4}]
    assert answer["warnings"] == [
        "time_range was widened to whole hours: 2024-02-29T00:00:00Z to 2024-03-01T01:00:00Z."
    ]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"metrics": ["token_total"]}, "metrics: 'token_total' is unknown. Did you mean tokens_total"),
    ({"metrics": []}, "metrics"),
    ({}, "metrics"),
    ({"metrics": ["total_usage"] * 2}, "twice"),
    ({"dimensions": ["modle"]}, "Did you mean model"),
    ({"dimensions": ["model", "app", "provider"]}, "dimensions"),
    ({"dimensions": ["generation_id"]}, "GET /api/v1/analytics/meta lists them"),
    ({"granularity": "minute"}, "Use hour"),
    ({"granularity": "\x00\ud800" * 200}, "granularity"),
    ({"time_range": {"start": "2024-01-02T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}, "start must be before end"),
    ({"time_range": {"start": "0001-01-01T00:00:00+14:00", "end": "2024-01-02T00:00:00Z"}}, "years"),
    ({"time_range": {"start": "2024-01-01T00:00:00", "end": "2024-01-02T00:00:00Z"}}, "timezone"),
    ({"time_range": {"start": "2010-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}}, "may span 1,830 days"),
    (
        {"time_range": {"start": "2023-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}, "granularity": "hour"},
        "may span 31 days with granularity hour. Shorten it, or use a coarser granularity.",
    ),
    ({"limit": 0}, "limit"),
    ({"limit": 10_001}, "10000"),
    ({"order_by": {"field": "date", "direction": "asc"}}, "Use one of: request_count, total_usage."),
    ({"filters": [{"field": "model", "operator": "gt", "value": "a"}]}, "Use eq, neq, in or not_in"),
    ({"filters": [{"field": "model", "operator": "eq", "value": ["a"]}]}, "eq takes a text"),
    ({"filters": [{"field": "model", "operator": "in", "value": "a"}]}, "in takes a list"),
    ({"filters": [{"field": "model", "operator": "eq", "value": "a", "include_unset": True}]}, "include_unset"),
    ({"filters": [{"field": "model", "operator": "eq", "value": "a\x00"}]}, "printable"),
    ({"filters": [{"field": "model", "operator": "in", "value": ["a"] * 501}]}, "500"),
    ({"filters": [{"field": "model", "operator": "eq", "value": "a"}] * 21}, "20"),
    ({"classifier_filters": {}}, "Leave it out"),
]


@pytest.mark.parametrize("change, reason", REFUSED)
def test_a_query_that_is_refused_names_the_reason(manager, change, reason):
    body = change if change == {} else {"metrics": ["total_usage"]} | change
    assert reason in ask(manager, 400, **body)


@pytest.mark.parametrize("direction, models", [("asc", ["low", "high", "none"]), ("desc", ["high", "low", "none"])])
def test_rows_without_a_rate_are_last_in_either_direction(manager, account, direction, models):
    for model, prompt, cached in (("none", 0, 0), ("low", 100, 10), ("high", 100, 90)):
        make_request(account, model=model, prompt_tokens=prompt, cached_tokens=cached)
    order = {"field": "cache_hit_rate", "direction": direction}
    rows = rows_of(manager, metrics=["cache_hit_rate"], dimensions=["model"], order_by=order)
    assert [row["model"] for row in rows] == models


def test_more_rows_than_the_bound_are_refused(manager, account, monkeypatch):
    monkeypatch.setattr(analytics, "MOST_READ", 2)
    for provider in ("groq", "openai"):
        make_request(account, provider=provider)
    body: dict[str, Any] = {"metrics": ["request_count"], "dimensions": ["model", "provider"]}
    assert len(rows_of(manager, **body)) == 2
    make_request(account, model="acme/other")
    assert "adds up more than 2 rows of usage. Shorten time_range" in ask(manager, 400, **body)


def test_keys_and_members_of_others_are_unknown(manager, account, charlie):
    theirs, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    for field, value in (("api_key_id", theirs.hash), ("user", charlie.public_id), ("api_key_id", "f" * 64)):
        message = ask(
            manager, 400, metrics=["total_usage"], filters=[{"field": field, "operator": "eq", "value": value}]
        )
        assert "in this organization" in message and "Charlie" not in message
    make_request(account)
    secret = issuing.create(charlie.personal_organisation, charlie, "Script", is_management=True)[1]
    outsider = Client(headers={"Authorization": f"Bearer {secret}"})
    assert rows_of(outsider, metrics=["request_count"]) == [{"request_count": 0}]


def test_meta_lists_everything_that_a_query_takes(manager, account):
    data = exact(manager.get("/api/v1/analytics/meta"))["data"]
    metrics = [each["name"] for each in data["metrics"]]
    assert set(metrics) == METRICS.keys()
    assert [each["name"] for each in data["dimensions"]] == [*DIMENSIONS]
    make_request(account)
    for granularity in data["granularities"]:
        for dimension in data["dimensions"]:
            [row] = rows_of(manager, metrics=metrics, dimensions=[dimension["name"]], granularity=granularity["name"])
            assert row.keys() >= {*metrics, dimension["name"], f"date__{granularity['name']}"}
