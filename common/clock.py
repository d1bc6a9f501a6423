"""The UTC windows that limits, rollups and statistics use. Weeks start on Monday."""

from datetime import UTC, datetime, timedelta

__all__ = ["hour_of", "utc_now", "window_start"]


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def hour_of(moment: datetime) -> datetime:
    """The start of the UTC hour that holds `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def window_start(interval: str, moment: datetime) -> datetime:
    """The start of the current "daily", "weekly" or "monthly" UTC window; KeyError for another word."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "daily": day,
        "weekly": day - timedelta(days=day.weekday()),
        "monthly": day.replace(day=1),
    }[interval]
