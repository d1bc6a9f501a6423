"""One web process where there is no Redis, however it was started.

Each web process claims the site when it starts; a second one waits, in case the first is stopping, and then refuses.
On PostgreSQL the claim is an advisory lock, which processes on other machines see too; else it is a lock on a file in
DATA_DIR. The server or the kernel releases either when the process ends, also after `kill -9`.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import platform
import time
from typing import IO, Any, Protocol

import psycopg
from django.conf import settings
from django.db import connection

from openrouter_site.env import SettingsError
from openrouter_site.production import SEVERAL_PROCESSES

__all__ = ["Claim"]

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
#: How often the claim is renewed: a restart of PostgreSQL drops it.
RENEWAL_SECONDS = 15.0


class Lock(Protocol):
    """A lock that ends with the process."""

    async def take(self) -> str | None:
        """Take or keep it. Return None, or the name of the process that has it."""

    async def release(self) -> None:
        """Give it up."""


class Claim:
    """This process's claim to be the only web process."""

    def __init__(self) -> None:
        self._lock: Lock | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Claim the site, unless Redis connects its processes.

        Raises SettingsError if another process keeps its claim: at once if one server started both as its workers,
        else after the time that a stopping process may take.
        """
        if settings.REDIS_URL:
            return
        on_server = connection.vendor == "postgresql" and not settings.DATABASE_POOLER
        self._lock = PostgresqlLock() if on_server else FileLock()
        # A stopping process may take as long for its responses as for settling them.
        deadline = time.monotonic() + (5 if settings.DEBUG else 2 * settings.SHUTDOWN_SECONDS + 10)
        announced = False
        while holder := await self._lock.take():
            if _is_sibling(holder) or time.monotonic() > deadline:
                raise SettingsError(f"Another web process runs without REDIS_URL ({holder}): {SEVERAL_PROCESSES}")
            if not announced:
                log.warning("Another web process runs (%s). Waiting for it to stop, because there is no Redis.", holder)
                announced = True
            await asyncio.sleep(POLL_SECONDS)
        self._renewal = asyncio.create_task(self._renew(self._lock))

    async def release(self) -> None:
        """Give the claim up."""
        if self._renewal:
            self._renewal.cancel()
        if self._lock:
            await self._lock.release()

    async def _renew(self, lock: Lock) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            if holder := await lock.take():
                log.error("A second web process runs without REDIS_URL (%s): %s", holder, SEVERAL_PROCESSES)


class FileLock:
    """A lock on a file in DATA_DIR that holds the name of its process."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    async def take(self) -> str | None:
        try:
            import fcntl
        except ImportError:  # Windows: for trying the site only
            return None
        if self._file is None:
            self._file = (settings.DATA_DIR / "web-process.lock").open("a+")
        try:
            # Of the process, not of the file's descriptor: a child process does not inherit it.
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            return self._file.read() or "just started"
        self._file.truncate(0)
        self._file.write(_own_name())
        self._file.flush()
        return None

    async def release(self) -> None:
        if self._file:
            self._file.close()


class PostgresqlLock:
    """An advisory lock of a connection whose name is the process's."""

    #: Any number that no other program uses for a lock in this database.
    KEY = 0x0A170C4E_57E8C1A1
    HOLDER = """
        SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    # The server notices within 25 seconds that this machine is gone; a process that ends is noticed at once.
    KEEPALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._is_held = False

    async def take(self) -> str | None:
        try:
            if self._is_held and await self._is_alive():
                return None
            return await self._try()
        except psycopg.Error as error:
            # The site still starts: it answers 503 until the database is back, and then claims it.
            reason = str(error).partition("\n")[0]
            log.warning("The database cannot be asked for other web processes: %s", reason)
            return None

    async def release(self) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(psycopg.Error):  # the lock is gone with the connection
            # Closing alone would release it too, but only when the server notices.
            await self._connection.execute("SELECT pg_advisory_unlock_all()")
        await self._connection.close()

    async def _is_alive(self) -> bool:
        assert self._connection
        try:
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            await self._connection.close()
            self._connection, self._is_held = None, False
        return self._is_held

    async def _try(self) -> str | None:
        if self._connection is None or self._connection.broken:
            parameters = connection.get_connection_params()
            for name in ("cursor_factory", "context", "prepare_threshold"):
                parameters.pop(name, None)
            parameters |= {"application_name": _own_name(), "connect_timeout": 5, "autocommit": True}
            self._connection = await psycopg.AsyncConnection.connect(**parameters)
            await self._connection.execute(self.KEEPALIVE)
        row = await (await self._connection.execute("SELECT pg_try_advisory_lock(%s)", [self.KEY])).fetchone()
        if row and row[0]:
            self._is_held = True
            return None
        halves = [self.KEY >> 32, self.KEY & 0xFFFFFFFF]
        holder = await (await self._connection.execute(self.HOLDER, halves)).fetchone()
        return str(holder[0]) if holder else "just started"


def _own_name() -> str:
    """Return the name of this process for the others, at most 63 characters."""
    return f"process {os.getpid()}{_worker_of()}"


def _worker_of() -> str:
    """Return the end of the names of all workers of the same server."""
    server = multiprocessing.parent_process()
    return f" on {platform.node()[:20]}" + (f", worker of {server.pid}" if server else "")


def _is_sibling(holder: str) -> bool:
    return multiprocessing.parent_process() is not None and holder.endswith(_worker_of())
