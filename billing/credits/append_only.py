"""Database triggers that refuse to update or delete ledger entries, on SQLite and PostgreSQL.

They also stop faulty Python code, manual SQL and careless migrations.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["disabled", "install", "remove"]

_TABLE = "billing_ledgerentry"
_REFUSAL = "ledger entries are never changed or deleted: write a new entry"

_INSTALL = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS ledger_no_{verb} BEFORE {verb} ON {_TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION billing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        f"CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {_TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_is_append_only()",
    ],
}
_REMOVE = {
    "sqlite": [f"DROP TRIGGER IF EXISTS ledger_no_{verb}" for verb in ("UPDATE", "DELETE")],
    "postgresql": [f"DROP TRIGGER IF EXISTS ledger_no_change ON {_TABLE}"],
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers unless they exist. NotSupportedError for other databases."""
    _run(_INSTALL, connection)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers, to undo the migration."""
    _run(_REMOVE, connection)


@contextmanager
def disabled(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Drop the triggers for the duration of a `with` block. Only for emptying a whole database."""
    if _TABLE not in connection.introspection.table_names():
        yield
        return
    remove(connection)
    try:
        yield
    finally:
        install(connection)


def _run(statements: dict[str, list[str]], connection: BaseDatabaseWrapper) -> None:
    if connection.vendor not in statements:
        raise NotSupportedError(f"The ledger needs PostgreSQL or SQLite, not {connection.vendor}.")
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
