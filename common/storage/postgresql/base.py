"""Django's PostgreSQL backend for a pool: it lends no broken connection, and survives a fork (decision 0022).

Its sessions do not compile queries (`jit`). PostgreSQL compiles what it takes for a large query, and is often wrong
about tables that grow: on a young ledger, compiling took seconds of queries that run for milliseconds.
"""

import os
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql import base

from .times import adapters

__all__ = ["DatabaseWrapper"]


class DatabaseWrapper(base.DatabaseWrapper):
    """Lends only connections that the server has not closed."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a new connection needs, with our own loader of times."""
        return super().get_connection_params() | {"context": adapters(settings.USE_TZ, self.timezone)}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection of the pool, or a new one without a pool.

        Raises OperationalError if there is none within the pool's timeout. The pool's own check costs an exchange with
        the server, and pauses a second for each broken connection.
        """
        while True:
            connection = super().get_new_connection(conn_params)
            if not self.pool or not is_closed_by_server(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)  # is replaced in the background

    def _configure_connection(self, connection: "psycopg.Connection[Any]") -> bool:
        """Set up a new connection; return whether that is to be committed."""
        needs_commit: bool = super()._configure_connection(connection)  # type: ignore[misc]
        if settings.DATABASE_POOLER:  # its sessions are set up by the pooler
            return needs_commit
        connection.execute("SET jit = off")
        return True

    def close_for_good(self) -> None:
        """Close the connection instead of returning it to the pool: its session has settings of its own."""
        if self.connection is not None and not self.in_atomic_block:
            self.connection.close()
        self.close()


def is_closed_by_server(connection: "psycopg.Connection[Any]") -> bool:
    """Return whether the server has closed an idle connection. Looks at the socket, without an exchange."""
    pgconn = connection.pgconn
    try:
        pgconn.consume_input()  # a farewell message, perhaps
        pgconn.consume_input()  # the end of the stream
    except psycopg.OperationalError:
        return True
    return pgconn.status != psycopg.pq.ConnStatus.OK


#: Pools and connections of the parent process. They are kept: deleting a pool waits for its threads.
_inherited: list[object] = []


def _start_afresh() -> None:
    """Leave the parent's connections alone: a forked process shares their sockets, and lacks the pools' threads."""
    _inherited.append(base.DatabaseWrapper._connection_pools)  # type: ignore[attr-defined]
    base.DatabaseWrapper._connection_pools = {}  # type: ignore[attr-defined]
    for wrapper in connections.all(initialized_only=True):
        if isinstance(wrapper, DatabaseWrapper):
            _inherited.append(wrapper.connection)
            wrapper.connection = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
