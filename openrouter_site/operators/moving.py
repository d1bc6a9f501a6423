"""Moving an installation from SQLite to PostgreSQL: every row of every table, in one transaction.

The copy is whole or nothing: whatever stops it, the new database stays as empty as it was, and the SQLite file is only
read. Until the end its write lock is held, so that no process changes a row that has been copied.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min

from common.clock import utc_now
from common.storage import database
from gateway.accounting import partitions
from gateway.models import GatewayProcess
from openrouter_site import env
from operations.models import Heartbeat

__all__ = ["Refused", "move"]

#: The connection to the SQLite file, beside Django's default one.
SOURCE = "moved_from"
#: Rows that are read and sent at a time.
BATCH = 2_000
#: Rows after which a long table tells how far it is.
TOLD_EVERY = 100_000
#: Every process of the site shows a sign of life at least every 30 seconds.
SILENT_FOR = timedelta(seconds=45)
#: Tables that a migration fills. Their rows are replaced, so that what refers to them stays true.
FILLED_BY_MIGRATIONS = (Permission, ContentType)

Model = type[models.Model]


class Refused(Exception):
    """Nothing was moved. The text is for the operator: the cause, then the remedy."""


def move(path: Path, tell: Callable[[str], None]) -> int:
    """Copy all rows of the SQLite file into the default database; return their number.

    `tell` gets a line for each table. Raises Refused if the file, the database or a row does not allow it.
    """
    if connection.vendor != "postgresql":
        raise Refused("DATABASE_URL does not name a PostgreSQL database. Set it to the new one, and run this again.")
    if not path.is_file():
        raise Refused(f"There is no file {path}.")
    connections.databases[SOURCE] = connections.databases[DEFAULT_DB_ALIAS] | env.sqlite(path)
    try:
        with transaction.atomic(using=SOURCE), transaction.atomic():
            _require_same_migrations()
            _require_empty()
            _require_stopped()
            return _copy_all(tell)
    except (DatabaseError, psycopg.Error) as error:
        raise Refused(_explained(error)) from error
    finally:
        connections[SOURCE].close()
        del connections[SOURCE], connections.databases[SOURCE]


def _explained(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if not isinstance(cause, psycopg.Error):
        return f"The SQLite file can't be read, or another process is writing to it: {error}."
    # The context names a row by its place in the order of keys: "COPY accounts_user, line 3, column email: ..."
    diagnosis = cause.diag
    parts = (diagnosis.message_primary or str(cause), diagnosis.message_detail, diagnosis.context)
    return f"PostgreSQL does not take a row: {'; '.join(filter(None, parts))}. Nothing was moved."


def _require_same_migrations() -> None:
    if pending := database.pending_migrations():
        raise Refused(f"The PostgreSQL database lacks migrations ({pending[0]}). Run: python manage.py migrate")
    there, here = (
        set(MigrationRecorder(connections[alias]).applied_migrations()) for alias in (SOURCE, DEFAULT_DB_ALIAS)
    )
    if missing := sorted(here - there):
        raise Refused(
            f"The SQLite file lacks migrations ({'.'.join(missing[0])}). Set DATABASE_URL to it, run: python manage.py "
            "migrate, and set DATABASE_URL back."
        )
    if unknown := sorted(there - here):
        raise Refused(
            f"The SQLite file comes from a newer version ({'.'.join(unknown[0])}). Move it with that version."
        )


def _require_empty() -> None:
    filled = [
        model._meta.db_table
        for model in _tables()
        if model not in FILLED_BY_MIGRATIONS and model._base_manager.exists()
    ]
    if filled:
        raise Refused(
            f"The PostgreSQL database is not empty: {', '.join(filled[:5])}{' and others' if filled[5:] else ''} have "
            "rows. Create a new database, and run nothing but: python manage.py migrate"
        )


def _require_stopped() -> None:
    since = utc_now() - SILENT_FOR
    for model in (GatewayProcess, Heartbeat):
        if model._base_manager.using(SOURCE).filter(seen_at__gte=since).exists():
            raise Refused(
                f"The site ran within the last {SILENT_FOR.seconds} seconds. Stop the web processes, the worker and "
                "the clock, wait a minute, and run this again."
            )


def _tables() -> list[Model]:
    """Return the models of all tables, the largest ones last."""
    every = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return sorted(every, key=lambda model: (model._meta.db_table in partitions.COLUMNS, model._meta.db_table))


def _copy_all(tell: Callable[[str], None]) -> int:
    for filled in FILLED_BY_MIGRATIONS:
        filled._base_manager.all().delete()
    total = 0
    with connection.cursor() as cursor:
        for model in _tables():
            table = model._meta.db_table
            if table in partitions.COLUMNS:
                # Rows before these refer to each other in circles. From here on references are checked row by row: the
                # server keeps a note of each until then.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                _make_partitions(model)
            expected = _source(model).count()
            try:
                copied = _copy(model, expected, tell)
            except psycopg.DataError as error:  # some have no context, such as a text with a NUL
                raise Refused(f"{table}: {_explained(error)}") from error
            _advance_sequence(model)
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 names of our own
            (arrived,) = cursor.fetchone()
            if not expected == copied == arrived:
                raise Refused(f"{table} has {expected:,} rows in SQLite, but {arrived:,} arrived. Nothing was moved.")
            tell(f"{table:<45} {arrived:>12,}")
            total += arrived
    return total


def _source(model: Model) -> models.QuerySet[Any]:
    return model._base_manager.using(SOURCE).order_by("pk")


def _make_partitions(model: Model) -> None:
    """Give each month of the rows its partition: whole months can be dropped later."""
    table = model._meta.db_table
    oldest: datetime | None = _source(model).aggregate(oldest=Min(partitions.COLUMNS[table]))["oldest"]
    partitions.make_since(table, oldest or utc_now())


def _copy(model: Model, expected: int, tell: Callable[[str], None]) -> int:
    """Send all rows of a table to the server, as they are: nothing is counted, dated or encrypted again."""
    fields = model._meta.concrete_fields
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    rows = _source(model).values_list(*(field.attname for field in fields)).iterator(chunk_size=BATCH)
    copied = 0
    with (
        connection.cursor() as cursor,
        cursor.cursor.copy(f"COPY {quoted(model._meta.db_table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([field.get_db_prep_save(each, connection) for field, each in zip(fields, row, strict=True)])
            copied += 1
            if copied % TOLD_EVERY == 0:
                tell(f"{model._meta.db_table:<45} {copied:>12,} of {expected:,}")
    return copied


def _advance_sequence(model: Model) -> None:
    """Let new rows get numbers after every one that was ever given: logs and old requests name deleted rows, too."""
    key = model._meta.pk
    if not isinstance(key, models.AutoField):
        return
    table = model._meta.db_table
    with connections[SOURCE].cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    if last and last[0]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, key.column, last[0]])
