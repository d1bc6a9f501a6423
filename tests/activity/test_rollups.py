"""Every view, export and API answer adds up to the ledger's usage to the pico-USD, in any time zone."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity import usage
from activity.dashboard.export import usage_lines
from activity.filters import GROUPS, Filter
from activity.insights.spending import DAY, DAYS, month_of, spending_of
from activity.requests import listing
from activity.sums import key_usage, minutes, rollups
from activity.sums.picks import Pick
from activity.times.periods import PERIODS
from common.clock import hour_of, utc_now, window_start
from gateway.accounting import rollups as rolling
from gateway.models import Generation
from keys import issuing
from openrouter_site.pages import home
from tests.activity.factory import make_history, make_request, make_requests

#: Whole hours, halves, quarters, a change of half an hour, and clocks that change at midnight.
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]
#: Changes of clocks, a leap day, and the first minutes of a year.
MOMENTS = [
    datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
    datetime(2026, 4, 5, 0, 10, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 59, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
    datetime(2026, 4, 24, 22, 30, tzinfo=UTC),
]
REQUEST = st.fixed_dictionaries(
    {
        "minutes": st.one_of(st.integers(0, 3 * 24 * 60), st.integers(0, 500 * 24 * 60)),  # before now
        "cost": st.integers(0, 10**12),
        "model": st.sampled_from(["acme/one", "acme/two"]),
        "provider": st.sampled_from(["openai", "groq"]),
        "app": st.sampled_from(["", "https://a.example/"]),
        "source": st.sampled_from(["api", "chat"]),
    }
)
VIEWS: list[dict[str, Pick]] = [
    {},
    {"model": Pick.of("acme/one")},
    {"source": Pick.of("chat"), "app": Pick.of("https://a.example/")},
    {"model": Pick.of("acme/one", "acme/two"), "provider": Pick.of("groq", excluded=True)},
]
BATCH = st.lists(REQUEST, min_size=1, max_size=25)


def expected(made: list[Generation], view: Filter) -> Counter:
    """The cost of each bucket, counted request by request."""
    edges = [*view.period.buckets(), view.period.end]
    costs: Counter = Counter()
    for request in made:
        moment = request.created_at if view.period.bucket == "minute" else hour_of(request.created_at)
        picks = view.picks.items()
        if all((getattr(request, name) in pick.values) != pick.excluded for name, pick in picks):
            costs.update({start: request.cost for start, end in pairwise(edges) if start <= moment < end})
    return +costs


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(now=st.sampled_from(MOMENTS), first=BATCH, late=BATCH, zone=st.sampled_from(ZONES), most=st.integers(0, 20))
def test_every_view_is_the_ledgers_usage(organisation, account, key, clock, now, first, late, zone, most):  # noqa: PLR0913
    with transaction.atomic():
        clock.set(now)
        cache.clear()  # the numbers of rows begin again when an example is rolled back
        made = make_requests(account, _rows(first, now, key))
        rolling.roll_up()
        for period in PERIODS:  # what is kept of these must not outlive what settles late
            spending_of(view := Filter(account, now, period, zone=ZoneInfo(zone)))
            usage.report(view)
        made += make_requests(account, _rows(late, now, key))
        rolling.roll_up(most)
        account.refresh_from_db()
        assert account.usage == sum(request.cost for request in made)
        for period in PERIODS:
            for conditions in VIEWS:
                view = Filter(
                    account,
                    now,
                    period,
                    zone=ZoneInfo(zone),
                    **{name: Pick.of(text) for name, text in conditions.items()},
                )
                costs = expected(made, view)
                for by in GROUPS if period == "all" else ("model", "key"):
                    report = usage.report(replace(view, by=by))
                    assert +Counter({start: sums.cost for start, sums in report.by_bucket.items()}) == costs
                    assert report.total.cost == sum(group.total.cost for group in report.groups) == costs.total()
        view = Filter(account, now, "all", zone=ZoneInfo(zone))
        spent, (month, _) = spending_of(view), month_of(now, view.zone)
        lately = [each for each in made if hour_of(each.created_at) >= min(spent.today - DAYS * DAY, month)]
        assert sum(spent.total.values()) == sum(each.cost for each in lately)
        assert spent.this_month == sum(each.cost for each in lately if hour_of(each.created_at) >= month)
        for column, values in spent.by.items():
            by_value: Counter = Counter()
            for each in lately:
                by_value[getattr(each, column)] += each.cost
            assert +Counter({value: sum(days.values()) for value, days in values.items()}) == +by_value
        assert usage.report(view).total.cost == account.usage
        assert sum(request.cost for request in listing.page_of(view, size=100).requests) == account.usage
        cells = [line.split(",") for line in "".join(usage_lines(view, organisation)).splitlines()[1:]]
        assert sum(Decimal(line[-1]) for line in cells) * 10**12 == account.usage
        week = [each.cost for each in made if hour_of(each.created_at) >= window_start("weekly", now)]
        assert key_usage.spent_by_keys(account, [key.pk], now)[key.pk]["weekly"].usage == sum(week)
        month = [each.cost for each in made if hour_of(each.created_at) >= now - timedelta(days=30)]
        assert home.spent(account, 30).cost == sum(month)
        transaction.set_rollback(True)


def _rows(batch: list[dict], now: datetime, key) -> list[dict]:
    return [
        {**fields, "key": key, "created_at": now - timedelta(minutes=minutes)}
        for fields, minutes in ((dict(each), each["minutes"]) for each in batch)
        if fields.pop("minutes") is not None
    ]


def test_the_analytics_answer_is_the_ledgers_usage(organisation, account, alice, key):
    made = make_history(account, [key], 150, days=40)
    secret = issuing.create(organisation, alice, "Script", is_management=True)[1]
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    today = window_start("daily", utc_now())
    costs = [each.cost for each in made if today - timedelta(days=30) <= each.created_at < today]
    for _ in range(2):
        rows = program.get("/api/v1/activity").json()["data"]
        assert sum(round(Decimal(str(row["usage"])) * 10**12) for row in rows) == sum(costs)
        rolling.roll_up()


def tables(edges: list[datetime], unit: str, until: datetime = datetime(2026, 11, 20, tzinfo=UTC)) -> dict:
    return rollups._tables(pairwise(edges), unit, until)


def length(ranges: list) -> timedelta:
    return sum((end - start for start, end in ranges), timedelta())


def test_a_day_of_another_zone_is_made_of_hours_a_month_of_days():
    kolkata, london = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/London")
    assert tables([datetime(2026, 10, day, tzinfo=kolkata) for day in range(1, 20)], "day").keys() == {"hour"}
    months = tables([datetime(2026, month, 1, tzinfo=kolkata) for month in (8, 9, 10)], "month")
    assert (length(months["day"]), length(months["hour"])) == (timedelta(days=59), timedelta(days=2))
    days = tables([datetime(2026, 10, day, tzinfo=london) for day in range(20, 32)], "day")  # clocks change on the 25th
    assert days["day"] == [(datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC))]


def test_all_of_a_long_past_is_read_from_months():
    year = [datetime(2025, 5, 3, 4, tzinfo=UTC), datetime(2026, 11, 20, 13, tzinfo=UTC)]
    read = tables(year, "")
    assert read["month"] == [(datetime(2025, 6, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))]
    assert length(read["hour"]) == timedelta(hours=20 + 13)
    assert tables(year, "", rollups.NEVER).keys() == {"hour"}


def test_a_condition_that_nothing_can_meet_has_no_sums(account):
    now = utc_now()
    make_request(account, now)
    stretch = rollups.Stretch.whole(account, now - timedelta(days=1), now + timedelta(days=1))
    assert rollups.sums_by(stretch, rollups.rolled_until(account), ("cost",), "model", key_id__in=[]) == []
    hour = (now - timedelta(hours=1), now + timedelta(hours=1))
    assert minutes.sums_by(account, *hour, ("cost",), "model", Q(key_id__in=[])) == []
    assert len(minutes.sums_by(account, *hour, ("cost",), "model", Q())) == 1
