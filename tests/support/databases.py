"""The databases of a run: the first process that needs one migrates it, the others copy that.

Migrating takes longer than hundreds of tests. Sites under test have the catalog as well, which the first of them loads.
The suites of `make test` share one set: `TEST_SHARED_DIR` names a folder that outlives each of them.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql
from pytest_django import DjangoDbBlocker

from scripts.environment import ROOT
from tests.settings import RUN_DIR

__all__ = ["django_db_setup", "drop", "drop_originals", "make_file", "make_on_server", "one_at_a_time"]

SHARED_DIR = Path(os.environ.get("TEST_SHARED_DIR") or RUN_DIR)
MIGRATED, FILLED = f"migrated_{SHARED_DIR.name}", f"filled_{SHARED_DIR.name}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Replaces pytest-django's: the database of the tests of this process."""
    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        _copy_migrated_file(Path(name))
    else:
        drop(settings.DATABASE_URL, name)
        _copy_migrated_on_server(settings.DATABASE_URL, name)
        connection.close_pool()  # one that an earlier test has made goes on with the server's own database
    connection.settings_dict["NAME"] = name  # before the first connection: a thread of an earlier test may wait for it
    for alias in connections:  # what Django does beside: nothing is left to migrate
        connections[alias].settings_dict["TEST"]["MIGRATE"] = False
    with django_db_blocker.unblock():
        created = setup_databases(verbosity=0, interactive=False, keepdb=True, serialized_aliases=[])
    yield
    with django_db_blocker.unblock():
        teardown_databases(created, verbosity=0)


def make_file(path: Path, fill: Callable[[], None]) -> None:
    """Create the SQLite database of a site; `fill` is called if it lacks the catalog."""
    original = SHARED_DIR / f"{FILLED}.sqlite3"
    with one_at_a_time(original.name):
        if not original.exists():
            _copy_migrated_file(path)
            fill()
            unfinished = original.with_suffix(".new")
            shutil.copyfile(path, unfinished)
            unfinished.rename(original)
            return
    shutil.copyfile(original, path)


def make_on_server(server: str, name: str, fill: Callable[[], None]) -> None:
    """Create a site's database on a PostgreSQL server; `fill` is called if it lacks the catalog."""
    with one_at_a_time(FILLED):
        if _exists(server, FILLED):
            _create(server, name, FILLED)
            return
        _copy_migrated_on_server(server, name)
        fill()
        _create(server, FILLED, name)


def drop(server: str, name: str) -> None:
    """Drop a database on a PostgreSQL server, if it exists, whatever is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_originals() -> None:
    """Leave nothing behind on the servers that the run was given."""
    for server in {os.environ.get("DATABASE_URL", ""), os.environ.get("TEST_DATABASE_URL", "")} - {""}:
        for name in (MIGRATED, FILLED):
            drop(server, name)


def _copy_migrated_file(path: Path) -> None:
    original = SHARED_DIR / f"{MIGRATED}.sqlite3"
    with one_at_a_time(original.name):
        if not original.exists():
            unfinished = original.with_suffix(".new")
            _migrate(f"sqlite:///{unfinished}")
            unfinished.rename(original)
    shutil.copyfile(original, path)


def _copy_migrated_on_server(server: str, name: str) -> None:
    with one_at_a_time(MIGRATED):  # a database that is being copied cannot be copied again at the same time
        if not _exists(server, MIGRATED):
            _create(server, name, "template1")
            _migrate(server.rpartition("/")[0] + f"/{name}")
            _create(server, MIGRATED, name)
        else:
            _create(server, name, MIGRATED)


def _migrate(url: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "openrouter_site.settings"}
    # `make test` has run the checks of the project.
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"


def _exists(server: str, name: str) -> bool:
    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return found is not None


def _create(server: str, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Let only one process of all suites do what is named."""
    with (SHARED_DIR / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
