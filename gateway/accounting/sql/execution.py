"""Executing a batch's statements: all of them in one exchange on PostgreSQL, one by one on SQLite.

PostgreSQL prepares the statements once for each connection, which takes a quarter of its work away.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakSet

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from .statements import Statement, Statements, on_postgresql, statements

__all__ = ["BoundStatement", "as_json", "fetch", "ids", "run"]

#: A statement, or a text that takes no values, and the values.
BoundStatement = tuple[Statement | str, Sequence[str]]

_POOLER_ERROR = (
    "PostgreSQL does not know this connection's prepared statements. If a connection pooler is in front of it, set "
    "DATABASE_POOLER=true."
)

#: Batches look rows up by id. PostgreSQL's planner does not know how many ids a list will hold, and would scan a whole
#: table while it is small. A generic plan is made once for all values.
_PLANNER_SETTINGS = (
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


def run(bound: Sequence[BoundStatement]) -> None:
    """Execute the statements. PostgreSQL gets all of them in one exchange.

    Raises ImproperlyConfigured when an undeclared connection pooler has separated them from their connection.
    """
    if on_postgresql():
        _exchange(bound)
    else:
        _one_by_one(bound)


def fetch(bound: Sequence[BoundStatement]) -> list[list[Any]]:
    """As `run`; returns the rows of each statement."""
    if not on_postgresql():
        return _one_by_one(bound)
    cursor = _exchange(bound)
    results = []
    while True:
        # `rownumber` is None without a result; reading `description` instead would build one.
        results.append([] if cursor.rownumber is None else cursor.fetchall())
        if not cursor.nextset():
            return results


def ids(values: Iterable[int] | Iterable[str]) -> str:
    """The value for a parameter that is a list of ids."""
    text = as_json(list(values))
    # Our ids have no character that the two formats escape differently. psycopg's own array takes ten times as long.
    return f"{{{text[1:-1]}}}" if on_postgresql() else text


def as_json(rows: Sequence[Any]) -> str:
    """The value for a parameter `rows`."""
    return msgspec.json.encode(rows).decode()


class _Session(threading.local):
    """The thread's connection and one cursor on it, reused by all batches: Django's cursor takes twice as long."""

    connection: Any = None
    cursor: Any = None


_session = _Session()

#: Connections that know the statements, and those whose planner settings outlast their transaction: a pool may lend one
#: again, to any thread.
_prepared: "WeakSet[Any]" = WeakSet()
_lasting: "WeakSet[Any]" = WeakSet()


def _exchange(bound: Sequence[BoundStatement]) -> Any:
    """Send everything to PostgreSQL at once; returns the cursor, at the first statement's result."""
    mine = connections[DEFAULT_DB_ALIAS]  # what `connection` looks up for each of its attributes
    mine.ensure_connection()
    pooler = settings.DATABASE_POOLER
    with mine.wrap_database_errors:
        try:
            if _session.connection is not mine.connection:
                _session.cursor = mine.connection.cursor()
                if pooler or _prepare(_session.cursor):
                    _session.connection = mine.connection
            text = _plain_text if pooler else _execute_text
            return _session.cursor.execute(
                "; ".join([text(statement) for statement, _ in bound]),
                [value for _, values in bound for value in values],
            )
        except (InvalidSqlStatementName, DuplicatePreparedStatement) as error:
            raise ImproperlyConfigured(_POOLER_ERROR) from error


def _prepare(cursor: Any) -> bool:
    """Prepare the statements, unless the connection knows them. Return whether the planner settings are there to stay.

    Prepared statements outlive a transaction that is rolled back, settings do not: those made inside one are made
    again outside, and plans from between are dropped.
    """
    known = connection.connection in _prepared
    if not known:
        each = [getattr(statements(), name) for name in Statements.__dataclass_fields__]
        cursor.execute("; ".join([*_PLANNER_SETTINGS, *(statement.prepare for statement in each)]))
        _prepared.add(connection.connection)
    if not connection.in_atomic_block and connection.connection not in _lasting:
        if known:
            cursor.execute("; ".join([*_PLANNER_SETTINGS, "DISCARD PLANS"]))
        _lasting.add(connection.connection)
    return connection.connection in _lasting


def _one_by_one(bound: Sequence[BoundStatement]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        return [cursor.execute(_plain_text(statement), values).fetchall() for statement, values in bound]


def _plain_text(statement: Statement | str) -> str:
    return statement if isinstance(statement, str) else statement.text


def _execute_text(statement: Statement | str) -> str:
    return statement if isinstance(statement, str) else statement.execute
