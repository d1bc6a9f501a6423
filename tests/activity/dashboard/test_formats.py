"""Numbers as people read them."""

import pytest

from activity.dashboard.formats import change, compact, seconds, short_dollars
from activity.templatetags.usage import joined_cells, speed
from gateway.models import Generation


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1K"), (1234, "1.2K"), (1950, "2K"), (99_949, "99.9K"), (99_950, "100K"),
     (100_500, "101K"), (123_456, "123K"), (4_500_000, "4.5M"), (7 * 10**9, "7B"), (2 * 10**12, "2T")],
)  # fmt: skip
def test_counts_are_short(count, text):
    assert compact(count) == text


@pytest.mark.parametrize(
    ("pico", "text"),
    [(0, "$0"), (5 * 10**10, "$0.05"), (12 * 10**12, "$12"), (3500 * 10**12, "$3.5K"), (2, "$0.000000000002")],
)
def test_axis_amounts_are_short(pico, text):
    assert short_dollars(pico) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(None, "–"), (0, "0.00 s"), (840, "0.84 s"), (12_345, "12.3 s"), (125_000, "125 s")]
)
def test_times_are_in_seconds(milliseconds, text):
    assert seconds(milliseconds) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (0, 0, ""),
        (3, 0, "new"),
        (36, 3, "12×"),
        (1852, 1, "1.9K×"),
        (3, 3, "±0%"),
        (6, 3, "+100%"),
        (1, 4, "−75%"),
        (0, 4, "−100%"),
    ],
)
def test_changes_are_in_percent_of_before(now, before, text):
    assert change(now, before) == text


@pytest.mark.parametrize(
    ("latency_ms", "duration_ms", "tokens", "text"),
    [
        (400, 2400, 100, "50"),
        (400, 450, 100, "2,000"),
        (400, 449, 100, "–"),  # in one piece
        (400, 400, 100, "–"),
        (400, 2400, 1, "–"),
        (None, 2400, 100, "–"),
    ],
)
def test_throughput_is_that_of_a_stream(latency_ms, duration_ms, tokens, text):
    request = Generation(latency_ms=latency_ms, duration_ms=duration_ms, completion_tokens=tokens)
    assert speed(request) == text


def test_cells_are_escaped_and_joined():
    assert joined_cells([]) == ""
    assert joined_cells(["$1.00", "<b>"]) == '$1.00</td><td class="n">&lt;b&gt;'
