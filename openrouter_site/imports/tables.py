"""Rows of another program's database: PostgreSQL, a SQLite file, or a folder of exports as CSV or JSON.

Databases are only read. A cell has the type that its store gives it, which is text in CSV; `text`, `number` and the
others read any of them.
"""

import contextlib
import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from psycopg.rows import dict_row

__all__ = ["Row", "Tables", "Unreadable", "address", "flag", "json_of", "moment", "number", "opened", "text", "texts"]

Row = dict[str, Any]
#: Returns the rows of a table; none if there is no such table.
Tables = Callable[[str], list[Row]]


class Unreadable(Exception):
    """The source, or a value in it, can't be read. The text names it."""


@contextmanager
def opened(source: str) -> Iterator[Tables]:
    """Yield the tables of `postgres://...`, of a SQLite file or of a folder. Raises Unreadable."""
    try:
        if source.startswith(("postgres://", "postgresql://")):
            with psycopg.connect(source, row_factory=dict_row) as connection:
                connection.read_only = True
                yield lambda table: _of_postgresql(connection, table)
        elif (path := Path(source)).is_dir():
            yield lambda table: _of_folder(path, table)
        elif path.is_file():
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                database.row_factory = sqlite3.Row
                yield lambda table: _of_sqlite(database, table)
        else:
            raise Unreadable(f"{source} is no address of PostgreSQL, no file and no folder.")
    except (psycopg.Error, sqlite3.Error, OSError, ValueError, csv.Error) as error:
        raise Unreadable(f"The source can't be read: {error}") from error


def _of_postgresql(connection: "psycopg.Connection[Row]", table: str) -> list[Row]:
    there = connection.execute("SELECT to_regclass(%s) IS NOT NULL AS there", [f'"{table}"']).fetchone()
    if not there or not there["there"]:
        return []
    return connection.execute(psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table))).fetchall()


def _of_sqlite(database: sqlite3.Connection, table: str) -> list[Row]:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
        return []
    return [dict(row) for row in database.execute(f'SELECT * FROM "{table}"')]  # noqa: S608 names of our own


def _of_folder(folder: Path, table: str) -> list[Row]:
    if (path := folder / f"{table}.json").exists():
        rows = json.loads(path.read_text())
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Unreadable(f"{path.name} is not a list of objects.")
        return rows
    if (path := folder / f"{table}.csv").exists():
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    return []


# --- Cells ----------------------------------------------------------------------------------------------


def text(cell: Any) -> str:
    """Return a text without spaces around it; empty for a missing one."""
    return "" if cell is None else str(cell).strip()


def address(cell: Any) -> str:
    """Return an email address in lower case; empty if it is missing or none."""
    found = text(cell).lower()
    try:
        validate_email(found)
    except ValidationError:
        return ""
    return found


def flag(cell: Any) -> bool:
    """Return a boolean; False for a missing one."""
    return text(cell).lower() in {"1", "t", "true", "yes"}


def number(cell: Any) -> Decimal | None:
    """Return a number, None for a missing one. Raises Unreadable for anything else."""
    if not text(cell):
        return None
    try:
        found = Decimal(text(cell))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Unreadable(f"{text(cell)[:40]!r} is not a number")
    return found


def moment(cell: Any) -> datetime | None:
    """Return a time, in UTC where no zone is given; None for a missing one. Raises Unreadable for anything else."""
    if not text(cell):
        return None
    try:
        found = cell if isinstance(cell, datetime) else datetime.fromisoformat(text(cell))
    except ValueError:
        with contextlib.suppress(Unreadable, OverflowError, ValueError, TypeError):
            return datetime.fromtimestamp(float(number(cell) or 0) / 1000, UTC)  # Prisma's milliseconds in SQLite
        raise Unreadable(f"{text(cell)[:40]!r} is not a time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def json_of(cell: Any) -> Any:
    """Return what a cell of JSON says; None for a missing one. Raises Unreadable."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell) if cell.strip() else None
    except ValueError:
        raise Unreadable(f"{cell[:40]!r} is not JSON") from None


def texts(cell: Any) -> list[str]:
    """Return a list of texts: an array of PostgreSQL, of JSON, or as PostgreSQL prints it ("{a,b}")."""
    if isinstance(cell, str) and cell.startswith("{"):
        return [text(each) for each in next(csv.reader([cell[1:-1]]), [])]
    return [text(each) for each in json_of(cell) or []]
