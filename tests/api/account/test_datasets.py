"""`/api/v1/datasets`: the rankings as data."""

from datetime import timedelta

import pytest

from accounts.models import PrivacySettings
from activity.models import App, ModelDay
from activity.rankings.tables import datasets as rankings
from api.account import datasets
from api.account.schemas import datasets as schemas
from models_catalog import catalog
from tests.activity.rankings.conftest import CLI, NOON, NOTES, count, others, use  # noqa: F401
from tests.api.responses import exact, has_shape

DAILY, APPS = "/api/v1/datasets/rankings-daily", "/api/v1/datasets/app-rankings"


@pytest.fixture(autouse=True)
def _noon(clock) -> None:
    clock.set(NOON)


def rows_of(api, **query) -> list[tuple[str, ...]]:
    body = exact(api.get(DAILY, query))
    has_shape(schemas.RankingsDaily, body)
    return [tuple(row.values()) for row in body["data"]]


def test_models_by_day_are_those_of_days_that_are_over(api, account, shop):
    use(account, "", 10, model="acme/small")
    use(account, "", 20, 1, model="acme/small")
    use(account, "", 20, 1, model="zeta/retired", completion_tokens=5)
    use(account, "", 25, 1, model="beta/retired")
    use(account, "", 40, 29, model="acme/small")
    use(account, "", 80, 31, model="acme/small")
    count()
    count()
    slug = catalog.current().models["acme/small"].canonical_slug
    body = exact(api.get(DAILY))
    assert body["meta"] == {
        "as_of": "2026-11-18T12:00:00Z", "version": "v1", "start_date": "2026-10-19", "end_date": "2026-11-17",
    }  # fmt: skip
    assert rows_of(api) == [
        ("2026-10-20", slug, "40"),
        ("2026-11-17", "beta/retired", "25"),
        ("2026-11-17", "zeta/retired", "25"),
        ("2026-11-17", slug, "20"),
    ]
    assert rows_of(api, start_date="2026-11-18", end_date="2026-11-18") == [("2026-11-18", slug, "10")]
    assert rows_of(api, start_date="2026-11-16", end_date="2026-11-18", period="week")[0] == ("2026-11-16", slug, "30")
    assert rows_of(api, start_date="2026-10-01", period="month")[0] == ("2026-10-01", slug, "120")
    assert rows_of(api, modality="text", period="month", end_date="2026-11-18")[-1] == ("2026-11-01", slug, "30")


def test_models_beyond_the_first_are_one_row(api, account, monkeypatch):
    monkeypatch.setattr(rankings, "MOST_MODELS", 2)
    ModelDay.objects.bulk_create(
        ModelDay(day="2026-11-17", model=f"acme/{name}", prompt_tokens=tokens)
        for name, tokens in (("a", 1), ("b", 5), ("c", 9), ("d", 7))
    )
    assert [row[1:] for row in rows_of(api)] == [("acme/c", "9"), ("acme/d", "7"), ("other", "6")]


def test_models_by_length_of_the_prompt(api, account, others, shop):  # noqa: F811
    zero = others[0]
    PrivacySettings.objects.create(organisation=zero.organisation, zero_data_retention=True)
    use(account, "", 1000, 1, model="acme/small", completion_tokens=5)
    use(account, "", 1001, 1, model="acme/small")
    use(others[1], NOTES, 900, 1, model="acme/small")
    use(account, "", 20_000_000, 1, model="acme/large")
    use(account, "", 100, 1, model="acme/large", error_status=502)
    use(zero, "", 100, 1, model="acme/large")
    use(account, "", 100, model="acme/large")  # the day is not over
    count()
    count()
    assert [row[1:] for row in rows_of(api, context_bucket="1K")] == [("acme/small", "1905")]
    assert [row[1:] for row in rows_of(api, context_bucket="10K")] == [("acme/small", "1001")]
    assert rows_of(api, context_bucket="100K") == []
    assert [row[1:] for row in rows_of(api, context_bucket="10M")] == [("acme/large", "20000000")]
    assert rows_of(api, context_bucket="10M", modality="audio") == []


def test_models_by_use_of_the_app(api, account):
    for app, model in ((NOTES, "acme/one"), (CLI, "acme/two"), ("", "acme/three")):
        use(account, app, 10, 1, model=model)
    count()
    App.objects.filter(slug="notes.example.com").update(use="marketing/seo")
    App.objects.filter(slug="github.com/acme/cli").update(categories=["cli-agent"])
    assert [row[1] for row in rows_of(api, category="programming")] == ["acme/two"]
    assert [row[1] for row in rows_of(api, category="marketing")] == ["acme/one"]
    assert rows_of(api, category="health") == []


def test_apps_are_ranked(api, account):
    use(account, NOTES, 100, 1)
    use(account, CLI, 60, 1, app_title="Acme CLI")
    use(account, CLI, 300, 12)
    use(account, "https://spam.example.net", 900, 1)
    count()
    App.objects.filter(slug="spam.example.net").update(blocked=True)
    App.objects.filter(slug="github.com/acme/cli").update(categories=["cli-agent"], name="Acme CLI")
    cli, notes = App.objects.get(name="Acme CLI"), App.objects.get(slug="notes.example.com")
    body = exact(api.get(APPS))
    has_shape(schemas.AppRankings, body)
    assert body["data"] == [
        {"rank": 1, "app_id": cli.pk, "app_name": "Acme CLI", "total_tokens": "360", "total_requests": 2},
        {"rank": 2, "app_id": notes.pk, "app_name": "notes.example.com", "total_tokens": "100", "total_requests": 1},
    ]

    def ids(**query) -> list[tuple[int, int]]:
        return [(row["rank"], row["app_id"]) for row in exact(api.get(APPS, query))["data"]]

    assert ids(offset=1, limit=1) == [(2, notes.pk)]
    assert ids(start_date="2026-11-17") == [(1, notes.pk), (2, cli.pk)]
    assert ids(start_date="2026-11-12", sort="trending") == [(1, notes.pk)]  # the other had more before
    for query in (
        {"category": "coding"},
        {"subcategory": "cli-agent"},
        {"category": "coding", "subcategory": "cli-agent"},
    ):
        assert ids(start_date="2026-11-17", **query) == [(1, cli.pk)]
    assert ids(category="creative") == []


@pytest.mark.parametrize(
    "query",
    [
        "start_date=yesterday", "end_date=2026-1-1x", "end_date=2024-12-31", "end_date=2026-11-19",
        "start_date=2026-11-17&end_date=2026-11-16", "start_date=2025-01-01", "start_date=%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [DAILY, APPS])
def test_other_days_are_refused(api, account, path, query):
    response = api.get(f"{path}?{query}")
    assert response.status_code == 400
    assert "_date" in exact(response)["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [
        f"{DAILY}?period=year", f"{DAILY}?modality=video", f"{DAILY}?context_bucket=1K&category=health",
        f"{DAILY}?context_bucket=2K", f"{DAILY}?category=cooking",
        f"{DAILY}?language_type=natural", f"{APPS}?limit=0", f"{APPS}?limit=101", f"{APPS}?offset=101",
        f"{APPS}?sort=new", f"{APPS}?category=cooking", f"{APPS}?category=creative&subcategory=cli-agent",
    ],
)  # fmt: skip
def test_unknown_values_are_refused(api, account, query):
    assert api.get(query).status_code == 400


def test_days_before_the_first_are_clamped(api, account, clock):
    clock.set(NOON.replace(year=2025, month=1, day=20))
    assert exact(api.get(DAILY))["meta"]["start_date"] == "2025-01-01"
    assert exact(api.get(APPS, {"start_date": "1999-12-31"}))["meta"]["start_date"] == "2025-01-01"


def test_a_key_and_an_account_may_ask_so_often(api, manager, stranger, account, clock, monkeypatch):
    monkeypatch.setattr(datasets, "PER_MINUTE", 2)
    monkeypatch.setattr(datasets, "PER_DAY", 3)
    assert [api.get(path).status_code for path in (DAILY, APPS, DAILY)] == [200, 200, 429]
    assert [manager.get(DAILY).status_code for _ in range(2)] == [200, 429]
    clock.set(NOON + timedelta(minutes=1))
    refused = manager.get(APPS)
    assert exact(refused)["error"]["message"] == "Rate limit exceeded: 3 requests per day per account on datasets."
    assert refused.headers["Retry-After"]
    assert stranger.get(DAILY).status_code == 200
