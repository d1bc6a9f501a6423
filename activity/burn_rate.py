"""The rate at which an account spends, and the days its balance lasts at that rate."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.models import CreditAccount
from common.clock import hour_of
from common.money import PicoUsd
from gateway.models import UsageHour

from .sums import rollups
from .sums.rollups import Stretch

__all__ = ["DAYS", "BurnRate", "burn_rate"]

#: Days averaged for the rate: a week, because working days and weekends differ.
DAYS = 7


@dataclass(frozen=True)
class BurnRate:
    """The average rate of the last days, or since the first charge if that is more recent."""

    per_day: PicoUsd
    #: Whole days that the balance lasts; 0 means less than one. None without spending or balance.
    days_left: int | None
    #: Whether the account was ever charged.
    has_spent: bool


def burn_rate(account: CreditAccount, now: datetime) -> BurnRate:
    """Return the account's current rate. An account younger than a day counts as one day old, so that a single
    test does not look like a daily expense."""
    since = hour_of(now) - timedelta(days=DAYS)
    week = Stretch.whole(account, since, now + timedelta(hours=1))
    spent = sum(cost for _, _, (cost,) in rollups.sums_by(week, rollups.rolled_until(account), ("cost",)))
    if not spent:
        return BurnRate(PicoUsd(0), None, has_spent=account.usage > 0)
    first = since
    if account.usage <= spent:  # nothing was charged before
        charged = UsageHour.objects.filter(account=account, hour__gte=since, cost__gt=0)
        first = charged.order_by("hour").values_list("hour", flat=True)[0]
    stretch = max(now - first, timedelta(days=1))
    per_day = PicoUsd(spent * 86_400 // int(stretch.total_seconds()))
    return BurnRate(per_day, account.balance // per_day if per_day and account.balance > 0 else None, has_spent=True)
