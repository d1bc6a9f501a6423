"""Django's PostgreSQL backend with a pool that recovers at once (decision 0022); the `ENGINE` of the database."""

from threading import Timer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

__all__ = ["try_again"]

#: Seconds between attempts to connect while requests wait for a connection.
RETRY_SECONDS = 0.25


def try_again(pool: "ConnectionPool[Any]") -> None:
    """Let the pool connect again soon if requests wait. A pool that has given up waits for the next request instead.

    For the option `reconnect_failed`, with a `reconnect_timeout` of 0: the pool's own pauses double each time, and
    would outlast an outage.
    """
    if pool.get_stats()["requests_waiting"]:
        again = Timer(RETRY_SECONDS, pool.check)
        again.daemon = True
        again.start()
