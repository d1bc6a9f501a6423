"""Filters that show a model's figures."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

from django import template

from models_catalog.browser.descriptions import month_name
from models_catalog.browser.figures import tokens

register = template.Library()

_COUNTRIES = {
    "AU": "Australia",
    "CA": "Canada",
    "CH": "Switzerland",
    "CN": "China",
    "DE": "Germany",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "IL": "Israel",
    "IN": "India",
    "JP": "Japan",
    "KR": "South Korea",
    "NL": "Netherlands",
    "SE": "Sweden",
    "SG": "Singapore",
    "US": "United States",
}
_SHADES = 9  # the colours .k0 to .k8; .k9 stands for "other"


register.filter("tokens", tokens)


@register.filter
def unix_day(seconds: int) -> datetime:
    """Unix seconds as a moment in UTC, for `|date`."""
    return datetime.fromtimestamp(seconds, UTC)


@register.filter
def month(date: str) -> str:
    """ "October 2024" from "2024-10" or "2024-10-01"; the text itself when it is neither."""
    return month_name(date)


@register.filter
def country(code: str) -> str:
    """The name of a country by its ISO 3166 code; the code itself for one that no provider has used yet."""
    return _COUNTRIES.get(code, code)


@register.filter
def in_order(words: Iterable[str]) -> list[str]:
    """The words from A to Z."""
    return sorted(words)


@register.filter
def shade(slug: str) -> str:
    """The colour class of an author or provider: always the same one."""
    return f"k{zlib.crc32(slug.encode()) % _SHADES}"
