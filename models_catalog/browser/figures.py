"""Figures of models formatted for people."""

from decimal import ROUND_HALF_UP, Decimal

from common.money import format_price_per_million

__all__ = ["per_million", "seconds", "tokens"]


def per_million(price: Decimal) -> str:
    """Return USD per million tokens as text."""
    return format_price_per_million(price / 1_000_000)


def seconds(value: float) -> str:
    """Return a latency in seconds: "0.42", "3.1"."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def tokens(count: int) -> str:
    """Return a number of tokens in short form: "512", "16.4K", "128K", "1.05M", "2.1B"."""
    for unit, size in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            step = Decimal("0.01") if unit != "K" else Decimal("0.1") if count < 100 * size else Decimal(1)
            short = (Decimal(count) / size).quantize(step, ROUND_HALF_UP)
            return f"{short.normalize():f}{unit}"
    return str(count)
