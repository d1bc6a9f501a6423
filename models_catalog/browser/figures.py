"""Figures of models formatted for people."""

from decimal import ROUND_HALF_UP, Decimal

__all__ = ["tokens"]


def tokens(count: int) -> str:
    """Return a number of tokens in short form: "512", "16.4K", "128K", "1.05M"."""
    for unit, size in (("M", 1_000_000), ("K", 1_000)):
        if count >= size:
            step = Decimal("0.01") if unit == "M" else Decimal("0.1") if count < 100 * size else Decimal(1)
            short = (Decimal(count) / size).quantize(step, ROUND_HALF_UP)
            return f"{short.normalize():f}{unit}"
    return str(count)
