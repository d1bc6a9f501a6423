"""The clock's part of storage: partitions by month for requests, hours and endpoint minutes. PostgreSQL only.

The ranges of a table's partitions cover all of time: the last one, `_rest`, has no end. A row of any time finds its
place, however long no partition was made. `make_ahead` closes the last one and opens a new one some months ahead.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction

from common.clock import months_after, utc_now, window_start
from common.telemetry.jobs import Parts
from gateway.models import EndpointMinute, Generation, UsageHour

__all__ = ["COLUMNS", "Partition", "impatient", "make_ahead", "make_since", "partition_until", "partitions_of"]

log = logging.getLogger(__name__)

#: The partitioned tables, each with the column of its time.
COLUMNS: dict[str, str] = {
    Generation._meta.db_table: "created_at",
    UsageHour._meta.db_table: "hour",
    EndpointMinute._meta.db_table: "minute",
}
#: Whole months after the current one that always have a partition of their own, and to which it is topped up.
LEAST_AHEAD, AHEAD = 1, 4
#: Months that `make_since` divides at most; older rows share one partition.
MOST_PAST = 120
#: A statement that waits for a lock holds up everything behind it, so it gives way after this long.
LOCK_TIMEOUT = "250ms"
#: Bytes of a last partition that are looked through while the table is locked; a larger one is checked before.
SMALL = 16 * 2**20

_BOUNDS = re.compile(r"FOR VALUES FROM \((.+)\) TO \((.+)\)")
_LIST = """
SELECT child.relname, pg_get_expr(child.relpartbound, child.oid), pg_total_relation_size(child.oid),
    greatest(child.reltuples, 0)::bigint
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = %s::regclass
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition with the rows from `start` to before `end`; None: without a bound. `rows` is an estimate."""

    name: str
    start: datetime | None
    end: datetime | None
    bytes: int
    rows: int


def partitions_of(table: str) -> list[Partition]:
    """Return the partitions of a table, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, [table])
        rows = cursor.fetchall()
    found = []
    for name, bounds, size, count in rows:
        match = _BOUNDS.fullmatch(bounds)
        assert match, bounds
        found.append(Partition(name, _bound(match[1]), _bound(match[2]), size, count))
    return sorted(found, key=lambda each: (each.end is None, each.end))


def make_ahead() -> list[str]:
    """Make the partitions of the coming months where they are missing; return the tables that have new ones.

    A table that is busy for longer than LOCK_TIMEOUT waits for the next call: its last partition takes all rows. Raises
    JobFailed after the others are done.
    """
    if connection.vendor != "postgresql":
        return []
    made, parts = [], Parts(log)
    for table in COLUMNS:
        try:
            if _make_ahead(table, window_start("monthly", utc_now())):
                made.append(table)
        except OperationalError as error:
            parts.fail("%s gets its partitions later (%s)", table, type(error.__cause__).__name__)
        except IntegrityError:
            parts.fail("%s has rows from the future: its last partition cannot be closed", table)
    parts.end()
    return made


def _make_ahead(table: str, month: datetime) -> bool:
    rest = partitions_of(table)[-1]
    if rest.start is not None and rest.start >= months_after(month, LEAST_AHEAD + 1):
        return False
    is_large = rest.bytes > SMALL
    closed_at = months_after(month, 2)
    check = f"{table}_closed"
    if is_large:
        _run(f"ALTER TABLE {rest.name} DROP CONSTRAINT IF EXISTS {check}")
        condition = f"CHECK ({COLUMNS[table]} < '{closed_at.isoformat()}')"
        _run(f"ALTER TABLE {rest.name} ADD CONSTRAINT {check} {condition} NOT VALID")
        try:
            # Reads the rows; they can be written meanwhile.
            _run(f"ALTER TABLE {rest.name} VALIDATE CONSTRAINT {check}")
        except IntegrityError:
            _run(f"ALTER TABLE {rest.name} DROP CONSTRAINT {check}")
            raise
    with impatient() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        if partitions_of(table)[-1].start != rest.start:  # another worker was faster
            return False
        cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {rest.name}")
        later = _close(cursor, table, rest, month, closed_at, is_large)
        if later:
            cursor.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM later_rows")  # noqa: S608 names of our own
            cursor.execute("DROP TABLE later_rows")
    return True


def _close(cursor: Any, table: str, rest: Partition, month: datetime, closed_at: datetime, is_large: bool) -> bool:
    """Attach the rest again with an end, and the months after it; whether rows beyond wait in `later_rows`."""
    column, later = COLUMNS[table], False
    cursor.execute(f"SELECT EXISTS (SELECT FROM {rest.name})")  # noqa: S608 names of our own
    if not cursor.fetchone()[0]:
        cursor.execute(f"DROP TABLE {rest.name}")
        start = max(rest.start, month) if rest.start else month
        if rest.start != start:  # one partition for the time in which nothing was stored
            _create(cursor, table, rest.start, start)
    else:
        start = closed_at
        if not is_large:
            cursor.execute(
                f"CREATE TEMP TABLE later_rows AS SELECT * FROM {rest.name} WHERE {column} >= %s",  # noqa: S608 names of our own
                [start],
            )
            cursor.execute(f"DELETE FROM {rest.name} WHERE {column} >= %s", [start])  # noqa: S608 names of our own
            later = True
        closed = _closed_name(table, start)
        cursor.execute(f"ALTER TABLE {rest.name} RENAME TO {closed}")
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {closed} {_range(rest.start, start)}")
        cursor.execute(f"ALTER TABLE {closed} DROP CONSTRAINT IF EXISTS {table}_closed")
    _create_months(cursor, table, start, month)
    return later


def make_since(table: str, oldest: datetime) -> None:
    """Divide an empty table into months from that of `oldest` on, in the transaction of the caller.

    Raises ValueError if the table has rows.
    """
    month = window_start("monthly", utc_now())
    start = max(window_start("monthly", oldest), months_after(month, -MOST_PAST))
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 names of our own
        if cursor.fetchone()[0]:
            raise ValueError(f"{table} is not empty")
        for each in partitions_of(table):
            cursor.execute(f"DROP TABLE {each.name}")
        _create(cursor, table, None, start)
        _create_months(cursor, table, start, month)


def _create_months(cursor: Any, table: str, start: datetime, month: datetime) -> None:
    """Create the partitions from `start` to AHEAD months after `month`, and the last one, which has no end."""
    while start <= months_after(month, AHEAD):
        _create(cursor, table, start, months_after(start, 1))
        start = months_after(start, 1)
    _create(cursor, table, start, None)


def _create(cursor: Any, table: str, start: datetime | None, end: datetime | None) -> None:
    name = f"{table}_rest" if end is None else _closed_name(table, end)
    if start and end == months_after(start, 1):
        name = f"{table}_{start:%Y_%m}"
    cursor.execute(f"CREATE TABLE {name} PARTITION OF {table} {_range(start, end)}")


def _closed_name(table: str, end: datetime) -> str:
    return f"{table}_until_{end:%Y_%m}"


def _range(start: datetime | None, end: datetime | None) -> str:
    begins = f"'{start.isoformat()}'" if start else "MINVALUE"
    ends = f"'{end.isoformat()}'" if end else "MAXVALUE"
    return f"FOR VALUES FROM ({begins}) TO ({ends})"


def _bound(text: str) -> datetime | None:
    if text in {"MINVALUE", "MAXVALUE"}:
        return None
    return datetime.fromisoformat(text.strip("'")).astimezone(UTC)


def partition_until(cursor: Any, table: str, end: datetime | None) -> None:
    """Make an empty first partition of everything before `end`, where there is none."""
    _create(cursor, table, None, end)


@contextmanager
def impatient() -> Iterator[Any]:
    """Yield a cursor in a transaction that gives up, with OperationalError, when a lock is not free soon."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        yield cursor


def _run(statement: str) -> None:
    with impatient() as cursor:
        cursor.execute(statement)
