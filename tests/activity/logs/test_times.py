"""Spans of time as people and programs write them."""

from datetime import UTC, datetime, timedelta

import pytest

from activity.logs.times import Span, span_from

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
