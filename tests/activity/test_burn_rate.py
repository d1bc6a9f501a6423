"""How fast the balance goes, on the credits page."""

from datetime import timedelta

import pytest

from activity.burn_rate import BurnRate, burn_rate
from common.clock import utc_now
from common.money import PICO_PER_USD

from .factory import make_request


@pytest.fixture
def now():
    return utc_now().replace(minute=30)


def test_nobody_is_told_a_pace_before_anything_was_spent(alice_client, account, now):
    make_request(account, now, cost=0)
    assert burn_rate(account, now) == BurnRate(0, None, has_spent=False)
    assert "No usage yet." in alice_client.get("/settings/credits").content.decode()


def test_the_pace_is_the_average_of_a_week(account, now):
    for days in (1, 3, 6, 20):
        make_request(account, now - timedelta(days=days), cost=PICO_PER_USD * 7 // 10)
    account.refresh_from_db()

    rate = burn_rate(account, now)
    assert 0.29 < rate.per_day / PICO_PER_USD < 0.31  # $2.10 in seven days; the oldest is outside
    assert rate.days_left == account.balance // rate.per_day == 24


def test_a_young_account_is_measured_since_its_first_charge(account, now):
    make_request(account, now - timedelta(days=2), cost=PICO_PER_USD)
    make_request(account, now, cost=PICO_PER_USD)
    account.refresh_from_db()
    assert 0.9 < burn_rate(account, now).per_day / PICO_PER_USD < 1.1


def test_a_first_hour_does_not_look_like_a_habit(account, now):
    make_request(account, now, cost=PICO_PER_USD)
    account.refresh_from_db()
    assert burn_rate(account, now) == BurnRate(PICO_PER_USD, 9, has_spent=True)


@pytest.mark.parametrize(
    ("cents", "told"),
    [(2, "more than a year"), (100, "about 9 days"), (450, "about 1 day<"), (600, "less than a day")],
)
def test_the_page_says_how_long_the_balance_lasts(alice_client, account, cents, told):
    make_request(account, utc_now(), cost=cents * 10**10)
    assert f", <strong>{told}" in (page := alice_client.get("/settings/credits").content.decode())
    assert "</strong> left at this rate." in page


def test_a_spent_balance_lasts_no_time_at_all(alice_client, account):
    make_request(account, utc_now(), cost=10 * PICO_PER_USD)
    page = alice_client.get("/settings/credits").content.decode()
    assert "$10.00</strong> a day" in page
    assert "left at this rate" not in page


def test_a_week_without_spending_is_said(alice_client, account, now):
    make_request(account, now - timedelta(days=9), cost=PICO_PER_USD)
    assert "No usage in the last 7 days." in alice_client.get("/settings/credits").content.decode()


def test_somebody_elses_spending_does_not_count(charlie_client, account, charlie):
    make_request(account, utc_now(), cost=PICO_PER_USD)
    assert "No usage yet." in charlie_client.get("/settings/credits").content.decode()
