"""Filters that show counts and times."""

from collections.abc import Iterable

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from activity.dashboard.formats import compact, seconds
from gateway.models import Generation

register = template.Library()

#: Less than this after the first token is no stream: all of the response arrived together.
MIN_STREAMING_MS = 50


@register.filter(name="compact")
def compact_count(count: int) -> str:
    """ "12.3K" from 12345."""
    return compact(count)


@register.filter(name="seconds")
def in_seconds(milliseconds: int | None) -> str:
    """ "0.84 s" from 840; a dash for None."""
    return seconds(milliseconds)


@register.filter
def speed(request: Generation) -> str:
    """Return completion tokens per second after the first token; a dash for a response that came in one piece."""
    if request.latency_ms is None or request.duration_ms is None or request.completion_tokens < 2:
        return "–"
    streaming_ms = request.duration_ms - request.latency_ms
    return f"{request.completion_tokens * 1000 / streaming_ms:,.0f}" if streaming_ms >= MIN_STREAMING_MS else "–"


@register.filter
def with_separators(count: int) -> str:
    """ "12,345"."""
    return f"{count:,}"


@register.filter
def joined_cells(numbers: Iterable[str]) -> SafeString:
    """Return formatted numbers with the end of a table's cell and the start of the next between them."""
    cells = escape("\n".join(numbers)).split("\n")  # together, because a chart has hundreds
    return mark_safe('</td><td class="n">'.join(cells))  # noqa: S308 escaped


@register.filter
def lower_first(words: str) -> str:
    """Return the words in lower case for use in a sentence: "model", but "API key"."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
