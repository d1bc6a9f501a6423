"""The current time, which tests can move, and UTC windows: days, weeks from Monday, months."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from common.clock import hour_of, monotonic, utc_now, window_start

SUNDAY_NIGHT = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "start"),
    [
        ("daily", datetime(2026, 11, 22, tzinfo=UTC)),
        ("weekly", datetime(2026, 11, 16, tzinfo=UTC)),
        ("monthly", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_windows_start_at_midnight_on_monday_or_on_the_first(interval, start):
    assert window_start(interval, SUNDAY_NIGHT) == start


def test_another_time_zone_is_in_the_window_of_utc():
    tokyo = timezone(timedelta(hours=9))
    assert window_start("daily", datetime(2026, 11, 23, 8, 0, tzinfo=tokyo)) == datetime(2026, 11, 22, tzinfo=UTC)
    assert hour_of(datetime(2026, 11, 23, 8, 45, tzinfo=tokyo)) == datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_an_unknown_window_is_an_error():
    with pytest.raises(KeyError):
        window_start("yearly", SUNDAY_NIGHT)


def test_the_time_is_that_of_the_machine():
    before = datetime.now(UTC)
    assert before <= utc_now() <= datetime.now(UTC)
    assert monotonic() <= monotonic()


def test_a_test_moves_the_time_of_the_whole_program(clock):
    start, elapsed = utc_now(), monotonic()
    assert (utc_now(), monotonic()) == (start, elapsed)
    clock.advance(hours=1, seconds=0.5)
    assert utc_now() - start == timedelta(hours=1, seconds=0.5)
    assert monotonic() - elapsed == 3600.5
    clock.set(SUNDAY_NIGHT)
    assert utc_now() == SUNDAY_NIGHT
    assert monotonic() - elapsed == 3600.5
