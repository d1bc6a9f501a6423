"""Record what a release leaves behind, for upgrades from it: `python -m tests.releases.record`.

Writes `tests/releases/<version>/` for the newest version of the changelog: the hashes of its migrations, and a small
database of SQLite and one of PostgreSQL, which its processes have filled. A record is never written again.
BENCH_POSTGRESQL names a server; without it, one of our own runs for a moment.
"""

import gzip
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx

from scripts import servers
from scripts.environment import ROOT
from tests.browser.people import Person, new_person
from tests.support.processes import Site, wait_until

__all__ = ["FOLDER", "OWN_SECRET", "POSTGRESQL_DUMP", "SQLITE_DUMP", "hash_of", "migrations", "released"]

FOLDER = Path(__file__).parent
SQLITE_DUMP, POSTGRESQL_DUMP = "sqlite.sql.gz", "postgresql.sql.gz"

OWN_SECRET = "sk-own-0123456789"  # that of a provider key
MAKE_KEYS = """
from accounts.models import User
from keys import issuing
from keys.provider_keys import changing
user = User.objects.get(email="{email}")
changing.add(user.personal_organisation, user, "openai", "{own_secret}", name="Our own", disabled=True)
print("KEY", issuing.create(user.personal_organisation, user, "Management", is_management=True)[1])
"""
MESSAGES = [{"role": "user", "content": "Name three lighthouses."}]
MODEL = "openai/gpt-4o-mini"


def released() -> list[str]:
    """Return the versions of the changelog that have a date, the newest first."""
    return re.findall(r"^## (v\S+) \(\d{4}-\d\d-\d\d\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)


def migrations() -> list[Path]:
    """Return the paths of all migrations, from the root of the repository."""
    return sorted(path.relative_to(ROOT) for path in ROOT.glob("*/migrations/[0-9]*.py"))


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, named from the root of the repository."""
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()


def main() -> None:
    version, *_ = released() or sys.exit("No version in CHANGELOG.md has a date.")
    folder = FOLDER / version
    if folder.exists():
        sys.exit(f"{version} is recorded already.")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        server = os.environ.get("BENCH_POSTGRESQL") or stack.enter_context(servers.own_postgresql()).url
        with Site(Path(temporary) / "sqlite", processes=("providers", "web")) as site:
            on_sqlite = fill(site)
            with closing(sqlite3.connect(site.data_dir / "site.sqlite3")) as database:
                sqlite_dump = "\n".join(database.iterdump()).encode()
        with Site(Path(temporary) / "postgresql", postgresql=server, processes=("providers", "web")) as site:
            on_postgresql = fill(site)
            command = ["pg_dump", "--no-owner", site.env["DATABASE_URL"]]
            postgresql_dump = subprocess.run(command, check=True, capture_output=True).stdout
    folder.mkdir()
    (folder / SQLITE_DUMP).write_bytes(gzip.compress(sqlite_dump, mtime=0))
    (folder / POSTGRESQL_DUMP).write_bytes(gzip.compress(postgresql_dump, mtime=0))
    hashes = {path.as_posix(): hash_of(path) for path in migrations()}
    record = {"migrations": hashes, "sqlite": on_sqlite, "postgresql": on_postgresql}
    (folder / "release.json").write_text(json.dumps(record, indent=2) + "\n")


def fill(site: Site) -> dict[str, Any]:
    """Use a new site over its API. Return the secrets of its keys, and what an upgrade must preserve."""
    person = new_person(site)
    [management_key] = re.findall(
        r"^KEY (.*)",
        site.manage("shell", "--no-imports", "-c", MAKE_KEYS.format(email=person.email, own_secret=OWN_SECRET)),
        re.M,
    )
    with httpx.Client(base_url=f"{site.url}/api/v1", timeout=60) as client:
        limited = _set_up(client, management_key)
        _send_requests(client, person, limited)
        wait_until(lambda: site.rows("SELECT count(*) FROM gateway_hold") == [(0,)], "all requests to be settled")
        balance = client.get("/credits", headers=_with(management_key)).json()["data"]
    return {"key": person.key, "management_key": management_key, "credits": balance}


def _set_up(client: httpx.Client, management_key: str) -> str:
    """Make a key with a limit, a guardrail, a preset and a destination. Return the key."""

    def create(path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = client.post(path, json=body, headers=_with(management_key))
        assert response.is_success, (path, response.text)
        created: dict[str, Any] = response.json()
        return created

    limited: str = create("/keys", {"name": "Limited", "limit": 5, "limit_reset": "monthly"})["key"]
    create("/guardrails", {"name": "Team", "limit_usd": 12.5, "reset_interval": "weekly", "enforce_zdr": True})
    create("/presets/support/chat/completions", {"model": MODEL, "messages": MESSAGES, "temperature": 0.2})
    hook = {"url": "https://hooks.example.com/in", "headers": {"Authorization": "Bearer example"}}
    create("/observability/destinations", {"type": "webhook", "name": "Hook", "config": hook, "enabled": False})
    return limited


def _send_requests(client: httpx.Client, person: Person, limited: str) -> None:
    """Send requests of every kind: whole, streamed, refused by the provider."""
    chat: dict[str, Any] = {"model": MODEL, "messages": MESSAGES}
    for path, body, key in (
        ("/chat/completions", chat, person.key),
        ("/chat/completions", chat | {"stream": True}, limited),
        ("/chat/completions", chat | {"model": "@preset/support", "session_id": "session-1"}, person.key),
        ("/messages", chat | {"max_tokens": 50}, person.key),
        ("/responses", {"model": MODEL, "input": "Name a lighthouse."}, person.key),
        ("/embeddings", {"model": "openai/text-embedding-3-small", "input": "a lighthouse"}, person.key),
    ):
        app = {"HTTP-Referer": "https://app.example.com", "X-Title": "Lighthouses"}
        response = client.post(path, json=body, headers=_with(key) | app)
        assert response.status_code == 200, (path, response.text)
    refused = client.post("/chat/completions", json=chat, headers=_with(person.key) | {"X-Sandbox-Fault": "*=503"})
    assert refused.status_code == 503, refused.text


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


if __name__ == "__main__":
    main()
