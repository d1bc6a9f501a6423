"""Money: integer pico-USD inside, exact decimals for prices, text and cents at the edges.

1 USD = 10^12 pico-USD. A signed 64-bit column holds 9.2 million USD. Floats never touch money.

One rule shows every amount, on pages, in emails, messages and errors, and in the admin (`format_usd`):

- a whole number of cents is exact, with two decimals;
- any other amount from $1 on is rounded half up to the cent;
- any other amount below $1 is rounded half up to three significant digits, without trailing zeros but with at
  least two decimals. So only zero reads $0.00.

A minus sign stands before the dollar sign, and half up means away from zero:

    0             $0.00           24.999859     $25.00
    0.1           $0.10           1.005         $1.01
    25            $25.00          0.9995        $1.00
    1234.5        $1,234.50       0.0234567     $0.0235
    -5            -$5.00          0.000141      $0.000141

Where the exact figure belongs, every digit is shown, with at least two decimals (`format_exact_usd`): the cost of one
request, a price, the lines of a sum, the ledger in the admin, and an amount that a refusal or an alert compares with
another, because rounding could make it say the opposite. CSV and the API carry the same digits as a number (`as_usd`).

Amounts are rounded for display only. Refunds are paid in whole cents, rounded down where they are computed
(`cents_down`). The chat follows the same rule in `static/js/chat/money.js`.
"""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NewType

__all__ = [
    "PICO_PER_CENT",
    "PICO_PER_USD",
    "PicoUsd",
    "as_usd",
    "cents_as_usd",
    "cents_down",
    "format_cents",
    "format_exact_usd",
    "format_price_per_million",
    "format_usd",
    "parse_cents",
    "pico_from_cents",
    "pico_from_usd",
    "total_cost",
]

PicoUsd = NewType("PicoUsd", int)

PICO_PER_USD = 10**12
PICO_PER_CENT = 10**10

_CENT = Decimal("0.01")
_USD_PER_PICO = Decimal("1E-12")
_SIGNIFICANT_DIGITS = 3
_TYPED_AMOUNT = re.compile(r"\s*\$?\s*[0-9][0-9,]*(\.[0-9]*)?\s*")


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
    """Return an amount as an exact decimal number of dollars, without trailing zeros: 10, 0.0235."""
    if amount % PICO_PER_USD == 0:
        return Decimal(amount // PICO_PER_USD)  # normalize() writes 10 as 1E+1
    return (Decimal(amount) * _USD_PER_PICO).normalize()  # a report has thousands: scaleb() takes longer


def cents_as_usd(cents: int) -> Decimal:
    """Return whole cents as a decimal number of dollars with two decimals: 10.80."""
    return Decimal(cents).scaleb(-2)


def parse_cents(text: str) -> int:
    """Return the cents of a typed amount ("10", "$10.50", "1,000"). Raises ValueError with a message for the person."""
    if not text.strip():
        raise ValueError("Enter an amount in dollars.")
    if not _TYPED_AMOUNT.fullmatch(text):
        raise ValueError("Enter an amount in dollars, for example 10 or 12.50.")
    usd = Decimal(text.strip().removeprefix("$").replace(",", ""))
    if usd >= 10**9:
        raise ValueError("Enter a smaller amount.")
    if usd != usd.quantize(_CENT):
        raise ValueError("Enter at most two decimals.")
    return int(usd * 100)


def format_usd(amount: PicoUsd) -> str:
    """Return an amount as people read it: "$1,234.56", "$0.0235". See the rule at the top of this module."""
    size = abs(amount)
    to_cents = size >= PICO_PER_USD or size % PICO_PER_CENT == 0
    unit = PICO_PER_CENT if to_cents else 10 ** max(0, len(str(size)) - _SIGNIFICANT_DIGITS)
    rounded = (size + unit // 2) // unit * unit
    return format_exact_usd(PicoUsd(rounded if amount >= 0 else -rounded))


def format_exact_usd(amount: PicoUsd | Decimal) -> str:
    """Return pico-USD (an integer) or dollars (a `Decimal`) with every digit: "$0.00001234", "$10.00"."""
    if isinstance(amount, Decimal):
        whole, _, decimals = f"{abs(amount.normalize()):f}".partition(".")
        dollars = int(whole)
    else:  # a chart has a thousand of these
        dollars, rest = divmod(abs(amount), PICO_PER_USD)
        decimals = f"{rest:012}".rstrip("0")
    return f"{'-' if amount < 0 else ''}${dollars:,}.{decimals.ljust(2, '0')}"


def format_cents(cents: int) -> str:
    """Return whole cents as "$10.80"."""
    return format_exact_usd(cents_as_usd(cents))


def format_price_per_million(price: Decimal) -> str:
    """Return the price of a million units with every digit: "$2.50" from 0.0000025 USD for one."""
    return format_exact_usd(price * 1_000_000)
