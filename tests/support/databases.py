"""The databases of sites under test: the first site of a run fills its own with the catalog, the others copy that."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from tests.settings import RUN_DIR

__all__ = ["drop", "drop_original", "make_file", "make_on_server"]

ORIGINAL = f"filled_{RUN_DIR.name}"


def make_file(path: Path, fill: Callable[[], None]) -> None:
    """Create a database of SQLite; `fill` is called if it has to be filled."""
    original = RUN_DIR / f"{ORIGINAL}.sqlite3"
    with _one_at_a_time("sqlite"):
        if original.exists():
            shutil.copyfile(original, path)
            return
        fill()
        shutil.copyfile(path, original)


def make_on_server(server: str, name: str, fill: Callable[[], None]) -> None:
    """Create a database on a PostgreSQL server; `fill` is called if it has to be filled."""
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    own, original = sql.Identifier(name), sql.Identifier(ORIGINAL)
    with _one_at_a_time("postgresql"), psycopg.connect(server, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ORIGINAL]).fetchone():
            connection.execute(create.format(own, original))
            return
        connection.execute(create.format(own, sql.Identifier("template1")))
        fill()
        connection.execute(create.format(original, own))


def drop(server: str, name: str) -> None:
    """Drop a database on a PostgreSQL server, if it exists, whatever is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_original() -> None:
    """Leave nothing behind on the servers that the run was given."""
    for server in {os.environ.get("DATABASE_URL", ""), os.environ.get("TEST_DATABASE_URL", "")} - {""}:
        drop(server, ORIGINAL)


@contextlib.contextmanager
def _one_at_a_time(kind: str) -> Iterator[None]:
    with (RUN_DIR / f"{ORIGINAL}-{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
