"""Days and months add up hours, and a late request opens them again: at any moment they are the account's usage."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Sum

from billing import spending
from common.clock import window_start
from gateway.accounting import rollups
from gateway.accounting.rollups import roll_up
from gateway.models import UsageDay, UsageHour, UsageMonth, UsageRollup
from gateway.models.usage import DIMENSIONS, SUMS
from gateway.tasks import roll_up_usage
from keys import issuing
from tests.activity.factory import make_history, make_request
from tests.gateway.accounting.test_settlement import settle

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WIDE = ("all", "only")


@pytest.fixture(autouse=True)
def noon(clock):
    clock.set(NOON)


@pytest.fixture
def key(organisation, alice):
    return issuing.create(organisation, alice, "Laptop")[0]


def until(account) -> datetime | None:
    return UsageRollup.objects.filter(account=account).values_list("until", flat=True).first()


def counted(account) -> int:
    """The cost of the days and months that are added up and of the hours since then, as every page reads them."""
    end = until(account) or datetime.min.replace(tzinfo=UTC)
    month = window_start("monthly", end)
    parts = (
        UsageMonth.objects.filter(account=account, kept__in=WIDE, month__lt=month),
        UsageDay.objects.filter(account=account, kept__in=WIDE, day__gte=month, day__lt=end),
        UsageHour.objects.filter(account=account, hour__gte=end),
    )
    return sum(part.aggregate(sum=Sum("cost", default=0))["sum"] for part in parts)


def groups(rows) -> dict:
    return {tuple(row[:-9]): row[-9:] for row in rows.values_list(*DIMENSIONS).annotate(*map(Sum, SUMS))}


def test_days_and_months_that_are_over_add_up_their_hours(account, key, alice):
    make_history(account, [key], 200, days=80, users=(alice.pk,))
    days = roll_up()
    assert until(account) == window_start("daily", NOON)
    assert days == UsageDay.objects.filter(kept__in=WIDE).values("day").distinct().count() > 20
    hours = UsageHour.objects.filter(hour__lt=window_start("daily", NOON))
    assert groups(UsageDay.objects.filter(kept__in=WIDE)) == groups(hours)
    before = hours.filter(hour__lt=window_start("monthly", NOON))
    assert groups(UsageMonth.objects.filter(kept__in=WIDE)) == groups(before)
    account.refresh_from_db()
    assert counted(account) == account.usage
    assert roll_up() == 0


def test_a_day_with_many_rows_has_sums_by_each_dimension_as_well(account, key, alice, bob, monkeypatch):
    monkeypatch.setattr(rollups, "MANY", 10)
    make_history(account, [key], 150, days=45, users=(alice.pk, bob.pk))
    make_request(account, NOON - timedelta(days=60))
    roll_up()
    for table, time in ((UsageDay, "day"), (UsageMonth, "month")):
        many = table.objects.filter(kept="all").values(time)
        assert many
        assert not table.objects.filter(kept="only").filter(**{f"{time}__in": many}).exists()
        for name in DIMENSIONS:
            narrow = table.objects.filter(kept=name).order_by(name, time).values_list(name, time)
            wide = table.objects.filter(kept="all").order_by(name, time).values_list(name, time)
            sums = [Sum(each) for each in SUMS]
            assert list(narrow.annotate(*sums)) == list(wide.annotate(*sums))
    assert set(UsageDay.objects.filter(day__lt=NOON - timedelta(days=50)).values_list("kept", flat=True)) == {"only"}


@pytest.mark.django_db(transaction=True)
def test_a_late_request_opens_its_day_in_the_transaction_that_charges_it(account, key):
    make_history(account, [key], 60, days=70)
    roll_up()
    for late in (NOON - timedelta(days=2), NOON - timedelta(days=45), NOON):
        settle(account, late.day, cost="0.5", model="acme/one", created_at=late)
        account.refresh_from_db()
        assert until(account) == window_start("daily", min(late, NOON))
        assert counted(account) == account.usage
        roll_up(most=1)
        assert counted(account) == account.usage
        roll_up()
        assert until(account) == window_start("daily", NOON)
        assert counted(account) == account.usage
    assert UsageDay.objects.filter(kept__in=WIDE, model="acme/one", requests=1).count() == 2
    assert UsageMonth.objects.filter(kept__in=WIDE, model="acme/one").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_of_an_account_without_sums_opens_nothing(account):
    settle(account, cost="0.5", model="acme/one", created_at=NOON - timedelta(days=3))
    assert until(account) is None
    assert roll_up() == 1


def test_a_day_waits_for_its_last_requests(account, clock):
    make_request(account, NOON)
    clock.set(NOON.replace(hour=23) + timedelta(minutes=90))
    assert roll_up() == 0
    clock.advance(minutes=31)
    assert roll_up() == 1


def test_a_run_is_bounded_and_the_next_goes_on(account, charlie, monkeypatch):
    make_request(spending.account_of(charlie.personal_organisation), NOON)
    monkeypatch.setattr(rollups, "ACCOUNTS_PER_QUERY", 1)
    for days in (1, 2, 40):
        make_request(account, NOON - timedelta(days=days))
    assert roll_up(most=2) == 2
    assert until(account) == window_start("daily", NOON - timedelta(days=1))
    assert roll_up(most=2) == 1
    roll_up_usage()
    assert UsageDay.objects.count() == 3
    assert UsageMonth.objects.count() == 1
