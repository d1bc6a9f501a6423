"""Usage of keys today, this week and this month."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from billing.models import CreditAccount
from common.clock import window_start
from common.money import PicoUsd
from gateway.models.usage import SUMS

from . import rollups
from .rollups import Stretch

__all__ = ["WINDOWS", "spent_by_keys"]

#: UTC windows; weeks start on Monday.
WINDOWS = ("daily", "weekly", "monthly")
_COST = SUMS.index("cost")


def spent_by_keys(account: CreditAccount, key_ids: Iterable[int], now: datetime) -> dict[int, dict[str, PicoUsd]]:
    """Return, by key ID, pico-USD spent in the current "daily", "weekly" and "monthly" window."""
    key_ids = list(key_ids)
    starts = {window: window_start(window, now) for window in WINDOWS}
    edges = [*sorted(set(starts.values())), now + timedelta(hours=1)]
    spent = {key_id: dict.fromkeys(WINDOWS, PicoUsd(0)) for key_id in key_ids}
    until = rollups.rolled_until(account)
    rows = rollups.sums_by(Stretch(account, edges, "day"), until, "key_id", key_id__in=key_ids)
    for day, (key_id,), sums in rows:
        for window, start in starts.items():
            if day >= start:
                spent[key_id][window] = PicoUsd(spent[key_id][window] + sums[_COST])
    return spent
