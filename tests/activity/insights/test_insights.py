"""Forecast, unusual spending, and the most expensive apps and sessions, at fixed moments."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from activity.filters import Filter
from activity.insights.anomalies import anomalies_of
from activity.insights.costs import apps_of, sessions_of
from activity.insights.forecast import forecast_of
from activity.insights.overview import insights_of
from activity.insights.spending import month_of, spending_of
from activity.sums.picks import Pick
from billing import spending as billing
from common.money import PICO_PER_USD
from gateway.accounting.rollups import roll_up
from keys import issuing
from tests.activity.factory import make_request, make_requests

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
USD = PICO_PER_USD


def view_at(account, now: datetime, zone: str = "UTC") -> Filter:
    return Filter(account, now, zone=ZoneInfo(zone) if zone != "UTC" else UTC)


def spend(account, now: datetime, costs: dict[int, float], **fields) -> None:
    """Requests that cost so many dollars, by days before `now`."""
    make_requests(
        account,
        [{"created_at": now - timedelta(days=age), "cost": int(cost * USD), **fields} for age, cost in costs.items()],
    )


def forecast(account, now: datetime, zone: str = "UTC"):
    view = view_at(account, now, zone)
    return forecast_of(view, spending_of(view))


def anomalies(account, now: datetime):
    view = view_at(account, now)
    return anomalies_of(view, spending_of(view))


# --- Forecast --------------------------------------------------------------------------------------


def test_steady_spending_goes_on_to_the_end_of_the_month(account, clock):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(1, 34), 2))
    for _ in range(2):
        found = forecast(account, NOON)
        # 28 days so far; half of today and a whole day are left.
        assert (found.so_far, found.expected) == (56 * USD, 59 * USD)
        assert found.month == "November"
        roll_up()


def test_days_of_the_week_differ(account, clock):
    now = datetime(2026, 11, 6, 0, 0, tzinfo=UTC)  # a Friday, with Saturday to Monday at the end of the month in mind
    clock.set(now)
    working = {age: 10 for age in range(1, 29) if (now - timedelta(days=age)).weekday() < 5}
    spend(account, now, working | {34: 1})
    rest = sum(10 for day in range(6, 31) if datetime(2026, 11, day, tzinfo=UTC).weekday() < 5)
    found = forecast(account, now)
    assert found.expected - found.so_far == rest * USD


def test_one_expensive_day_does_not_become_a_habit(account, clock):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(1, 13), 1) | {3: 5000})
    found = forecast(account, NOON)
    assert found.so_far == 5011 * USD
    assert found.expected - found.so_far < 3 * USD


@pytest.mark.parametrize(
    "now, end",
    [
        (datetime(2024, 2, 28, 18, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        (datetime(2026, 2, 28, 18, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 0, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_the_rest_of_a_month_is_counted_to_its_end(account, clock, now, end):
    clock.set(now)
    spend(account, now, dict.fromkeys(range(1, 35), 24))
    found = forecast(account, now)
    assert found.expected - found.so_far == (end - now) // timedelta(minutes=1) * USD // 60


def test_the_month_is_that_of_the_time_zone(account, clock):
    now = datetime(2026, 11, 30, 22, tzinfo=UTC)  # 1 December in Kyiv
    clock.set(now)
    spend(account, now, dict.fromkeys(range(1, 35), 24))
    make_request(account, now, cost=7)
    assert forecast(account, now, "Europe/Kyiv").so_far == 7
    assert forecast(account, now, "Europe/Kyiv").month == "December"
    new_york = forecast(account, now, "America/New_York")
    assert new_york.so_far == 24 * 29 * USD + 7  # from 1 November, 04:00 UTC
    assert new_york.expected - new_york.so_far == 7 * USD  # to 1 December, 05:00 UTC


def test_months_in_which_clocks_change():
    new_york = ZoneInfo("America/New_York")
    assert month_of(NOON, new_york) == (datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 12, 1, 5, tzinfo=UTC))
    kolkata = ZoneInfo("Asia/Kolkata")  # the hour that midnight divides belongs to the day in which it begins
    assert month_of(NOON, kolkata)[0] == datetime(2026, 10, 31, 19, tzinfo=UTC)


@pytest.mark.parametrize("costs", [{}, {0: 5}, dict.fromkeys(range(7), 5), {20: 0}])
def test_nothing_is_forecast_from_few_days(account, clock, costs):
    clock.set(NOON)
    spend(account, NOON, costs)
    assert forecast(account, NOON) is None


# --- Unusual spending ------------------------------------------------------------------------------


def test_a_key_that_spends_five_times_its_usual_is_told(account, clock, key, alice_client):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(1, 20), 1) | {0: 5}, key=key, model="acme/steady", app="")
    spend(account, NOON, dict.fromkeys(range(20), 100), model="acme/steady", app="https://steady.example/")
    [found] = anomalies(account, NOON)
    assert (found.word, found.label, found.when, found.spent, found.usual, found.times) == (
        "API key", "Laptop", "today", 5 * USD, USD, 5,
    )  # fmt: skip
    assert parse_qs(found.query) == {"period": ["7d"], "key": [key.hash]}
    page = alice_client.get("/activity").content.decode()
    assert "Unusual spending" in page and found.query.replace("&", "&amp;") in page
    assert "Unusual spending" not in alice_client.get(f"/activity?{found.query}").content.decode()


@pytest.mark.parametrize(
    "costs, told",
    [
        ({1: 5} | dict.fromkeys(range(2, 20), 1), ["yesterday"]),
        (dict.fromkeys(range(7), 4.9) | dict.fromkeys(range(7, 35, 2), 1), ["in the last 7 days"]),
        ({0: 4.9} | dict.fromkeys(range(1, 20), 1), []),
        ({0: 0.9} | dict.fromkeys(range(1, 20), 0.01), []),  # cents
        ({0: 500}, []),  # nothing is usual yet
        ({0: 500, 1: 1, 2: 1}, []),
        ({0: 10} | dict.fromkeys(range(7, 35, 7), 10), []),  # a job of one day a week
        ({2: 500} | dict.fromkeys(range(3, 20), 20), []),  # over, and not five weeks' worth
    ],
)
def test_a_jump_is_compared_with_days_that_had_spending(account, clock, costs, told):
    clock.set(NOON)
    spend(account, NOON, costs, model="acme/one")
    assert [each.when for each in anomalies(account, NOON) if each.word == "Model"] == told


def test_a_deleted_key_is_told_by_its_name(account, clock, key):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(1, 20), 1) | {0: 50}, key=key)
    issuing.delete(key)
    labels = {each.label for each in anomalies(account, NOON)}
    assert labels == {"Laptop (deleted)", "openai/gpt-4o-mini"}


def test_chat_has_no_key_and_is_linked_by_its_source(account, clock):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(1, 20), 1) | {0: 50}, source="chat")
    chat = next(each for each in anomalies(account, NOON) if each.label == "Chat")
    assert parse_qs(chat.query)["source"] == ["chat"]


# --- Apps and sessions -----------------------------------------------------------------------------


def test_apps_and_sessions_are_ordered_by_cost(account, clock):
    clock.set(NOON)
    for name, cost in (("a", 1), ("b", 3), ("c", 2)):
        spend(account, NOON, {0: cost, 29: cost, 30: 100}, app=f"https://{name}.example/", session_id=name)
    spend(account, NOON, {0: 0}, app="https://free.example/", session_id="free")
    view = view_at(account, NOON)
    for _ in range(2):
        assert [(each.label, each.cost // USD) for each in apps_of(view, spending_of(view))] == [
            ("b.example", 6), ("c.example", 4), ("a.example", 2),
        ]  # fmt: skip
        roll_up()
    sessions = sessions_of(view)
    assert [(each.label, each.cost // USD) for each in sessions.shown] == [("b", 106), ("c", 104), ("a", 102)]
    assert sessions.since is None


def test_sessions_are_read_from_the_newest_requests(account, clock, monkeypatch):
    monkeypatch.setattr("activity.insights.costs.NEWEST", 2)
    clock.set(NOON)
    for age, name in enumerate(("new", "recent", "old")):
        spend(account, NOON, {age: 1}, session_id=name)
    sessions = sessions_of(view_at(account, NOON))
    assert [each.label for each in sessions.shown] == ["new", "recent"]
    assert sessions.since == NOON - timedelta(days=1)


def test_insights_take_three_queries_and_two_when_days_are_kept(account, clock, key, django_assert_num_queries):
    clock.set(NOON)
    spend(account, NOON, dict.fromkeys(range(30), 1), key=key, app="https://a.example/", session_id="s")
    roll_up()
    view = view_at(account, NOON)
    assert view.rolled_until
    with django_assert_num_queries(3):
        found = insights_of(view)
    with django_assert_num_queries(2):
        assert insights_of(view) == found
    assert found and found.forecast and found.apps and found.sessions.shown
    assert insights_of(Filter(account, NOON, model=Pick.of("acme/one"))) is None


def test_insights_never_lag_and_are_never_those_of_another_account(account, charlie, clock):
    clock.set(NOON)
    theirs = billing.account_of(charlie.personal_organisation)
    for each, app in ((account, "https://a.example/"), (theirs, "https://b.example/")):
        spend(each, NOON, dict.fromkeys(range(1, 20), 1), app=app)
    roll_up()

    def told(of):
        found = insights_of(view_at(of, NOON))
        return found.forecast.so_far // USD, [(each.label, each.cost // USD) for each in found.apps]

    assert (told(account), told(theirs)) == ((19, [("a.example", 19)]), (19, [("b.example", 19)]))
    spend(account, NOON, {0: 2}, app="https://a.example/")
    assert told(account) == (21, [("a.example", 21)])
    spend(account, NOON, {5: 4}, app="https://a.example/")  # settled late
    assert told(account) == (25, [("a.example", 25)])
    roll_up()
    assert (told(account), told(theirs)) == ((25, [("a.example", 25)]), (19, [("b.example", 19)]))


def test_a_page_escapes_hostile_names_and_an_empty_account_has_no_insights(alice_client, account, clock):
    clock.set(NOON)
    assert "insights" not in alice_client.get("/activity").content.decode()
    spend(
        account,
        NOON,
        {0: 2},
        app="https://x.example/<script>alert(1)</script>",
        session_id='"><script>alert(2)</script>',
    )
    page = alice_client.get("/activity").content.decode()
    assert "Top apps by cost" in page and "Top sessions by cost" in page
    assert "<script>alert" not in page
    assert "/logs?session_id=%22%3E%3Cscript%3Ealert%282%29%3C%2Fscript%3E" in page
