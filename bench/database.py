"""A database of a benchmark's own on a PostgreSQL server."""

import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from scripts.environment import ROOT


@contextmanager
def database(server: str, *, kept_as: str = "") -> Iterator[dict[str, str]]:
    """Create a database with all tables on the server at this URL. Yield the environment of a process that uses it.

    The database is dropped at the end. With a name in `kept_as` it stays, and is used again if it then has a comment,
    which says that it is complete.
    """
    name = kept_as or f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection, tempfile.TemporaryDirectory() as data:
        if not _is_complete(connection, name):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        env = os.environ | {
            "DATABASE_URL": re.sub(r"/[^/]*$", f"/{name}", server),
            "REDIS_URL": "",
            "DATA_DIR": data,
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "openrouter_site.settings",
        }
        try:
            run(env, "manage.py", "migrate", "--verbosity", "0")
            yield env
        finally:
            if not kept_as:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _is_complete(connection: psycopg.Connection, name: str) -> bool:
    query = "SELECT shobj_description(oid, 'pg_database') IS NOT NULL FROM pg_database WHERE datname = %s"
    return (connection.execute(query, [name]).fetchone() or (False,))[0]


def run(env: dict[str, str], *arguments: str) -> str:
    """Run Python with these arguments. Return what it printed. Exits with its output if it fails."""
    ended = subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(arguments[:2])} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
