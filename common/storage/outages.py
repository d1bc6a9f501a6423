"""Errors that mean "the database or Redis is away for the moment", and the answer to a request that meets one."""

import sqlite3

import redis
from django.db import Error as AnyDatabaseError
from django.db import InterfaceError, OperationalError

from common.errors import ServiceUnavailable

__all__ = ["STORE_ERRORS", "outage_of"]

#: Everything that the database and Redis raise: outages and faults of ours.
STORE_ERRORS = (AnyDatabaseError, redis.exceptions.RedisError)


_REDIS_ERRORS = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
)
#: Classes of PostgreSQL's error codes: the connection failed, resources (connections, disk, memory) ran out, and an
#: operator or a crash stopped the server.
_SQLSTATE_CLASSES = ("08", "53", "57P")
#: After a failover, an old connection leads to a server that only reads.
_READ_ONLY_SERVER = "25006"


def outage_of(error: BaseException | None) -> ServiceUnavailable | None:
    """Return the 503 that reports this error, or None if the error is no outage."""
    if isinstance(error, ServiceUnavailable):
        return error
    return ServiceUnavailable() if isinstance(error, _REDIS_ERRORS) or _is_database_outage(error) else None


def _is_database_outage(error: BaseException | None) -> bool:
    if not isinstance(error, AnyDatabaseError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL}
    if (code := getattr(cause, "sqlstate", None)) is None:
        # The connection broke, or there was none: no server to give a code.
        return isinstance(error, InterfaceError | OperationalError)
    return str(code).startswith(_SQLSTATE_CLASSES) or code == _READ_ONLY_SERVER
