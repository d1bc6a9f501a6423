"""Each date and time on a page or in an email goes through these filters. `common/display/moments.py` knows the reader.

On pages they return `<time>` with the moment in UTC as its title. Emails take `day_text` and `moment_text`.
"""

from datetime import UTC, date, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.display import moments

register = template.Library()


@register.filter
def day(moment: date | None) -> SafeString | str:
    """Return the date of a moment for the reader, "29 Nov 2026", or a date as it is."""
    if not moment:
        return ""
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moments.day_text(moment))
    return _element(moment, moments.day_text(moment))


@register.filter
def moment(moment: datetime | None) -> SafeString | str:
    """Return "29 Nov 2026, 21:35 IST"."""
    return _element(moment, moments.moment_text(moment)) if moment else ""


@register.filter
def moment_with_seconds(moment: datetime | None) -> SafeString | str:
    """Return "29 Nov 2026, 21:35:09 IST"."""
    return _element(moment, moments.moment_text(moment, seconds=True)) if moment else ""


@register.filter
def clock_time(moment: datetime | None) -> SafeString | str:
    """Return "21:35 IST"."""
    return _element(moment, moments.time_text(moment)) if moment else ""


@register.filter
def in_table(moment: datetime | None) -> SafeString | str:
    """Return "29 Nov 2026, 21:35" for a table that names its zone with `{% time_zone %}`."""
    return _element(moment, moments.moment_text(moment, with_zone=False)) if moment else ""


@register.filter
def in_log(moment: datetime | None) -> SafeString | str:
    """Return "29 Nov, 21:35:09" for a list of recent things that names its zone with `{% time_zone %}`."""
    text = moment and moments.moment_text(moment, seconds=True, with_year=False, with_zone=False)
    return _element(moment, text) if moment and text else ""


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Return "3 minutes ago"; the title has the moment in the reader's zone, then in UTC."""
    return _element(moment, naturaltime(moment), with_local=True) if moment else ""


@register.filter
def day_text(moment: date | None) -> str:
    """Return the date without an element, for emails."""
    return moments.day_text(moment) if moment else ""


@register.filter
def moment_text(moment: datetime | None) -> str:
    """Return "29 Nov 2026, 21:35 IST" without an element, for emails."""
    return moments.moment_text(moment) if moment else ""


@register.simple_tag
def time_zone() -> str:
    """Return the name of the reader's zone, "America/New York"."""
    return moments.zone_text()


def _element(moment: datetime, text: str, *, with_local: bool = False) -> SafeString:
    utc = moments.local(moment, UTC)
    title = moments.moment_text(moment, UTC, seconds=True)
    if with_local and (here := moments.moment_text(moment, seconds=True)) != title:
        title = f"{here} ({title})"
    stamp = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', stamp, title, text)
