"""Usage of keys today, this week and this month."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, Sum

from billing.models import CreditAccount
from common.clock import window_start
from common.money import PicoUsd
from gateway.models import UsageHour

__all__ = ["WINDOWS", "spent_by_keys"]

#: UTC windows; weeks start on Monday.
WINDOWS = ("daily", "weekly", "monthly")


def spent_by_keys(account: CreditAccount, key_ids: Iterable[int], now: datetime) -> dict[int, dict[str, PicoUsd]]:
    """Return, by key ID, pico-USD spent in the current "daily", "weekly" and "monthly" window."""
    key_ids = list(key_ids)
    starts = {window: window_start(window, now) for window in WINDOWS}
    rows = (
        UsageHour.objects.filter(account=account, key_id__in=key_ids, hour__gte=min(starts.values()))
        .values("key_id")
        .annotate(**{window: Sum("cost", filter=Q(hour__gte=start), default=0) for window, start in starts.items()})
        .order_by()
        .values_list("key_id", *WINDOWS)
    )
    spent = {key_id: dict.fromkeys(WINDOWS, PicoUsd(0)) for key_id in key_ids}
    for key_id, *sums in rows:
        spent[key_id] = {window: PicoUsd(int(amount)) for window, amount in zip(WINDOWS, sums, strict=True)}
    return spent
