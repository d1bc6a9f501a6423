"""A backup is worth what its restore gives. The commands are those of docs/operations/backup.md, word for word."""

import contextlib
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.browser.people import new_person
from tests.gateway.test_crash import MINUTES_LATER, POSTGRESQL, build_request
from tests.support import databases
from tests.support.processes import Site, wait_until

from .documented import commands, run, serving

PAGE = "backup.md"


@pytest.mark.parametrize(
    ("given", "restored"),
    [
        ("postgres://user:word@host:5432/site", "postgres://user:word@host:5432/restored"),
        ("postgres://user@host/site?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem",
         "postgres://user@host/restored?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem"),
        ("postgres:///site?host=/var/run/postgresql", "postgres:///restored?host=/var/run/postgresql"),
    ],
)  # fmt: skip
def test_a_rehearsal_names_its_own_database_whatever_options_the_address_has(tmp_path, given, restored):
    line = commands(PAGE, "Rehearse a restore")[0].splitlines()[0]
    printed = run(f'{line}\necho "$RESTORED_URL"', tmp_path, {**os.environ, "DATABASE_URL": given})
    assert printed.strip() == restored


def test_other_programs_get_the_variables_that_only_the_file_has(tmp_path):
    [export] = commands("README.md", "Variables for other programs")
    file = tmp_path / "settings.env"
    file.write_text(f"DATA_DIR={tmp_path}/data # with a comment\nREDIS_URL='redis://host:1/0'\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    set_by_tests = {"DATABASE_URL", "REDIS_URL", "DATA_DIR", "DJANGO_SETTINGS_MODULE"}
    env = {name: value for name, value in os.environ.items() if name not in set_by_tests}
    told = f'{export}\necho "$DATA_DIR $REDIS_URL"'
    printed = run(told, tmp_path, env | {"PATH": path, "ENV_FILE": str(file)})
    assert printed.splitlines()[-1] == f"{tmp_path}/data redis://host:1/0"


@pytest.mark.postgresql
@pytest.mark.skipif(not (POSTGRESQL and shutil.which("pg_dump")), reason="needs PostgreSQL and pg_dump")
def test_a_restored_database_serves_its_keys_and_releases_what_was_held(tmp_path):
    [back_up] = commands(PAGE, "Back up PostgreSQL")
    rehearse, drop = commands(PAGE, "Rehearse a restore")
    with Site(tmp_path, postgresql=POSTGRESQL, processes=("providers",)) as site, contextlib.ExitStack() as leaving:
        person = new_person(site)
        with serving(site, site.env, "before"), httpx.Client(timeout=60) as client:
            assert client.send(build_request(site, person.key)).status_code == 200
            wait_until(lambda: site.rows("SELECT count(*) FROM gateway_generation") == [(1,)], "it to be settled")
            slow = build_request(site, person.key, **{"X-Sandbox-Tokens": "5000", "X-Sandbox-Delay": "0.05"})
            stream = client.send(slow, stream=True)
            assert any("content" in line for line in stream.iter_lines())
            run(back_up, tmp_path, site.env)
            stream.close()

        leaving.callback(databases.drop, POSTGRESQL, "restored")
        assert "All sums agree" in run(rehearse, tmp_path, site.env)
        restored = site.env | {"DATABASE_URL": site.env["DATABASE_URL"].rpartition("/")[0] + "/restored"}

        def row(query: str) -> tuple[object, ...] | None:
            with psycopg.connect(restored["DATABASE_URL"]) as connection:
                return connection.execute(query.encode()).fetchone()

        assert row("SELECT count(*) FROM gateway_hold") == (1,)
        with serving(site, restored, "after"), httpx.Client(timeout=60) as client:
            assert client.send(build_request(site, person.key)).status_code == 200
            wait_until(lambda: row("SELECT count(*) FROM gateway_generation") == (2,), "it to be settled")
            later = run(f"python manage.py shell --no-imports -c '{MINUTES_LATER}'", tmp_path, restored)
            assert later.strip().endswith("1")
        assert row("SELECT count(*) FROM gateway_hold") == (0,)
        assert row("SELECT held FROM billing_creditaccount") == (0,)
        assert "All sums agree" in run("python manage.py reconcile_ledger", tmp_path, restored)
        run(drop, tmp_path, site.env)


@pytest.mark.skipif(bool(POSTGRESQL), reason="once is enough: it starts its own site on SQLite")
def test_a_backup_of_sqlite_has_what_was_written_until_then(tmp_path):
    [back_up], [restore] = commands(PAGE, "Back up SQLite"), commands(PAGE, "Restore SQLite")
    with Site(tmp_path, processes=()) as site:
        # A connection that stays open, like those of a running site: the newest rows are in a file beside the database.
        with contextlib.closing(sqlite3.connect(site.data_dir / "site.sqlite3")) as running:
            running.execute("SELECT count(*) FROM accounts_user").fetchone()
            early = new_person(site)
            assert (site.data_dir / "site.sqlite3-wal").stat().st_size > 0
            assert "Wrote backup.sqlite3" in run(back_up, tmp_path, site.env)
            with pytest.raises(AssertionError, match="exists already"):
                run(back_up, tmp_path, site.env)
            new_person(site)
        assert "All sums agree" in run(restore, tmp_path, site.env)
        assert site.rows("SELECT email FROM accounts_user") == [(early.email,)]
