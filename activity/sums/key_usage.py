"""Usage of keys today, this week and this month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.models import CreditAccount
from common.clock import window_start
from common.money import PicoUsd

from . import rollups
from .rollups import Stretch

__all__ = ["WINDOWS", "Spent", "spent_by_keys"]

#: UTC windows; weeks start on Monday.
WINDOWS = ("daily", "weekly", "monthly")

_NOTHING = PicoUsd(0)


@dataclass(slots=True)
class Spent:
    """pico-USD that a key has spent in a window, and the list prices of its requests on own provider keys."""

    usage: PicoUsd = _NOTHING
    byok_usage: PicoUsd = _NOTHING


def spent_by_keys(account: CreditAccount, key_ids: Iterable[int], now: datetime) -> dict[int, dict[str, Spent]]:
    """Return, by key ID, what was spent in the current "daily", "weekly" and "monthly" window."""
    key_ids = list(key_ids)
    starts = {window: window_start(window, now) for window in WINDOWS}
    edges = [*sorted(set(starts.values())), now + timedelta(hours=1)]
    spent = {key_id: {window: Spent() for window in WINDOWS} for key_id in key_ids}
    until = rollups.rolled_until(account)
    days = Stretch(account, edges, "day")
    rows = rollups.sums_by(days, until, ("cost", "byok_cost"), "key_id", key_id__in=key_ids)
    for day, (key_id,), (cost, byok_cost) in rows:
        for window, start in starts.items():
            if day >= start:
                of_window = spent[key_id][window]
                of_window.usage = PicoUsd(of_window.usage + cost)
                of_window.byok_usage = PicoUsd(of_window.byok_usage + byok_cost)
    return spent
