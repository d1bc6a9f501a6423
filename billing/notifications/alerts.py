"""Alerts that are sent once: spend limits at 80% and 100%, and models that retire.

The clock finds what is due and calls `alert_limit` or `alert_retiring`, as often as it likes and from any number of
processes: `SentAlert` remembers the last step of each subject in the transaction that stores the emails.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from billing.models import CreditAccount, SentAlert
from common.clock import window_start
from common.limits import spend_limits
from common.limits.spend_limits import LimitColumns

from . import emails
from .emails import Limited, Retiring

__all__ = ["NOTICE_TIMES", "Limited", "Retiring", "alert_limit", "alert_retiring", "step_of"]

#: The times before a model retires at which its users are told.
NOTICE_TIMES = (timedelta(days=30), timedelta(days=7))


def step_of(row: LimitColumns, now: datetime) -> int:
    """Return 100, 80 or 0: how much of its limit a row has used.

    The last half percent counts as used: what is left rarely covers a request, so usage seldom ends at the limit.
    """
    if not row.limit:
        return 0
    per_mille = spend_limits.counted(row, now) * 1000 // row.limit
    return 100 if per_mille >= 995 else 80 if per_mille >= 800 else 0


def alert_limit(account: CreditAccount, limited: Limited, row: LimitColumns, now: datetime) -> bool:
    """Email about a limit that is nearly or wholly used. Return whether this call did so.

    Each step is told once in each window of the limit. Another limit, and a new window, count anew.
    """
    if not (step := step_of(row, now)):
        return False
    start = window_start(row.limit_reset, now) if row.limit_reset else row.window_started_at
    with transaction.atomic():
        if not _claim(account, limited.subject, f"{row.limit} {row.limit_reset} {start or ''}", step):
            return False
        emails.limit_reached(account, limited, row, step, now)
    return True


def alert_retiring(account: CreditAccount, users: Mapping[Retiring, Collection[int]], today: date) -> bool:
    """Email about models that retire, to the admins and to the users of each. Return whether this call did so.

    Each model is told once at each of `NOTICE_TIMES`. Another date counts anew.
    """
    with transaction.atomic():
        new = [
            model
            for model in sorted(users, key=lambda each: (each.day, each.id))
            if (step := sum(model.day - today <= time for time in NOTICE_TIMES))
            and _claim(account, f"model:{model.id}", model.day.isoformat(), step)
        ]
        if new:
            emails.models_retire(account, new, {user for model in new for user in users[model]})
    return bool(new)


def _claim(account: CreditAccount, subject: str, round_: str, step: int) -> bool:
    """Return whether the step is still to be told; then this transaction tells it."""
    row, created = SentAlert.objects.get_or_create(
        account=account, subject=subject, defaults={"round": round_, "step": step}
    )
    if created:
        return True
    told = Q(round=round_, step__gte=step)
    return bool(SentAlert.objects.filter(pk=row.pk).exclude(told).update(round=round_, step=step))
