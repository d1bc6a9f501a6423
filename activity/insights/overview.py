"""Everything that the dashboard tells of its own accord."""

from dataclasses import dataclass
from typing import ClassVar

from activity.filters import Filter

from .anomalies import Anomaly, anomalies_of
from .costs import DAYS, Cost, Sessions, apps_of, sessions_of
from .forecast import Forecast, forecast_of
from .spending import spending_of

__all__ = ["Insights", "insights_of"]


@dataclass(frozen=True, slots=True)
class Insights:
    """The account's insights, whatever period the page shows."""

    forecast: Forecast | None
    anomalies: list[Anomaly]
    apps: list[Cost]
    sessions: Sessions
    app_days: ClassVar[int] = DAYS

    def __bool__(self) -> bool:
        return bool(self.forecast or self.anomalies or self.apps or self.sessions.shown)


def insights_of(view: Filter) -> Insights | None:
    """Return the account's insights; None for a view with filters, which is about a part of the account.

    They are read in two or three queries, and the names of what is unusual in two more, if anything is.
    """
    if view.conditions:
        return None
    spending = spending_of(view)
    return Insights(
        forecast_of(view, spending),
        anomalies_of(view, spending),
        apps_of(view, spending),
        sessions_of(view),
    )
