"""Whether every queue of tasks has a living worker, from the heartbeats that the clock sends through each of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from common.clock import utc_now
from operations.models import Heartbeat

__all__ = ["SILENT_AFTER", "last_seen", "silent", "worker_command"]

#: Heartbeats come every 30 seconds.
SILENT_AFTER = timedelta(minutes=2)


def last_seen() -> dict[str, datetime | None]:
    """Return for each queue of the settings when its last heartbeat was done; None if none ever was."""
    rows = dict(Heartbeat.objects.values_list("name", "seen_at"))
    return {queue: rows.get(queue) for queue in settings.QUEUES}


def silent() -> list[str]:
    """Return the queues without a recent heartbeat, in the order of the settings."""
    since = utc_now() - SILENT_AFTER
    return [queue for queue, seen in last_seen().items() if seen is None or seen < since]


def worker_command(queues: Iterable[str]) -> str:
    """Return the command that starts a worker for these queues."""
    return f"celery -A openrouter_site worker -Q {','.join(queues)}"
