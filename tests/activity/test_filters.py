"""Views of any range, with several values in a filter or everything but some: exact, or with a clear notice."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from activity import usage
from activity.filters import DIMENSIONS, filter_from
from activity.requests import listing
from keys import issuing
from tests.activity.factory import make_request, make_requests

URL = "/activity"
NOW = datetime(2026, 3, 29, 14, 35, 12, tzinfo=UTC)
ZONES = ["", "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland"]


@pytest.fixture
def view_of(organisation, alice, clock):
    """Return the view of a query string, in a zone."""
    clock.set(NOW)

    def view(query: str, zone: str = ""):
        alice.time_zone = zone
        return filter_from(QueryDict(query), organisation, NOW, alice)

    return view


@pytest.mark.parametrize("zone", ZONES)
def test_any_view_is_the_sum_of_its_requests(account, key, alice, view_of, zone):
    chance = random.Random(zone)
    made = make_requests(
        account,
        [
            {
                "created_at": NOW - timedelta(minutes=chance.choice((chance.randrange(300), chance.randrange(90_000)))),
                "model": f"acme/{chance.randrange(4)}",
                "provider": chance.choice(("groq", "openai")),
                "app": chance.choice(("", "https://a.example/", "<b>&model=x")),
                "source": chance.choice(("api", "chat")),
                "key": chance.choice((key, None)),
                "user_id": chance.choice((alice.pk, None)),
                "cost": chance.randrange(10**12),
            }
            for _ in range(60)
        ],
    )
    filters = (
        "", "model=acme/1&model=acme/2", "not_model=acme/1&not_provider=groq", f"not_key={key.hash}", f"key={key.hash}",
        "not=app&app=https://a.example/&source=api", f"not_member={alice.public_id}", "not_app=%3Cb%3E%26model%3Dx",
    )  # fmt: skip
    ranges = (
        "period=1h", "period=month", "from=2026-03-29T10:10&to=2026-03-29T12:40&bucket=minute", "bucket=week",
        "from=2026-02-28&to=2026-03-29&bucket=hour", "from=2026-03-01", "to=2026-03-28&bucket=month",
    )  # fmt: skip
    for query in (f"{span}&{narrow}" for span in ranges for narrow in filters):
        view = view_of(query, zone)
        assert not view.problems, query
        start, end = view.period.start, view.period.end
        expected = [each for each in made if start <= each.created_at < end and _matches(view, each)]
        report = usage.report(view)
        assert report.total.cost == sum(each.cost for each in expected), query
        assert sum(sums.cost for sums in report.by_bucket.values()) == report.total.cost
        assert {each.pk for each in listing.page_of(view, size=100).requests} == {each.pk for each in expected}, query
        assert view_of(view.query(), zone).period == view.period


def _matches(view, request) -> bool:
    values = {
        name: getattr(request, column) or (0 if column.endswith("_id") else "") for name, column in DIMENSIONS.items()
    }
    return all((values[name] in pick.values) != pick.excluded for name, pick in view.picks.items())


def test_days_are_those_of_the_zone(view_of):
    berlin = view_of("from=2026-03-28&to=2026-03-29&bucket=day", "Europe/Berlin").period
    assert (berlin.start, berlin.end) == (
        datetime(2026, 3, 27, 23, tzinfo=UTC),
        NOW.replace(hour=15, minute=0, second=0),
    )
    assert list(berlin.buckets())[1] - berlin.start == timedelta(hours=24)
    spring = view_of("from=2025-03-30&to=2025-03-30", "Europe/Berlin").period
    assert (spring.end - spring.start, len(list(spring.buckets()))) == (timedelta(hours=23), 23)
    assert view_of("from=2026-03-28&zone=utc", "Europe/Berlin").period.start == datetime(2026, 3, 28, tzinfo=UTC)
    monday = view_of("from=2026-03-04&to=2026-03-20&bucket=week", "Asia/Tokyo").period
    assert [each.astimezone(ZoneInfo("Asia/Tokyo")).day for each in monday.buckets()] == [4, 9, 16]


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ("from=2026-03-09&to=2026-03-01", "The start must be before the end."),
        ("from=2027-02-29", "Enter dates as"),
        ("from=soon", "Enter dates as"),
        ("from=9999-12-31", "in the future"),
        ("to=0001-01-01", "before 2000"),
        ("period=90d&bucket=minute", "too many minutes"),
        ("&".join(f"model=m{n}" for n in range(1000)), "at most 50 values"),
        ("model=a&not_model=b", "The excluded ones are ignored."),
    ],
)
def test_what_is_not_understood_is_named(alice_client, account, query, notice):
    make_request(account)
    page = alice_client.get(f"{URL}?{query}")
    assert page.status_code == 200
    assert notice in page.content.decode()


@pytest.mark.parametrize(
    "query",
    ["from=0001-01-01&to=9999-12-31", "from=2024-02-29&to=2024-02-29", "from=2025-01-01T00:00%2B14:00", "bucket=x"],
)
def test_odd_ranges_are_shown(alice_client, account, query):
    make_request(account)
    assert alice_client.get(f"{URL}?{query}").status_code == 200


def test_each_value_is_removed_by_a_link_and_each_bucket_is_a_link(alice_client, account, key):
    make_request(account, model="acme/a", key=key, app="<script>")
    issuing.delete(key)
    html = alice_client.get(
        URL, {"model": ["acme/a", "acme/b"], "not_key": key.hash, "app": "<script>"}
    ).content.decode()
    assert "Laptop (deleted)" in html and "API key is not" in html and "<script>" not in html.partition("<main")[2]
    assert f'href="/activity?model=acme%2Fb&amp;not_key={key.hash}&amp;app=%3Cscript%3E"' in html
    hour = alice_client.get(URL, {"period": "24h"}).content.decode()
    assert "?from=" in hour and "&amp;back=24h" in hour


def test_requests_of_another_organization_are_not_counted_by_minute(alice_client, charlie_client, account):
    make_request(account, model="acme/secret")
    assert "acme/secret" in alice_client.get(URL, {"period": "1h"}).content.decode()
    assert "acme/secret" not in charlie_client.get(URL, {"period": "1h"}).content.decode()
