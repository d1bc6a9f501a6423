"""Errors of the database and Redis: those that pass are outages, faults of ours are not."""

import sqlite3

import psycopg
import pytest
import redis
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError
from psycopg_pool import PoolTimeout

from common.errors import NotFound, ServiceUnavailable
from common.storage.outages import outage_of


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def busy(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


OUTAGES = {
    "no free connection": caused(OperationalError(), PoolTimeout("couldn't get a connection")),
    "no server": caused(OperationalError(), psycopg.OperationalError("connection refused")),
    "lost connection": caused(OperationalError(), psycopg.OperationalError("server closed the connection")),
    "closed connection": caused(InterfaceError(), psycopg.InterfaceError("connection already closed")),
    "too many connections": caused(OperationalError(), psycopg.errors.TooManyConnections()),
    "stopped by an operator": caused(OperationalError(), psycopg.errors.AdminShutdown()),
    "starting": caused(OperationalError(), psycopg.errors.CannotConnectNow()),
    "full disk": caused(OperationalError(), psycopg.errors.DiskFull()),
    "a standby after a failover": caused(InternalError(), psycopg.errors.ReadOnlySqlTransaction()),
    "busy SQLite": caused(OperationalError(), busy(sqlite3.SQLITE_BUSY_SNAPSHOT)),
    "no Redis": redis.exceptions.ConnectionError(),
    "loading Redis": redis.exceptions.BusyLoadingError(),
    "silent Redis": redis.exceptions.TimeoutError(),
    "no free thread": ServiceUnavailable(),
}

FAULTS = {
    "deadlock": caused(OperationalError(), psycopg.errors.DeadlockDetected()),
    "no such table": caused(ProgrammingError(), psycopg.errors.UndefinedTable()),
    "no such table in SQLite": caused(OperationalError(), busy(sqlite3.SQLITE_ERROR)),
    "twice": caused(IntegrityError(), psycopg.errors.UniqueViolation()),
    "too long": caused(DataError(), psycopg.errors.StringDataRightTruncation()),
    "wrong use of Redis": redis.exceptions.ResponseError(),
    "anything else": ValueError(),
    "an error of the API": NotFound("x"),
}


@pytest.mark.parametrize("error", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_is_answered_with_503_and_when_to_try_again(error):
    answer = outage_of(error)
    assert answer is not None
    assert answer.envelope()["error"]["code"] == 503
    assert answer.headers == {"Retry-After": "5"}


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_no_outage(error):
    assert outage_of(error) is None
