"""The weekly and monthly summaries by email: a member's usage against the period before. Numbers are the rollups'."""

import logging
from datetime import date, datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import reader
from activity import usage
from activity.dashboard.formats import change
from billing.models import EmailChoice
from billing.notifications import summaries, unsubscribing
from billing.notifications.choices import Kind
from common.clock import utc_now
from common.display.moments import day_text
from common.money import PicoUsd, format_usd
from common.naming.names import clean_name
from common.telemetry.jobs import Parts

from .breakdown import Breakdown, breakdown_of
from .spans import Spanned, span_between

__all__ = ["email_about", "write_due"]

logger = logging.getLogger(__name__)

#: Models and keys that an email names.
MOST_LINES = 5


def write_due() -> int:
    """Store the emails about periods that are over, each once. Return their number.

    After an outage only the last period is written. A failure does not keep the others from their emails. Raises
    JobFailed at the end.
    """
    now, written, parts = utc_now(), 0, Parts(logger)
    for pk in list(summaries.due(now).values_list("pk", flat=True)):
        with parts.part("summary %s not written, next try in ten minutes", pk):
            written += _write(pk, now)
    parts.end()
    return written


def email_about(summary: EmailChoice, first: date, end: date, now: datetime) -> tuple[str, str] | None:
    """Return subject and text about the days from `first` to before `end`; None without usage in them.

    They say what the dashboard and the credits page say to every member: usage of the organization, and the balance.
    """
    user, organisation = summary.user, summary.account.organisation
    span = span_between(first, end, summaries.period_before(summary.kind, first), user.zone)
    view = Spanned(account=summary.account, now=now, span=span)
    models = breakdown_of(view, organisation, MOST_LINES)
    if not models.total.requests:
        return None
    keys = breakdown_of(Spanned(account=summary.account, now=now, span=span, by="key"), organisation, MOST_LINES)
    weekly = summary.kind == Kind.WEEKLY
    name = clean_name(organisation.name)
    context = {
        "organisation": name,
        "first": day_text(first),
        "last": day_text(end - timedelta(days=1)),
        "zone": str(user.zone),
        "unit": "week" if weekly else "month",
        "total": models.total,
        "before": models.before,
        "changed": _changed(models.total, models.before),
        "tables": [("Models", _lines(models)), ("API keys", _lines(keys))],
        "balance": summary.account.balance,
        "activity_url": f"{settings.SITE_URL}{reverse('activity:activity')}?period={'7d' if weekly else '30d'}",
        "settings_url": settings.SITE_URL + reverse("billing:notifications"),
        "unsubscribe_url": unsubscribing.url_of(summary),
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = f"{summary.get_kind_display()} of {name}: {format_usd(PicoUsd(models.total.cost))} spent"
    return subject, render_to_string("activity/mail/summary.txt", context)


def _write(pk: int, now: datetime) -> bool:
    """Return whether an email was stored."""
    summary = summaries.due(now).filter(pk=pk).first()
    period = summary and summaries.last_period(summary, now)
    if not summary or not period:
        return False
    with reader.reading(summary.user):
        email = email_about(summary, *period, now)
    return summaries.enqueue_once(summary, period[1], email) and email is not None


def _lines(breakdown: Breakdown) -> list[str]:
    """Return a line for each of the largest groups, and one for the others."""
    lines = [_cells(clean_name(name), sums) for name, sums in breakdown.rows]
    if breakdown.others:
        lines.append(_cells(f"{breakdown.others:,} {'other' if breakdown.others == 1 else 'others'}", breakdown.rest))
    return lines


def _cells(name: str, sums: usage.Sums) -> str:
    requests = "1 request" if sums.requests == 1 else f"{sums.requests:,} requests"
    return f"{name}: {format_usd(PicoUsd(sums.cost))}, {requests}"


def _changed(now: usage.Sums, before: usage.Sums | None) -> str:
    return change(now.cost, before.cost) if before else ""
