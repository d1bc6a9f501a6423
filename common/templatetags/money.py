"""Filters that show money."""

from decimal import Decimal

from django import template

from common.money import PicoUsd, format_cents, format_price_per_million, format_usd

register = template.Library()


@register.filter
def usd(amount: int, places: int = 2) -> str:
    """pico-USD as "$1.23"; `|usd:6` shows six decimals."""
    return format_usd(PicoUsd(amount), places)


@register.filter
def cents(amount: int) -> str:
    """Whole cents as "$10.80"."""
    return format_cents(amount)


@register.filter
def per_million(price: str | Decimal) -> str:
    """A price in USD per token as dollars per million tokens."""
    return format_price_per_million(Decimal(price))
