"""Moments in the reader's zone and format: clocks that change, odd offsets, and the edges of the calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template

from common.display import moments
from common.display.moments import Reader, day_text, moment_text, reading

NOON = datetime(2026, 3, 7, 12, 30, 9, tzinfo=UTC)


def written(filters: str, moment, zone="UTC", order="day") -> str:
    with reading(lambda: Reader(ZoneInfo(zone), order)):
        return Template("{% load moments %}{{ moment|" + filters + " }}").render(Context({"moment": moment}))


@pytest.mark.parametrize(
    ("zone", "moment", "text"),
    [
        ("UTC", datetime(2026, 11, 29, 16, 5, tzinfo=UTC), "29 Nov 2026, 16:05 UTC"),
        ("Asia/Kolkata", datetime(2026, 12, 31, 18, 30, tzinfo=UTC), "1 Jan 2027, 00:00 IST"),
        ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC), "1 Jan 2026, 05:45 UTC+05:45"),
        ("America/Sao_Paulo", datetime(2026, 1, 1, tzinfo=UTC), "31 Dec 2025, 21:00 UTC-03"),
        # The clocks of New York go forward on 8 March 2026 at 02:00, and back on 1 November.
        ("America/New_York", datetime(2026, 3, 8, 6, 59, tzinfo=UTC), "8 Mar 2026, 01:59 EST"),
        ("America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC), "8 Mar 2026, 03:00 EDT"),
        ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "1 Nov 2026, 01:30 EDT"),
        ("America/New_York", datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "1 Nov 2026, 01:30 EST"),
    ],
)
def test_a_moment_is_written_in_the_readers_zone(zone, moment, text):
    with reading(lambda: Reader(ZoneInfo(zone))):
        assert moment_text(moment) == text


@pytest.mark.parametrize(
    ("order", "day", "moment"),
    [
        ("day", "7 Mar 2026", "7 Mar 2026, 12:30:09 UTC"),
        ("month", "Mar 7, 2026", "Mar 7, 2026, 12:30:09 UTC"),
        ("iso", "2026-03-07", "2026-03-07 12:30:09 UTC"),
    ],
)
def test_dates_are_written_in_the_readers_order(order, day, moment):
    with reading(lambda: Reader(date_order=order)):
        assert day_text(NOON) == day
        assert moment_text(NOON, seconds=True) == moment


def test_the_element_has_the_moment_in_utc():
    assert written("moment", NOON, "Asia/Kolkata") == (
        '<time datetime="2026-03-07T12:30:09Z" title="7 Mar 2026, 12:30:09 UTC">7 Mar 2026, 18:00 IST</time>'
    )


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ("day", "8 Mar 2026"), ("moment_with_seconds", "8 Mar 2026, 01:30:09 JST"), ("clock_time", "01:30 JST"),
        ("in_table", "8 Mar 2026, 01:30"), ("in_log", "8 Mar, 01:30:09"),
    ],
)  # fmt: skip
def test_each_filter_writes_the_local_time(filters, text):
    assert written(filters, NOON + timedelta(hours=4), "Asia/Tokyo").endswith(f">{text}</time>")


def test_ago_has_the_local_moment_in_its_title():
    title = 'title="7 Mar 2026, 18:00:09 IST (7 Mar 2026, 12:30:09 UTC)"'
    assert title in written("ago", NOON, "Asia/Kolkata")


def test_a_date_is_the_same_everywhere():
    assert written("day", date(2026, 3, 7), "America/New_York") == '<time datetime="2026-03-07">7 Mar 2026</time>'


@pytest.mark.parametrize("filters", ["day", "moment", "in_table", "in_log", "ago", "clock_time", "day_text"])
def test_no_moment_is_no_text(filters):
    assert written(filters, None) == ""


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("Asia/Kolkata", datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
        ("America/New_York", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_that_leaves_the_calendar_stays_in_utc(zone, moment):
    assert "UTC</time>" in written("moment", moment, zone)


def test_the_reader_before_comes_back_after_an_error():
    with pytest.raises(RuntimeError), reading(lambda: Reader(ZoneInfo("Asia/Tokyo"))):
        raise RuntimeError
    assert moments.current_reader() == Reader()
