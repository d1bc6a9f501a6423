"""The apps and sessions that cost the most."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from activity.filters import Filter
from activity.names import app_name
from common.storage.replica import usage_connection
from gateway.models import Generation

from .spending import Spending

__all__ = ["DAYS", "NEWEST", "Cost", "Sessions", "apps_of", "sessions_of"]

MOST = 5
#: Days over which apps are added up, today included.
DAYS = 30
#: Sessions have no sums of their own: they are added up from this many of the newest requests.
NEWEST = 2000


@dataclass(frozen=True, slots=True)
class Cost:
    """One app or session: pico-USD, and the query string of its page."""

    label: str
    cost: int
    query: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """The most expensive sessions. `since` is the oldest request that was read; None if fewer than `NEWEST` were."""

    shown: list[Cost]
    since: datetime | None


def apps_of(view: Filter, spending: Spending) -> list[Cost]:
    """Return the apps that cost the most in the last 30 days, largest first."""
    costs = Counter(
        {
            str(app): sum(cost for age, cost in days.items() if age < DAYS)
            for app, days in spending.by["app"].items()
            if app
        }
    )
    return [Cost(app_name(app), cost, view.query(app=app, period="")) for app, cost in _largest(costs)]


def sessions_of(view: Filter) -> Sessions:
    """Return the sessions that cost the most among the newest requests, largest first. Reads so many, by index."""
    newest = Generation.objects.filter(account=view.account).order_by("-created_at", "-id")
    inner, parameters = newest.values_list("session_id", "cost", "created_at")[:NEWEST].query.sql_with_params()
    with usage_connection().cursor() as cursor:
        cursor.execute(
            f"SELECT session_id, SUM(cost), COUNT(*), MIN(created_at) FROM ({inner}) AS newest GROUP BY session_id",  # noqa: S608 our own
            parameters,
        )
        rows = cursor.fetchall()
    costs = Counter({str(session_id): int(cost) for session_id, cost, _, _ in rows if session_id})
    since = None
    if sum(row[2] for row in rows) == NEWEST:
        oldest = min(row[3] for row in rows)
        if isinstance(oldest, str):  # from SQLite
            oldest = datetime.fromisoformat(oldest).replace(tzinfo=UTC)
        since = oldest
    return Sessions([Cost(name, cost, urlencode({"session_id": name})) for name, cost in _largest(costs)], since)


def _largest(costs: Counter[str]) -> list[tuple[str, int]]:
    ordered = sorted(costs.items(), key=lambda each: (-each[1], each[0]))
    return [(name, cost) for name, cost in ordered if cost][:MOST]
