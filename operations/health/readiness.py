"""Whether this process can serve: the state of the database, its migrations, Redis and the workers.

The checks run on threads of their own and may hang, as a database does whose host is gone. The answer comes in time all
the same: what has not been found out by then is a "timeout". A hanging check is not started a second time.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from django.conf import settings
from django.db import connection

from common.clock import monotonic
from common.storage import database, redis_servers

from . import queues

__all__ = ["TIMEOUT_SECONDS", "Check", "Readiness"]

log = logging.getLogger(__name__)

#: Seconds after which the answer is given without what is still unknown...
TIMEOUT_SECONDS = 2.0
#: ...and seconds during which an answer is given again.
FRESH_SECONDS = 1.0

Parts = dict[str, str]


class Check:
    """A check of one or several parts. `function` returns their states, and may fail or hang."""

    def __init__(self, function: Callable[[], Parts], parts: tuple[str, ...], seconds: float = TIMEOUT_SECONDS) -> None:
        self._seconds = seconds
        self._function = function
        self._parts = parts
        self._lock = threading.Lock()
        self._running: Future[Parts] | None = None
        self._known: tuple[float, Parts] | None = None

    async def states(self) -> Parts:
        """Return the state of each part, in time."""
        with self._lock:
            if self._known and monotonic() - self._known[0] < FRESH_SECONDS:
                return self._known[1]
            if self._running is None:
                self._running = Future()
                threading.Thread(target=self._run, args=(self._running,), name="readiness", daemon=True).start()
            running = self._running
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(asyncio.wrap_future(running))
        except TimeoutError:
            return self._all("timeout")

    def _run(self, running: "Future[Parts]") -> None:
        try:
            states = self._function()
        except Exception as error:
            log.warning("not ready: %s: %s", self._parts[0], type(error).__name__)
            states = self._all("unknown") | {self._parts[0]: "failed"}
        finally:
            connection.close()
        with self._lock:
            self._known, self._running = (monotonic(), states), None
        running.set_result(states)

    def _all(self, state: str) -> Parts:
        return dict.fromkeys(self._parts, state)


class Readiness:
    """The checks of this process."""

    def __init__(self) -> None:
        self._migrated = False
        self._redis: Any = None
        self._checks = (
            Check(self._database, ("database", "migrations", "worker")),
            Check(self._ping_redis, ("redis",)),
        )

    async def parts(self) -> Parts:
        """Return the state of each part: "ok", "unused", "pending", "failed", "timeout" or "unknown".

        The worker's names the queues that none takes: "silent: mail, usage".
        """
        found = await asyncio.gather(*(check.states() for check in self._checks))
        return {name: state for states in found for name, state in states.items()}

    def _database(self) -> Parts:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        if not self._migrated:  # afterwards they stay
            self._migrated = not database.pending_migrations()
        if not self._migrated:
            return {"database": "ok", "migrations": "pending", "worker": "unknown"}
        return {"database": "ok", "migrations": "ok", "worker": _worker()}

    def _ping_redis(self) -> Parts:
        if not settings.REDIS_URL:
            return {"redis": "unused"}
        if self._redis is None:
            self._redis = redis_servers.client(settings.REDIS_URL, socket_timeout=1.5, socket_connect_timeout=1.5)
        self._redis.ping()
        return {"redis": "ok"}


def _worker() -> str:
    silent = queues.silent()
    return f"silent: {', '.join(silent)}" if silent else "ok"
