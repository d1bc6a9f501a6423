"""Money: exact sums, one rounding, and one rule for showing amounts."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import money
from common.money import (
    PICO_PER_CENT,
    as_usd,
    cents_as_usd,
    cents_down,
    format_cents,
    format_exact_usd,
    format_price_per_million,
    format_usd,
    parse_cents,
    pico_from_usd,
    total_cost,
)
from tests.support.amounts import AMOUNTS


def test_a_cost_is_rounded_once_half_to_even():
    half = Decimal("0.0000000000005")  # half a pico
    assert total_cost([(1, half)]) == 0
    assert total_cost([(3, half)]) == 2
    assert total_cost([(1, half), (1, half)]) == 1  # rounded together, not each


@pytest.mark.parametrize("part", [(-1, Decimal(1)), (1, Decimal(-1))])
def test_negative_counts_and_prices_raise(part):
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
    [
        ("10", 1000),
        ("$10.50", 1050),
        (" 1,000 ", 100_000),
        ("$ 5", 500),
        ("0.01", 1),
        ("7.", 700),
        ("0010", 1000),
        ("999,999,999.99", 99_999_999_999),
    ],
)
def test_typed_amounts_are_parsed(typed, cents):
    assert parse_cents(typed) == cents


@pytest.mark.parametrize(
    "typed", ["", "ten", "1.005", "NaN", "Infinity", "1e400", "1e2", "-5", "1000000000", "9" * 40, "$", "٣.٥٥٥"]
)
def test_invalid_amounts_raise_with_a_sentence(typed):
    with pytest.raises(ValueError, match=r"\w+ .*\."):
        parse_cents(typed)


@pytest.mark.parametrize(("usd", "shown"), AMOUNTS.items())
def test_amounts_and_their_negatives_follow_the_rule(usd, shown):
    amount, (rounded, exact) = pico_from_usd(Decimal(usd)), shown
    assert (format_usd(amount), format_exact_usd(amount), format_exact_usd(Decimal(usd))) == (rounded, exact, exact)
    sign = "-" if amount else ""
    assert (format_usd(-amount), format_exact_usd(-amount)) == (f"{sign}{rounded}", f"{sign}{exact}")


def test_the_examples_of_the_module_are_true():
    documented = re.findall(r"(-?[\d.]+) +(-?\$[\d.,]+)", money.__doc__)
    assert len(documented) >= 10
    for usd, shown in documented:
        assert format_usd(pico_from_usd(Decimal(usd))) == shown


@given(st.integers(-(10**19), 10**19))
def test_rounding_is_bounded_and_keeps_nonzero_amounts(pico):
    shown = Decimal(format_usd(pico).replace("$", "").replace(",", "")) * 10**12
    error, unit = abs(shown - pico), max(1, min(10**10, 10 ** (len(str(abs(pico))) - 3)))
    assert error * 2 <= unit
    assert error == 0 or pico % 10**10 != 0
    assert (shown == 0) == (pico == 0)


@given(st.integers(-(10**19), 10**19))
def test_exact_amounts_have_every_digit(pico):
    assert Decimal(format_exact_usd(pico).replace("$", "").replace(",", "")) * 10**12 == pico


@pytest.mark.parametrize(
    ("pico", "text"),
    [(10**13, "10"), (0, "0"), (-9 * 10**12, "-9"), (5 * 10**11, "0.5"), (10**15, "1000"), (1, "1E-12")],
)
def test_dollars_have_no_trailing_zeros(pico, text):
    assert str(as_usd(pico)) == text


def test_cents():
    assert cents_down(3 * PICO_PER_CENT + PICO_PER_CENT - 1) == 3
    assert [str(cents_as_usd(cents)) for cents in (0, 1080, 1000)] == ["0.00", "10.80", "10.00"]
    assert [format_cents(cents) for cents in (0, 80, 1080, 123_456, -1)] == [
        "$0.00",
        "$0.80",
        "$10.80",
        "$1,234.56",
        "-$0.01",
    ]


@pytest.mark.parametrize(
    ("price", "shown"),
    [("0.0000025", "$2.50"), ("0.0000000375", "$0.0375"), ("0", "$0.00"), ("0.00006", "$60.00"),
     ("0.0000000000001", "$0.0000001")],
)  # fmt: skip
def test_prices_are_shown_per_million(price, shown):
    assert format_price_per_million(Decimal(price)) == shown
