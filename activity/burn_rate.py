"""How fast an account spends, and how long its balance lasts at that pace."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from billing.models import CreditAccount
from common.clock import hour_of
from common.money import PicoUsd
from gateway.models import UsageHour

__all__ = ["DAYS", "BurnRate", "burn_rate"]

#: The pace is the average of so many days: a week, because working days and weekends differ.
DAYS = 7


@dataclass(frozen=True)
class BurnRate:
    """The pace of the last days, or since the first charge when that is more recent."""

    per_day: PicoUsd
    #: Whole days that the balance lasts; 0 is less than one. None without spending or without a balance.
    days_left: int | None
    #: Whether anything was ever charged.
    has_spent: bool


def burn_rate(account: CreditAccount, now: datetime) -> BurnRate:
    """The account's pace at this moment. An account younger than a day counts as one day old, or one test would
    look like a habit."""
    since = hour_of(now) - timedelta(days=DAYS)
    charged = UsageHour.objects.filter(account=account, cost__gt=0)
    spent = int(charged.filter(hour__gte=since).aggregate(sum=Sum("cost"))["sum"] or 0)
    if not spent:
        return BurnRate(PicoUsd(0), None, has_spent=account.usage > 0)
    first = charged.order_by("hour").values_list("hour", flat=True)[0]
    stretch = max(now - max(first, since), timedelta(days=1))
    per_day = PicoUsd(spent * 86_400 // int(stretch.total_seconds()))
    return BurnRate(per_day, account.balance // per_day if per_day and account.balance > 0 else None, has_spent=True)
