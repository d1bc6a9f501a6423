"""Filters that format money."""

from decimal import Decimal

from django import template

from common.money import PicoUsd, as_usd, exact_dollars, format_cents, format_price_per_million, format_usd

register = template.Library()


@register.filter
def usd(amount: int, places: int | None = None) -> str:
    """Return pico-USD as "$1.23" by the rule of `common.money`; `|usd:6` gives a column six decimals."""
    return format_usd(PicoUsd(amount), places)


@register.filter
def exact(amount: int | Decimal) -> str:
    """Return pico-USD (an integer) or USD (a Decimal) with every digit, at least two decimals."""
    return exact_dollars(as_usd(PicoUsd(amount)) if isinstance(amount, int) else amount)


@register.filter
def cents(amount: int) -> str:
    """Return whole cents as "$10.80"."""
    return format_cents(amount)


@register.filter
def per_million(price: str | Decimal) -> str:
    """Return a price in USD per token as dollars per million tokens."""
    return format_price_per_million(Decimal(price))
