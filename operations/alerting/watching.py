"""Watching the site: a worker does, every minute, and so do the web processes, which watch the workers."""

import logging
import threading
from datetime import datetime

from django.db import connection

from billing.credits.reconciliation import Fault
from common.clock import monotonic, utc_now

from . import checks, incidents

__all__ = ["Watch", "ledger_checked", "watch_all", "watch_workers"]

log = logging.getLogger(__name__)


def watch_all() -> None:
    """Report what is wrong and send the emails about it. Runs in a worker.

    Of workers it reports only that they live again: it may run before the first heartbeats after a stop of the site.
    """
    incidents.report("provider", checks.providers())
    incidents.report("webhooks", checks.webhooks())
    watch_workers(utc_now())


def watch_workers(watched_since: datetime) -> None:
    """Report whether workers live, take every queue and do the clock's tasks, and send the emails that are due."""
    incidents.report("worker", checks.worker(watched_since))
    incidents.report("queue", checks.queues(watched_since))
    incidents.report("task", checks.tasks())
    incidents.deliver()


def ledger_checked(faults: list[Fault]) -> None:
    """Report the result of a reconciliation."""
    incidents.report("ledger", checks.ledger(faults))


class Watch:
    """Runs `watch_workers` about every minute in a web process, on a thread: a mail server may be slow."""

    SECONDS = 60.0

    def __init__(self) -> None:
        self._since = utc_now()
        self._next = monotonic() + self.SECONDS
        self._running = threading.Lock()

    def beat(self, process_id: str, now: datetime) -> None:
        """Called with every heartbeat of the process."""
        if monotonic() >= self._next and self._running.acquire(blocking=False):
            self._next = monotonic() + self.SECONDS
            threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        try:
            watch_workers(self._since)
        except Exception as error:
            log.warning("the workers could not be watched: %s", type(error).__name__)
        finally:
            connection.close()
            self._running.release()
