"""Empty the database after a test that commits, in a tenth of the time that Django takes."""

from functools import cache

from django.db import connection, transaction
from django.test import TransactionTestCase

from billing.credits import append_only
from billing.models import LedgerEntry

#: Constant tables. Django empties them too, then creates their rows again for every model.
KEPT = {"auth_permission", "django_content_type"}


@cache
def tables() -> list[str]:
    """Return the names of the tables to empty."""
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def empty(_: TransactionTestCase) -> None:
    """Delete all rows. Replaces `TransactionTestCase._fixture_teardown`."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql" and _is_superuser():
            # Nothing calls a trigger: to remove the ledger's and create it again takes longer than all the rest.
            statements = ["SET LOCAL session_replication_role = replica", *map(_delete, tables())]
            cursor.execute("; ".join(statements))  # one round trip takes half the time of one for each table
            return
        cursor.execute(_filled())
        names = [name for (name,) in cursor.fetchall()]
        if LedgerEntry._meta.db_table in names:
            with append_only.disabled(connection):
                cursor.execute(_delete(LedgerEntry._meta.db_table))
        for name in names:
            cursor.execute(_delete(name))


@cache
def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        return bool(cursor.fetchone() == ("on",))


@cache
def _filled() -> str:
    """Return the statement that lists the tables with rows."""
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})" for table in tables()
    )


def _delete(table: str) -> str:
    return f"DELETE FROM {connection.ops.quote_name(table)}"
