"""Money: exact, rounded once, never minted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    PICO_PER_CENT,
    PICO_PER_USD,
    as_usd,
    cents_down,
    decimals,
    exact_dollars,
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
    ("usd", "shown"),
    [
        ("0", "$0.00"),
        ("0.1", "$0.10"),
        ("25", "$25.00"),
        ("1234.5", "$1,234.50"),
        ("24.999859", "$25.00"),  # $25.00 less a request of $0.000141
        ("24.994999999999", "$24.99"),
        ("1.005", "$1.01"),
        ("1.004999999999", "$1.00"),
        ("0.000141", "$0.000141"),
        ("0.0234567", "$0.0235"),
        ("0.02345", "$0.0235"),
        ("0.005", "$0.005"),
        ("0.995", "$0.995"),
        ("0.9994", "$0.999"),
        ("0.9995", "$1.00"),
        ("0.999999", "$1.00"),
        ("0.100000000001", "$0.10"),
        ("0.000000000001", "$0.000000000001"),
        ("0.000000001234", "$0.00000000123"),
        ("-0.0234567", "-$0.0235"),
        ("-1.005", "-$1.01"),
        ("-25", "-$25.00"),
    ],
)
def test_an_amount_is_exact_in_cents_and_otherwise_rounded_half_up_with_enough_digits(usd, shown):
    assert format_usd(pico_from_usd(Decimal(usd))) == shown


@given(st.integers(-(10**19), 10**19))
def test_a_shown_amount_is_never_off_by_more_than_half_of_its_last_digit(pico):
    value = pico_from_usd(Decimal(format_usd(pico).replace("$", "").replace(",", "")))
    assert (value == 0) == (pico == 0)
    last_digit = PICO_PER_CENT if abs(pico) >= PICO_PER_USD else 10 ** max(0, len(str(abs(pico))) - 3)
    assert abs(value - pico) <= last_digit // 2


@pytest.mark.parametrize(("places", "shown"), [(2, "$1.01"), (3, "$1.005"), (6, "$1.005000"), (12, "$1.005000000000")])
def test_every_amount_of_a_column_has_the_same_decimals(places, shown):
    assert format_usd(pico_from_usd(Decimal("1.005")), places) == shown


@pytest.mark.parametrize(
    ("usd", "shown"),
    [("0.00001234", "$0.00001234"), ("25", "$25.00"), ("1234.5", "$1,234.50"), ("-0.1", "-$0.10"), ("0", "$0.00")],
)
def test_an_exact_amount_has_every_digit_and_at_least_two_decimals(usd, shown):
    assert exact_dollars(Decimal(usd)) == shown


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
