"""Filters for figures of models."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django import template

from models_catalog.browser.descriptions import month_name
from models_catalog.browser.figures import tokens
from models_catalog.browser.retirement import retirement
from models_catalog.entries import ModelEntry
from models_catalog.exclusions import Exclusion

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
def exclusion_of(excluded: Mapping[str, Exclusion], model: ModelEntry) -> Exclusion | None:
    """Return why the reader's settings exclude the model, or the one that an alias stands for; None if they don't."""
    return excluded.get((model.alias_of or model).id) if excluded else None


@register.filter
def unix_day(seconds: int) -> date:
    """Return the UTC date of Unix seconds: a model was added on the same day for every reader."""
    return datetime.fromtimestamp(seconds, UTC).date()


@register.filter
def month(date: str) -> str:
    """Return "October 2024" for "2024-10" or "2024-10-01"; any other text unchanged."""
    return month_name(date)


@register.filter
def country(code: str) -> str:
    """Return the name of a country by its ISO 3166 code; an unlisted code unchanged."""
    return _COUNTRIES.get(code, code)


register.filter("retirement", retirement)


@register.filter
def in_order(words: Iterable[str]) -> list[str]:
    """Return the words in alphabetical order."""
    return sorted(words)


@register.filter
def shade(slug: str) -> str:
    """Return the color class of an author or provider, always the same one."""
    return f"k{zlib.crc32(slug.encode()) % _SHADES}"


@register.filter
def at(values: Sequence[Any], index: int) -> Any:
    """Return the value at a place that the sequence has."""
    return values[index]


@register.filter
def milliseconds(value: float) -> str:
    """Return milliseconds as seconds without their unit: "0.42"."""
    return f"{value / 1000:,.2f}"


@register.inclusion_tag("models_catalog/partials/states.html")
def states(found: Sequence[str], uptime: object, number: int) -> dict[str, Any]:
    """Show `number` states of parts of the time as bars, oldest first, with the uptime in percent, if it is known."""
    bars = [(place * 4, state) for place, state in enumerate(found or ["none"] * number)]
    return {"bars": bars, "width": number * 4 - 1, "uptime": uptime if isinstance(uptime, int | float) else None}
