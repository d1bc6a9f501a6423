"""The clock's look at spend limits: those of keys and members and budgets of guardrails, nearly or wholly used.

Settlement does nothing for it. The queries prefer rows that have used 80%; `billing.notifications.alerts` decides.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.urls import reverse

from accounts.models import LimitReset, Membership
from billing import spending
from billing.notifications import alerts
from billing.notifications.alerts import Limited
from billing.notifications.choices import Kind
from common.clock import utc_now, window_start
from common.telemetry.jobs import Parts
from guardrails.models import Assignment
from keys.models import ApiKey

__all__ = ["alert_all"]

logger = logging.getLogger(__name__)

#: A key that has not been used for this long is left out: what it used was told then.
LOOK_BACK = timedelta(days=2)
#: Rows that are read at once.
CHUNK = 200


def alert_all() -> int:
    """Store the emails about limits that are nearly or wholly used, each once. Return the number of limits.

    A failure does not keep the others from their emails. Raises JobFailed at the end.
    """
    now, parts = utc_now(), Parts(logger)
    sent = (
        _each(_keys(now), lambda key: _alert_key(key, now), parts)
        + _each(_members(now), lambda member: _alert_member(member, now), parts)
        + _each(_budgets(now), lambda budget: _alert_budget(budget, now), parts)
    )
    parts.end()
    return sent


def _keys(now: datetime) -> "Iterable[ApiKey]":
    used = ApiKey.objects.filter(limit__gt=0, deleted_at=None, disabled=False, last_used_at__gte=now - LOOK_BACK)
    keys = used.filter(_nearly_used(now, limit="limit", usage="usage"))
    return keys.select_related("organisation").order_by("pk").iterator(CHUNK)


def _members(now: datetime) -> "Iterable[Membership]":
    limited = Membership.objects.filter(spend_limit__gt=0, user__is_active=True)
    members = limited.filter(_nearly_used(now, limit="spend_limit", usage="window_usage"))
    return members.select_related("organisation", "user").order_by("pk").iterator(CHUNK)


def _budgets(now: datetime) -> "Iterable[Assignment]":
    limited = Assignment.objects.filter(guardrail__limit__gt=0, key__deleted_at=None)
    used = _nearly_used(now, limit="guardrail__limit", usage="window_usage", reset="guardrail__limit_reset")
    assigned = limited.filter(used).select_related("organisation", "guardrail", "key", "user")
    return assigned.order_by("pk").iterator(CHUNK)


def _nearly_used(now: datetime, *, limit: str, usage: str, reset: str = "limit_reset") -> Q:
    """Return the condition of rows that have used 80% of their limit; rounding lets a few more through."""
    enough = F(limit) / 5 * 4  # divided first: a product could leave the column's range
    found = Q(**{reset: "", f"{usage}__gte": enough})
    for each in LimitReset.values:
        start = window_start(each, now)
        found |= Q(**{reset: each}, window_started_at__gte=start, window_usage__gte=enough)
    return found


def _alert_key(key: ApiKey, now: datetime) -> bool:
    limited = Limited(
        kind=Kind.KEY_LIMIT,
        subject=f"key:{key.pk}",
        name=f"API key {key.name}",
        path=reverse("keys:key", args=[key.hash]),
        members=(key.created_by_id,) if key.created_by_id else (),
    )
    return alerts.alert_limit(spending.account_of(key.organisation), limited, key, now)


def _alert_member(member: Membership, now: datetime) -> bool:
    limited = Limited(
        kind=Kind.BUDGET,
        subject=f"member:{member.pk}",
        name=member.user.email,
        path=reverse("accounts:organization"),
        members=(member.user_id,),
    )
    return alerts.alert_limit(spending.account_of(member.organisation), limited, member, now)


def _alert_budget(budget: Assignment, now: datetime) -> bool:
    member = budget.key.created_by_id if budget.key else budget.user_id
    whose = f"API key {budget.key.name}" if budget.key else str(budget.user)
    limited = Limited(
        kind=Kind.BUDGET,
        subject=f"guardrail:{budget.pk}",
        name=f"Guardrail {budget.guardrail.name}, {whose}",
        path=reverse("guardrails:guardrail", args=[budget.guardrail.public_id]),
        members=(member,) if member else (),
    )
    return alerts.alert_limit(spending.account_of(budget.organisation), limited, budget, now)


def _each(rows: Iterable[object], alert: Callable[..., bool], parts: Parts) -> int:
    sent = 0
    for row in rows:
        with parts.part("alert about the limit of %r not written, next try in a minute", row):
            sent += alert(row)
    return sent
