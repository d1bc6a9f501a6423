"""Weekly and monthly summaries by email: the periods that are due.

Weeks run from Monday to Sunday, months are calendar months, both in the person's time zone. `activity` writes the
contents; here is when, and to which address.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from billing.models import EmailChoice

from . import outbox
from .choices import SUMMARIES, start_of

__all__ = ["due", "enqueue_once", "last_period", "period_before"]

#: Time from the end of a period to its summary: requests that began in it have ended by then.
DELAY = timedelta(hours=6)


def due(now: datetime) -> QuerySet[EmailChoice]:
    """Return the summaries that may have a period to write: of active members only. `last_period` decides."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)  # no zone is further ahead
    old = EmailChoice.objects.none()
    for interval in sorted(SUMMARIES):
        old |= EmailChoice.objects.filter(kind=interval, covered_until__lt=start_of(interval, tomorrow))
    members = old.filter(is_on=True, user__is_active=True, account__organisation__memberships__user=F("user"))
    return members.select_related("user", "account__organisation").order_by("pk")


def last_period(summary: EmailChoice, now: datetime) -> tuple[date, date] | None:
    """Return the first day of the last period that is over, and the day after it; None if it is written already."""
    end = start_of(summary.kind, (now - DELAY).astimezone(summary.user.zone).date())
    is_due = summary.covered_until is not None and summary.covered_until < end
    return (period_before(summary.kind, end), end) if is_due else None


def period_before(interval: str, start: date) -> date:
    """Return the first day of the period before the one that starts on that day."""
    return start_of(interval, start - timedelta(days=1))


def enqueue_once(summary: EmailChoice, end: date, email: tuple[str, str] | None) -> bool:
    """Store the email (subject and text) about the period before `end`, or note that there is nothing to say.

    Return whether this call did so: False if another worker did, or the summary was turned off.
    """
    with transaction.atomic():
        unwritten = EmailChoice.objects.filter(pk=summary.pk, is_on=True, covered_until__lt=end)
        if not unwritten.update(covered_until=end):
            return False
        if email:
            outbox.enqueue_chosen(summary, *email)
    return True
