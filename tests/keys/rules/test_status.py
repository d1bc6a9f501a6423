"""Limits: what counts toward a window, and what remains."""

from datetime import UTC, datetime, timedelta

import pytest

from keys.models import ApiKey
from keys.rules.status import KeyStatus

WEDNESDAY = datetime(2026, 9, 30, 12, tzinfo=UTC)


def key(**fields) -> ApiKey:
    return ApiKey(name="Laptop", **fields)


def test_without_a_limit_there_is_no_remaining_amount():
    status = KeyStatus(key(usage=10), WEDNESDAY)
    assert (status.remaining, status.state) == (None, "active")


def test_a_limit_without_reset_counts_all_usage():
    status = KeyStatus(key(limit=100, usage=30, window_usage=5), WEDNESDAY)
    assert (status.spent, status.remaining, status.used_percent, status.resets_at) == (30, 70, 30, None)


@pytest.mark.parametrize(
    ("reset", "began", "spent"),
    [
        ("daily", datetime(2026, 9, 30, 0, tzinfo=UTC), 40),
        ("daily", datetime(2026, 9, 29, 23, 59, tzinfo=UTC), 0),
        ("weekly", datetime(2026, 9, 28, 0, tzinfo=UTC), 40),  # Monday
        ("weekly", datetime(2026, 9, 27, 23, 59, tzinfo=UTC), 0),  # Sunday
        ("monthly", datetime(2026, 9, 1, 0, tzinfo=UTC), 40),
        ("monthly", datetime(2026, 8, 31, 23, 59, tzinfo=UTC), 0),
        ("daily", None, 0),
    ],
)
def test_usage_of_an_earlier_window_does_not_count(reset, began, spent):
    status = KeyStatus(key(limit=100, usage=90, limit_reset=reset, window_usage=40, window_started_at=began), WEDNESDAY)
    assert (status.spent, status.remaining) == (spent, 100 - spent)


@pytest.mark.parametrize(
    ("reset", "moment"),
    [
        ("daily", datetime(2026, 10, 1, tzinfo=UTC)),
        ("weekly", datetime(2026, 10, 5, tzinfo=UTC)),
        ("monthly", datetime(2026, 10, 1, tzinfo=UTC)),
    ],
)
def test_windows_end_at_midnight_utc_and_weeks_on_monday(reset, moment):
    assert KeyStatus(key(limit=1, limit_reset=reset), WEDNESDAY).resets_at == moment


def test_december_is_followed_by_january():
    december = datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert KeyStatus(key(limit=1, limit_reset="monthly"), december).resets_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_the_remaining_amount_is_never_negative():
    status = KeyStatus(key(limit=100, usage=130), WEDNESDAY)
    assert (status.remaining, status.used_percent, status.state) == (0, 100, "exhausted")


def test_a_limit_of_zero_is_exhausted():
    status = KeyStatus(key(limit=0), WEDNESDAY)
    assert (status.used_percent, status.state) == (100, "exhausted")


def test_a_key_expires_at_the_exact_moment():
    assert KeyStatus(key(expires_at=WEDNESDAY + timedelta(seconds=1)), WEDNESDAY).state == "active"
    assert KeyStatus(key(expires_at=WEDNESDAY), WEDNESDAY).state == "expired"
