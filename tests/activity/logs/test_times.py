"""Spans of time as people and programs write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from activity.logs.times import Span, local_text, moment_text, span_from

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15min", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("3d", timedelta(days=3)),
        ("8w", timedelta(weeks=8)),
        ("1mo", timedelta(days=30)),
        ("2y", timedelta(days=730)),
    ],
)
def test_a_shorthand_counts_back_from_now(text, length):
    assert span_from(text, "", "", NOW) == Span(NOW - length)


@pytest.mark.parametrize("text", ["0d", "-1h", "1", "d", "1 h", "12345d", "1dd", "۱d", "1e3h"])
def test_another_text_is_named_and_restricts_nothing(text):
    span = span_from(text, "", "", NOW)
    assert (span.start, span.end) == (None, None) and "15min" in span.problem


def test_a_span_longer_than_the_calendar_is_all_time():
    assert span_from("9999y", "", "", NOW) == Span()


def test_two_moments_take_precedence_and_are_utc_without_an_offset():
    span = span_from("1h", "2028-02-29T10:00", "2028-02-29T13:00+02:00", NOW)
    assert span == Span(NOW.replace(hour=10), NOW.replace(hour=11))
    assert span_from("", "2028-02-29T10:00", "", NOW) == Span(NOW.replace(hour=10))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-02-29T10:00", ""),
        ("yesterday", ""),
        ("", "0001-01-01T00:00+14:00"),
        ("2028-02-29T10:00", "2028-02-29T10:00"),
        ("2028-02-29T11:00", "2028-02-29T10:00"),
    ],
)
def test_moments_that_are_none_or_in_the_wrong_order_are_named(start, end):
    span = span_from("", start, end, NOW)
    assert (span.start, span.end) == (None, None) and span.problem


BERLIN, NEPAL = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("typed", "zone", "first", "last"),
    [
        ("2028-01-31T15:00", UTC, "2028-01-31T15:00Z", "2028-01-31T15:00Z"),
        ("2028-01-31T15:00", BERLIN, "2028-01-31T14:00Z", "2028-01-31T14:00Z"),
        ("2028-01-01T00:00:05", NEPAL, "2027-12-31T18:15:05Z", "2027-12-31T18:15:05Z"),
        ("2028-03-26T02:30", BERLIN, "2028-03-26T01:00Z", "2028-03-26T01:00Z"),  # skipped
        ("2028-10-29T02:30", BERLIN, "2028-10-29T00:30Z", "2028-10-29T01:30Z"),  # twice: a span has both
        ("2028-10-01T02:15", ZoneInfo("Australia/Lord_Howe"), "2028-09-30T15:30Z", "2028-09-30T15:30Z"),
        ("2028-01-31T15:00+01:00", NEPAL, "2028-01-31T14:00Z", "2028-01-31T14:00Z"),
        ("tomorrow", BERLIN, "tomorrow", "tomorrow"),
        ("2027-02-29T10:00", BERLIN, "2027-02-29T10:00", "2027-02-29T10:00"),
        ("0001-01-01T00:00", BERLIN, "0001-01-01T00:00", "0001-01-01T00:00"),
        ("", BERLIN, "", ""),
    ],
)
def test_a_time_is_typed_in_the_readers_zone(typed, zone, first, last):
    assert moment_text(typed, "", zone) == first
    assert moment_text(typed, "", zone, closing=True) == last


@pytest.mark.parametrize("before", ["2028-10-29T01:30Z", "2028-10-29T01:30", "2028-10-29T02:30+01:00"])
def test_a_moment_that_is_not_typed_anew_stays(before):
    shown = local_text(before, BERLIN)
    assert shown == "2028-10-29T02:30"
    assert moment_text(shown, before, BERLIN) == before  # although the first 02:30 is an hour earlier
    assert moment_text("2028-10-29T02:31", before, BERLIN) == "2028-10-29T00:31Z"


def test_what_is_no_moment_is_not_shown_as_one():
    assert local_text("yesterday", BERLIN) == local_text("", BERLIN) == ""
