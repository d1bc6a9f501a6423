"""Money: integer pico-USD inside, exact decimals for prices, text and cents at the edges.

1 USD = 10^12 pico-USD. A signed 64-bit column holds 9.2 million USD. Floats never touch money.
"""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import NewType

__all__ = [
    "PICO_PER_CENT",
    "PICO_PER_USD",
    "PicoUsd",
    "as_usd",
    "cents_down",
    "decimals",
    "exact_dollars",
    "format_cents",
    "format_price_per_million",
    "format_usd",
    "parse_usd",
    "pico_from_cents",
    "pico_from_usd",
    "total_cost",
]

PicoUsd = NewType("PicoUsd", int)

PICO_PER_USD = 10**12
PICO_PER_CENT = 10**10


def total_cost(parts: Iterable[tuple[int, Decimal]]) -> PicoUsd:
    """The pico-USD that `parts` cost together: each a count and a price in USD for one of it.

    The only place where money is rounded: once per generation, half to even. Negative counts or
    prices raise ValueError: no provider's answer may mint credit.
    """
    with localcontext() as context:
        context.prec = 60
        usd = Decimal(0)
        for count, price in parts:
            if count < 0 or price < 0:
                raise ValueError(f"negative count or price: {count} x {price}")
            usd += count * price
        return PicoUsd(int((usd * PICO_PER_USD).to_integral_value(ROUND_HALF_EVEN)))


def pico_from_cents(cents: int) -> PicoUsd:
    """Whole cents as pico-USD."""
    return PicoUsd(cents * PICO_PER_CENT)


def cents_down(amount: PicoUsd) -> int:
    """The whole cents in a non-negative amount; what is left stays credit."""
    return amount // PICO_PER_CENT


def pico_from_usd(usd: Decimal) -> PicoUsd:
    """A decimal number of dollars as pico-USD; digits beyond the twelfth raise ValueError."""
    pico = usd * PICO_PER_USD
    if pico != pico.to_integral_value():
        raise ValueError(f"{usd} has more than twelve decimals")
    return PicoUsd(int(pico))


def as_usd(amount: PicoUsd) -> Decimal:
    """An amount as an exact decimal number of dollars, without trailing zeros."""
    return Decimal(amount).scaleb(-12).normalize()


def parse_usd(text: str) -> int:
    """Cents from what a person typed ("10", "$10.50", "1,000"); ValueError says what is wrong."""
    cleaned = text.strip().removeprefix("$").replace(",", "").strip()
    try:
        usd = Decimal(cleaned)
    except InvalidOperation as error:
        raise ValueError("Enter an amount in dollars, for example 10 or 12.50.") from error
    if not usd.is_finite():
        raise ValueError("Enter an amount in dollars, for example 10 or 12.50.")
    if abs(usd) >= 10**9:
        raise ValueError("Enter a smaller amount.")
    if usd != usd.quantize(Decimal("0.01")):
        raise ValueError("Enter at most two decimals.")
    return int(usd * 100)


def format_usd(amount: PicoUsd, places: int = 2) -> str:
    """ "$1,234.56": rounded towards zero, so that a shown balance can always be spent.

    A non-zero amount too small for `places` shows its first two significant digits instead.
    """
    usd = as_usd(amount)
    sign = "-" if usd < 0 else ""
    usd = abs(usd)
    if usd and usd < Decimal(1).scaleb(-places):
        places = min(12, -usd.adjusted() + 1)
    return f"{sign}${usd.quantize(Decimal(1).scaleb(-places), ROUND_DOWN):,f}"


def exact_dollars(usd: Decimal) -> str:
    """ "$0.00001234": every digit, at least two decimals."""
    text = f"{usd.normalize():f}"
    whole, _, decimals = text.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}${int(whole.lstrip('-')):,}.{decimals.ljust(2, '0')}"


def decimals(*amounts: PicoUsd) -> int:
    """How many decimals show each of the amounts exactly, at least two: a column of sums with them adds up."""
    return max(2, *(-int(as_usd(amount).as_tuple().exponent) for amount in amounts))


def format_cents(cents: int) -> str:
    """ "$10.80" from 1080."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def format_price_per_million(price: Decimal) -> str:
    """ "$2.50" from a price of 0.0000025 USD per token: what one million of them cost."""
    million = (price * 1_000_000).normalize()
    exponent = million.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) and million else 0
    return f"${million:,.{min(decimals, 6)}f}"
