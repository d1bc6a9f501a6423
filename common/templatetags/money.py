"""Filters that show money. `common/money.py` explains the rule."""

from decimal import Decimal

from django import template

from common.money import PicoUsd, format_cents, format_exact_usd, format_price_per_million, format_usd

register = template.Library()


@register.filter
def usd(amount: int) -> str:
    """Return pico-USD as "$1.23": exact to the cent where it is, otherwise rounded half up."""
    return format_usd(PicoUsd(amount))


@register.filter
def exact(amount: int | Decimal) -> str:
    """Return pico-USD (an integer) or USD (a `Decimal`) with every digit, and at least two decimals."""
    return format_exact_usd(amount if isinstance(amount, Decimal) else PicoUsd(amount))


@register.filter
def cents(amount: int) -> str:
    """Return whole cents as "$10.80"."""
    return format_cents(amount)


@register.filter
def per_million(price: str | Decimal) -> str:
    """Return a price in USD per token as dollars per million tokens."""
    return format_price_per_million(Decimal(price))


@register.filter
def per_thousand(price: str | Decimal) -> str:
    """Return a price in USD per request as dollars per thousand requests."""
    return format_price_per_million(Decimal(price) / 1000)
