"""Stretches of time: whole hours, days and months in UTC."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from activity.times.periods import PERIODS, period_named

NOW = datetime(2026, 3, 29, 14, 35, 12, tzinfo=UTC)  # the night before, clocks changed in Europe


def test_a_day_is_the_last_24_hours_with_the_present_one():
    period = period_named("24h", NOW)
    buckets = list(period.buckets())
    assert (period.start, period.end) == (
        datetime(2026, 3, 28, 15, tzinfo=UTC),
        datetime(2026, 3, 29, 15, tzinfo=UTC),
    )
    assert len(buckets) == 24
    assert {later - earlier for earlier, later in pairwise(buckets)} == {timedelta(hours=1)}


@pytest.mark.parametrize(("name", "days"), [("7d", 7), ("30d", 30), ("90d", 90)])
def test_days_are_utc_days_and_today_is_one_of_them(name, days):
    buckets = list(period_named(name, NOW).buckets())
    assert len(buckets) == days
    assert buckets[-1] == datetime(2026, 3, 29, tzinfo=UTC)
    assert all(bucket.hour == 0 for bucket in buckets)


def test_a_year_is_twelve_calendar_months():
    period = period_named("12mo", NOW)
    assert next(period.buckets()) == datetime(2025, 4, 1, tzinfo=UTC)
    assert list(period.buckets())[-1] == datetime(2026, 3, 1, tzinfo=UTC)
    assert len(list(period.buckets())) == 12


def test_all_time_starts_with_the_month_of_the_first_request():
    period = period_named("all", NOW, datetime(2025, 11, 17, 9, tzinfo=UTC))
    assert next(period.buckets()) == datetime(2025, 11, 1, tzinfo=UTC)
    assert period.before is None


def test_all_time_without_requests_is_this_month():
    assert len(list(period_named("all", NOW).buckets())) == 1


@pytest.mark.parametrize("name", ["", "31d", "30D", "'; --", "24h "])
def test_anything_else_is_thirty_days(name):
    assert period_named(name, NOW).name == "30d"


@pytest.mark.parametrize("name", ["24h", "7d", "30d", "90d", "12mo"])
def test_the_stretch_before_is_as_long_and_as_far_along(name):
    period = period_named(name, NOW)
    assert period.before < period.before_end <= period.start
    elapsed, before = period.end - period.start, period.before_end - period.before
    assert abs(elapsed - before) <= timedelta(days=1 if name == "12mo" else 0)


def test_a_year_before_the_end_of_a_leap_day_is_the_end_of_february():
    period = period_named("12mo", datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert period.before_end == datetime(2027, 3, 1, tzinfo=UTC)


def test_the_present_hour_is_inside_whatever_the_callers_time_zone():
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9, minutes=30)))
    for name in PERIODS:
        assert period_named(name, elsewhere, NOW) == period_named(name, NOW, NOW)
        assert list(period_named(name, NOW, NOW).buckets())[-1] <= NOW < period_named(name, NOW, NOW).end


def test_buckets_have_a_short_and_a_full_name():
    hour, day, month = (period_named(name, NOW) for name in ("24h", "7d", "12mo"))
    assert hour.label(NOW.replace(minute=0)) == "14:00"
    assert hour.full_label(NOW.replace(minute=0)) == "29 Mar 2026, 14:00 UTC"
    assert day.label(NOW) == "29 Mar"
    assert day.full_label(NOW) == "Sun 29 Mar 2026"
    assert (month.label(NOW), month.full_label(NOW)) == ("Mar 2026", "March 2026")
