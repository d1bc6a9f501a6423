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

from .session import Session
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
    return _exchange(bound, reads=True) if on_postgresql() else _one_by_one(bound)


def ids(values: Iterable[int] | Iterable[str]) -> str:
    """The value for a parameter that is a list of ids."""
    text = as_json(list(values))
    # Our ids have no character that the two formats escape differently. psycopg's own array takes ten times as long.
    return f"{{{text[1:-1]}}}" if on_postgresql() else text


def as_json(rows: Sequence[Any]) -> str:
    """The value for a parameter `rows`."""
    return msgspec.json.encode(rows).decode()


class _Thread(threading.local):
    """The thread's database, which Django looks up anew for each use of its `connection`, and its session there."""

    def __init__(self) -> None:
        self.database: Any = connections[DEFAULT_DB_ALIAS]
        self.session: Session | None = None


_thread = _Thread()

#: Connections that know the statements, and those whose planner settings outlast their transaction: a pool may lend one
#: again, to any thread.
_prepared: "WeakSet[Any]" = WeakSet()
_lasting: "WeakSet[Any]" = WeakSet()


def _exchange(bound: Sequence[BoundStatement], *, reads: bool = False) -> list[list[Any]]:
    """Send everything to PostgreSQL at once; returns the rows of each statement if it `reads`."""
    database, session = _thread.database, _thread.session
    database.ensure_connection()
    pooler = settings.DATABASE_POOLER
    with database.wrap_database_errors:
        try:
            if session is None or session.connection is not database.connection:
                session = Session(database.connection)
                lasts = pooler or _prepare(session, database.in_atomic_block)
                _thread.session = session if lasts else None
            texts = [
                statement if isinstance(statement, str) else statement.text if pooler else statement.execute
                for statement, _ in bound
            ]
            results = session.exchange("; ".join(texts), [value for _, values in bound for value in values])
        except (InvalidSqlStatementName, DuplicatePreparedStatement) as error:
            raise ImproperlyConfigured(_POOLER_ERROR) from error
    return [session.rows(result) for result in results] if reads else []


def _prepare(session: Session, in_transaction: bool) -> bool:
    """Prepare the statements, unless the connection knows them. Return whether the planner settings are there to stay.

    Prepared statements outlive a transaction that is rolled back, settings do not: those made inside one are made
    again outside, and plans from between are dropped.
    """
    connection = session.connection
    known = connection in _prepared
    if not known:
        each = [getattr(statements(), name) for name in Statements.__dataclass_fields__]
        session.exchange("; ".join([*_PLANNER_SETTINGS, *(statement.prepare for statement in each)]), [])
        _prepared.add(connection)
    if not in_transaction and connection not in _lasting:
        if known:
            session.exchange("; ".join([*_PLANNER_SETTINGS, "DISCARD PLANS"]), [])
        _lasting.add(connection)
    return connection in _lasting


def _one_by_one(bound: Sequence[BoundStatement]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        return [
            cursor.execute(statement if isinstance(statement, str) else statement.text, values).fetchall()
            for statement, values in bound
        ]
