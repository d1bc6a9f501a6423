"""Money: integer pico-USD inside, exact decimals for prices, text and cents at the edges.

1 USD = 10^12 pico-USD. A signed 64-bit column holds 9.2 million USD. Floats never touch money.

One rule shows every amount, here and in `static/js/chat/money.js`:

- A whole number of cents is exact, with two decimals: $0.00, $0.10, $25.00, $1,234.50.
- Other amounts from $1 on are rounded half up to the cent: 24.999859 is $25.00.
- Other amounts below $1 are rounded half up to three significant digits, without trailing zeros but with at least two
  decimals: 0.0234567 is $0.0235, 0.000141 is $0.000141. Only zero reads $0.00.
- Where the exact figure belongs (the cost of a request, a ledger entry, a price), every digit is shown.

A minus sign stands before the dollar sign, and half up means away from zero.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
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
_SIGNIFICANT_DIGITS = 3


def total_cost(parts: Iterable[tuple[int, Decimal]]) -> PicoUsd:
    """Return the cost of `parts` in pico-USD: each part is a count and a price in USD per unit.

    The only place where money is rounded: once per generation, half to even. Raises ValueError for negative counts
    or prices: no provider's response may mint credit.
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
    """Return whole cents as pico-USD."""
    return PicoUsd(cents * PICO_PER_CENT)


def cents_down(amount: PicoUsd) -> int:
    """Return the whole cents in a non-negative amount, rounded down. The rest stays credit."""
    return amount // PICO_PER_CENT


def pico_from_usd(usd: Decimal) -> PicoUsd:
    """Return dollars as pico-USD. Raises ValueError for more than twelve decimals."""
    pico = usd * PICO_PER_USD
    if pico != pico.to_integral_value():
        raise ValueError(f"{usd} has more than twelve decimals")
    return PicoUsd(int(pico))


def as_usd(amount: PicoUsd) -> Decimal:
    """Return an amount as an exact number of dollars, without trailing zeros."""
    return Decimal(amount).scaleb(-12).normalize()


def parse_usd(text: str) -> int:
    """Return the cents of a typed amount ("10", "$10.50", "1,000"). Raises ValueError with a message for the person."""
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


def format_usd(amount: PicoUsd, places: int | None = None) -> str:
    """Return an amount for people by the rule above: "$1,234.50", "$0.0235".

    With `places`, every amount of a column has so many decimals.
    """
    size = abs(amount)
    if places is not None:
        unit = 10 ** (12 - places)
    elif size >= PICO_PER_USD or size % PICO_PER_CENT == 0:
        unit = PICO_PER_CENT
    else:
        unit = 10 ** max(0, len(str(size)) - _SIGNIFICANT_DIGITS)
    rounded = Decimal((size + unit // 2) // unit * unit).scaleb(-12)
    shown = f"{rounded:,.{places}f}" if places is not None else _at_least_cents(rounded)
    return f"{'-' if amount < 0 else ''}${shown}"


def exact_dollars(usd: Decimal) -> str:
    """Return dollars with every digit and at least two decimals: "$0.00001234"."""
    return f"{'-' if usd < 0 else ''}${_at_least_cents(abs(usd))}"


def _at_least_cents(usd: Decimal) -> str:
    whole, _, decimals = f"{usd.normalize():f}".partition(".")
    return f"{int(whole):,}.{decimals.ljust(2, '0')}"


def decimals(*amounts: PicoUsd) -> int:
    """Return the decimals that show each amount exactly, at least two, so that a column of sums adds up."""
    return max(2, *(-int(as_usd(amount).as_tuple().exponent) for amount in amounts))


def format_cents(cents: int) -> str:
    """Return cents as dollars: "$10.80" for 1080."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def format_price_per_million(price: Decimal) -> str:
    """Return the price of a million tokens: "$2.50" for 0.0000025 USD per token."""
    million = (price * 1_000_000).normalize()
    exponent = million.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) and million else 0
    return f"${million:,.{min(decimals, 6)}f}"
