"""Weekly and monthly summaries by email: each member's choice, unsubscribing, and the periods that are due.

Weeks run from Monday to Sunday, months are calendar months, both in the person's time zone. `activity` writes the
contents; here is when, and to which address.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import User
from billing.models import CreditAccount, SpendSummary

from . import outbox

__all__ = ["Interval", "choose", "chosen_by", "due", "enqueue_once", "last_period", "period_before", "turn_off"]

Interval = SpendSummary.Interval

#: Time from the end of a period to its summary: requests that began in it have ended by then.
DELAY = timedelta(hours=6)


def chosen_by(user: User, account: CreditAccount) -> set[str]:
    """Return the intervals of the summaries that the user gets."""
    mine = SpendSummary.objects.filter(user=user, account=account, is_on=True)
    return set(mine.values_list("interval", flat=True))


@transaction.atomic
def choose(user: User, account: CreditAccount, choices: Mapping[str, bool], now: datetime) -> None:
    """Turn the user's summaries of these intervals on or off. The first is about the period that is running."""
    for interval, is_on in choices.items():
        if not is_on:
            SpendSummary.objects.filter(user=user, account=account, interval=interval).update(is_on=False)
            continue
        start = _start(interval, now.astimezone(user.zone).date())
        summary, created = SpendSummary.objects.get_or_create(
            user=user, account=account, interval=interval, defaults={"covered_until": start}
        )
        if not created and not summary.is_on:
            # Never back: what a summary was about is not written again.
            known = max(summary.covered_until, start)
            SpendSummary.objects.filter(pk=summary.pk).update(is_on=True, covered_until=known)


def turn_off(summary: SpendSummary) -> None:
    """End these emails. Those that are written but not sent are dropped on delivery."""
    SpendSummary.objects.filter(pk=summary.pk).update(is_on=False)


def due(now: datetime) -> QuerySet[SpendSummary]:
    """Return the summaries that may have a period to write: of active members only. `last_period` decides."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)  # no zone is further ahead
    old = SpendSummary.objects.none()
    for interval in Interval:
        old |= SpendSummary.objects.filter(interval=interval, covered_until__lt=_start(interval, tomorrow))
    members = old.filter(is_on=True, user__is_active=True, account__organisation__memberships__user=F("user"))
    return members.select_related("user", "account__organisation").order_by("pk")


def last_period(summary: SpendSummary, now: datetime) -> tuple[date, date] | None:
    """Return the first day of the last period that is over, and the day after it; None if it is written already."""
    end = _start(summary.interval, (now - DELAY).astimezone(summary.user.zone).date())
    return (period_before(summary.interval, end), end) if summary.covered_until < end else None


def period_before(interval: str, start: date) -> date:
    """Return the first day of the period before the one that starts on that day."""
    return _start(interval, start - timedelta(days=1))


def enqueue_once(summary: SpendSummary, end: date, email: tuple[str, str] | None) -> bool:
    """Store the email (subject and text) about the period before `end`, or note that there is nothing to say.

    Return whether this call did so: False if another worker did, or the summary was turned off.
    """
    with transaction.atomic():
        unwritten = SpendSummary.objects.filter(pk=summary.pk, is_on=True, covered_until__lt=end)
        if not unwritten.update(covered_until=end):
            return False
        if email:
            outbox.enqueue_summary(summary, *email)
    return True


def _start(interval: str, day: date) -> date:
    """Return the first day of the week or month of that day."""
    return day - timedelta(days=day.weekday()) if interval == Interval.WEEKLY else day.replace(day=1)
