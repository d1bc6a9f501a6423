"""As `docs/operations/releases.md` promises, the migrations of a release stay, and every release can be upgraded."""

import gzip
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scripts.environment import ROOT
from tests.gateway.test_crash import POSTGRESQL, build_request
from tests.operations.documented import commands, run, serving
from tests.support import databases
from tests.support.processes import Site

from .record import FOLDER, OWN_SECRET, POSTGRESQL_DUMP, SQLITE_DUMP, hash_of, migrations, released

VERSIONS = sorted(path.parent.name for path in FOLDER.glob("*/release.json"))

OWN_KEY = """
from common.encryption import decrypt
from keys.models import OwnProviderKey
print(decrypt(OwnProviderKey.objects.get().secret))
"""


def record_of(version: str) -> dict:
    return json.loads((FOLDER / version / "release.json").read_text())


def test_every_version_with_a_date_is_recorded():
    assert VERSIONS and sorted(released()) == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_the_migrations_of_a_release_never_change(version):
    recorded = record_of(version)["migrations"]
    assert len(recorded) > 10
    assert {path: hash_of(Path(path)) for path in recorded if (ROOT / path).exists()} == recorded


def test_a_migration_is_new_or_recorded():
    """Between two releases, an app's migrations are those of the last one and newer numbers."""
    recorded = record_of(max(VERSIONS, key=lambda version: [int(each) for each in re.findall(r"\d+", version)]))
    last = {}
    for path in map(Path, recorded["migrations"]):
        last[path.parent] = max(last.get(path.parent, ""), path.name)
    added = [path for path in migrations() if path.as_posix() not in recorded["migrations"]]
    assert [path for path in added if path.name[:4] <= last.get(path.parent, "")[:4]] == []


@pytest.mark.skipif(bool(POSTGRESQL), reason="once is enough: it starts its own site on SQLite")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_release_on_sqlite_is_upgraded(version, tmp_path):
    with Site(tmp_path, processes=("providers",)) as site:
        env = site.env | {"DATA_DIR": str(tmp_path / "restored")}
        (tmp_path / "restored").mkdir()
        with closing(sqlite3.connect(tmp_path / "restored/site.sqlite3")) as database:
            database.executescript(gzip.decompress((FOLDER / version / SQLITE_DUMP).read_bytes()).decode())
        upgrade(site, env, record_of(version)["sqlite"], tmp_path)


@pytest.mark.postgresql
@pytest.mark.skipif(not (POSTGRESQL and shutil.which("psql")), reason="needs PostgreSQL and psql")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_release_on_postgresql_is_upgraded(version, tmp_path):
    with Site(tmp_path, postgresql=POSTGRESQL, processes=("providers",)) as site:
        name = f"upgraded_{tmp_path.name}".lower().replace("-", "_")[:60]
        url = re.sub(r"/[^/]*$", f"/{name}", POSTGRESQL)
        with psycopg.connect(POSTGRESQL, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            dump = gzip.decompress((FOLDER / version / POSTGRESQL_DUMP).read_bytes())
            restore = ["psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
            subprocess.run(restore, input=dump, check=True, stdout=subprocess.DEVNULL)
            upgrade(site, site.env | {"DATABASE_URL": url}, record_of(version)["postgresql"], tmp_path)
        finally:
            databases.drop(POSTGRESQL, name)


def upgrade(site: Site, env: dict[str, str], recorded: dict, folder: Path) -> None:
    """Upgrade a restored database with the documented commands; its people and programs go on as before."""
    [documented] = [
        line
        for block in commands("upgrade.md", "Update and rolling restart")
        for line in block.splitlines()
        if "manage.py migrate" in line
    ]
    migrate_and_load = documented.partition(" && python manage.py collectstatic")[0]
    assert "load_catalogue" in migrate_and_load
    run(migrate_and_load, folder, env)
    assert "All sums agree" in run("python manage.py reconcile_ledger", folder, env)
    assert run(f"python manage.py shell --no-imports -c {shlex.quote(OWN_KEY)}", folder, env).strip() == OWN_SECRET
    with serving(site, env, "upgraded", "asgi"), httpx.Client(base_url=f"{site.url}/api/v1", timeout=60) as client:

        def read(path: str) -> Any:
            headers = {"Authorization": f"Bearer {recorded['management_key']}"}
            return client.get(path, headers=headers).raise_for_status().json()["data"]

        assert read("/credits") == recorded["credits"]
        assert {key["name"] for key in read("/keys")} == {"Program", "Limited"}
        assert [preset["slug"] for preset in read("/presets")] == ["support"]
        assert [guardrail["name"] for guardrail in read("/guardrails")] == ["Team"]
        assert [destination["name"] for destination in read("/observability/destinations")] == ["Hook"]
        assert client.send(build_request(site, recorded["key"])).status_code == 200
