"""Money: exact, rounded once, never minted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    PICO_PER_CENT,
    as_usd,
    cents_down,
    decimals,
    format_cents,
    format_price_per_million,
    format_usd,
    parse_usd,
    pico_from_usd,
    total_cost,
)


def test_a_cost_is_rounded_once_half_to_even():
    half = Decimal("0.0000000000005")  # half a pico
    assert total_cost([(1, half)]) == 0
    assert total_cost([(3, half)]) == 2
    assert total_cost([(1, half), (1, half)]) == 1  # rounded together, not each


@pytest.mark.parametrize("part", [(-1, Decimal(1)), (1, Decimal(-1))])
def test_negative_counts_and_prices_are_refused(part):
    with pytest.raises(ValueError, match="negative"):
        total_cost([part])


@given(st.lists(st.tuples(st.integers(0, 10**9), st.decimals(0, 1, places=18)), max_size=6))
def test_the_order_of_parts_does_not_matter(parts):
    assert total_cost(parts) == total_cost(reversed(parts))


@given(st.integers(0, 10**19))
def test_dollars_and_pico_are_the_same_amount(pico):
    assert pico_from_usd(as_usd(pico)) == pico


def test_more_than_twelve_decimals_are_not_an_amount():
    with pytest.raises(ValueError, match="twelve"):
        pico_from_usd(Decimal("0.0000000000001"))


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("10", 1000), ("$10.50", 1050), (" 1,000 ", 100_000), ("0.01", 1), ("1e2", 10_000), ("-5", -500)],
)
def test_amounts_are_read_as_people_type_them(typed, cents):
    assert parse_usd(typed) == cents


@pytest.mark.parametrize("typed", ["", "ten", "1.005", "NaN", "Infinity", "1e400", "9" * 40, "$", "٣.٥٥٥"])
def test_what_is_not_an_amount_is_refused_with_a_sentence(typed):
    with pytest.raises(ValueError, match=r"\w+ .*\."):
        parse_usd(typed)


@pytest.mark.parametrize(
    ("pico", "shown"),
    [
        (0, "$0.00"),
        (10**12, "$1.00"),
        (1_234_567_890_000_000, "$1,234.56"),
        (999 * 10**10 + 10**10 - 1, "$9.99"),
        (1_300_000, "$0.0000013"),
        (1, "$0.000000000001"),
        (-5 * 10**11, "-$0.50"),
    ],
)
def test_amounts_are_shown_rounded_down_and_never_as_nothing(pico, shown):
    assert format_usd(pico) == shown


def test_cents():
    assert cents_down(3 * PICO_PER_CENT + PICO_PER_CENT - 1) == 3
    assert [format_cents(cents) for cents in (0, 80, 1080, 123_456, -1)] == [
        "$0.00",
        "$0.80",
        "$10.80",
        "$1,234.56",
        "-$0.01",
    ]


@pytest.mark.parametrize(
    ("price", "shown"), [("0.0000025", "$2.50"), ("0.0000000375", "$0.0375"), ("0", "$0"), ("0.00006", "$60.00")]
)
def test_prices_are_shown_per_million(price, shown):
    assert format_price_per_million(Decimal(price)) == shown


@pytest.mark.parametrize(
    ("amounts", "places"), [((0,), 2), ((10**12, 5 * 10**11), 2), ((10**12, 12_300_000), 7), ((1,), 12)]
)
def test_amounts_are_shown_with_the_decimals_that_all_of_them_need(amounts, places):
    assert decimals(*amounts) == places
