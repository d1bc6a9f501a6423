"""Watching the site: the worker, every minute, and the web processes, which watch the worker."""

import logging
import threading
from datetime import datetime

from django.db import connection

from billing.credits.reconciliation import Fault
from common.clock import monotonic

from . import checks, incidents

__all__ = ["Watch", "ledger_checked", "watch_all", "watch_worker"]

log = logging.getLogger(__name__)


def watch_all() -> None:
    """Report what is wrong and send the emails about it. Runs in the worker."""
    incidents.report("provider", checks.providers())
    incidents.report("webhooks", checks.webhooks())
    watch_worker()


def watch_worker() -> None:
    """Report whether the worker lives, and send the emails that are due."""
    incidents.report("worker", checks.worker())
    incidents.deliver()


def ledger_checked(faults: list[Fault]) -> None:
    """Report the result of a reconciliation."""
    incidents.report("ledger", checks.ledger(faults))


class Watch:
    """Runs `watch_worker` about every minute in a web process, on a thread: a mail server may be slow."""

    SECONDS = 60.0

    def __init__(self) -> None:
        self._next = monotonic() + self.SECONDS
        self._running = threading.Lock()

    def beat(self, process_id: str, now: datetime) -> None:
        """Called with every heartbeat of the process."""
        if monotonic() >= self._next and self._running.acquire(blocking=False):
            self._next = monotonic() + self.SECONDS
            threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        try:
            watch_worker()
        except Exception as error:
            log.warning("the worker could not be watched: %s", type(error).__name__)
        finally:
            connection.close()
            self._running.release()
