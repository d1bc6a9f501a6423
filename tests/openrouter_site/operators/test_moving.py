"""An installation on SQLite moves to PostgreSQL whole: rows, books, keys, sessions and the numbers to come."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.browser.people import Person, new_person
from tests.gateway.test_crash import MINUTES_LATER, POSTGRESQL, build_request
from tests.support.processes import Site, wait_until

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(not POSTGRESQL, reason="needs PostgreSQL"),
]

#: A row of each kind of column: bytes, JSON, UUID, dates, references in a circle; and requests of three months.
FILL = r"""
import datetime as dt
from activity.models import RankedDay
from billing.models import CreditAccount
from gateway.models import Feedback, StoredContent
from keys.models import ApiKey
from presets.models import Preset, PresetVersion
from common import encryption
from tests.activity.factory import make_requests, make_running
account, key = CreditAccount.objects.get(pk={account}), ApiKey.objects.get()
at = dt.datetime(2025, 3, 31, 23, 30, tzinfo=dt.UTC)
rows = make_requests(account, [dict(created_at=at + dt.timedelta(days=n), key=key) for n in (0, 1, 40)])
make_running(account, created_at=at, amount=5000)
StoredContent.objects.create(generation=rows[0], account=account, created_at=at, sealed=bytes(range(256)))
Feedback.give(rows[1], "good", "", "Fast, \u00e4h, \\N and\ttabs\n")
RankedDay.objects.create(day=at.date(), as_of=at)
preset = Preset.objects.create(organisation=account.organisation, slug="one", name="One")
preset.designated_version = PresetVersion.objects.create(preset=preset, number=1, content=encryption.encrypt("{{}}"))
preset.save()
for number in range(2):
    last = ApiKey.objects.create(
        organisation=account.organisation, name="Gone", hash=f"{{number:064}}", label="sk-or-v1-000...0000"
    )
number = last.pk
last.delete()
print("LAST", number)
"""
#: Every table as JSON; the order of rows is that of their keys.
DUMP = """
import json
from django.apps import apps
print("DUMP", json.dumps({
    model._meta.db_table: [
        [bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value for value in row]
        for row in sorted(
            model._base_manager.values_list("pk", *(f.attname for f in model._meta.concrete_fields)),
            key=lambda row: str(row[0]),
        )
    ]
    for model in apps.get_models(include_auto_created=True)
}, default=str))
"""


def shell(site: Site, script: str, word: str) -> str:
    printed = site.manage("shell", "--no-imports", "-c", script)
    return next(line.removeprefix(word) for line in printed.splitlines() if line.startswith(word))


def tables_of(site: Site) -> dict[str, list[list[object]]]:
    return json.loads(shell(site, DUMP, "DUMP"))


@dataclass
class Move:
    old: Site
    new: Site
    person: Person
    last_key: int

    @property
    def file(self) -> Path:
        return self.old.data_dir / "site.sqlite3"

    def change(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.file)) as database, database:
            database.execute(statement)

    def refused(self) -> str:
        with pytest.raises(AssertionError) as refusal:
            self.new.manage("move_to_postgresql", str(self.file))
        return str(refusal.value)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """A site that has served a request on SQLite and was stopped, and an empty database on PostgreSQL."""
    running, empty = tmp_path_factory.mktemp("sqlite"), tmp_path_factory.mktemp("postgresql")
    with (
        Site(running, processes=("providers", "web")) as old,
        Site(empty, postgresql=POSTGRESQL, processes=("providers",)) as new,
    ):
        person = new_person(old)
        assert httpx.Client(timeout=60).send(build_request(old, person.key)).status_code == 200
        wait_until(lambda: old.rows("SELECT count(*) FROM gateway_generation") == [(1,)], "it to be settled")
        last = int(shell(old, FILL.format(account=person.account), "LAST"))
        old.processes["web"].stop()
        yield Move(old, new, person, last)


@pytest.fixture
def move(installation: Move) -> Iterator[Move]:
    """The installation; the new database is empty, whichever test comes first."""
    installation.new.manage("flush", "--noinput")
    yield installation
    if web := installation.new.processes.pop("web", None):
        web.stop()


def test_each_obstacle_is_named_and_nothing_is_moved(move):
    move.change("UPDATE operations_heartbeat SET seen_at = '2025-01-01'")
    move.change("UPDATE gateway_gatewayprocess SET seen_at = '2125-01-01'")
    assert "ran within the last 45 seconds" in move.refused()
    move.change("UPDATE gateway_gatewayprocess SET seen_at = '2025-01-01'")

    move.change("UPDATE django_migrations SET name = '0001_other' WHERE app = 'presets'")
    assert "The SQLite file lacks migrations (presets.0001_initial)" in move.refused()
    move.change("UPDATE django_migrations SET name = '0001_initial' WHERE app = 'presets'")
    move.change("INSERT INTO django_migrations (app, name, applied) VALUES ('presets', '0099_newer', '2025-01-01')")
    assert "comes from a newer version (presets.0099_newer)" in move.refused()
    move.change("DELETE FROM django_migrations WHERE name = '0099_newer'")

    move.change("UPDATE accounts_user SET name = printf('%0500d', 0)")  # SQLite knows no longest text
    assert "value too long" in (text := move.refused()) and "COPY accounts_user, line 1, column name" in text
    move.change("UPDATE accounts_user SET name = 'A' || char(0)")
    assert "accounts_user: PostgreSQL does not take a row" in move.refused()
    move.change("UPDATE accounts_user SET name = 'Alice'")
    tables = tables_of(move.new)
    assert {name for name, rows in tables.items() if rows} == {"auth_permission", "django_content_type"}

    move.new.manage("load_catalogue")
    assert "is not empty: models_catalog_author, " in move.refused()


def test_everything_moves_and_goes_on_working(move):
    old, new = move.old, move.new
    move.change("UPDATE gateway_gatewayprocess SET seen_at = '2025-01-01'")
    moved = new.manage("move_to_postgresql", str(move.file))
    assert "Each table has as many as before." in moved and "The ledger adds up." in moved
    before, after = tables_of(old), tables_of(new)
    assert len(after.pop("billing_reconciliationrun")) == len(before.pop("billing_reconciliationrun")) + 1
    assert after == before
    assert sum(bool(rows) for rows in after.values()) > 25
    months = new.rows(
        "SELECT tableoid::regclass::text, count(*) FROM gateway_generation WHERE created_at < '2026-01-01' "
        "GROUP BY 1 ORDER BY 1"
    )
    assert months == [(f"gateway_generation_2025_{month}", 1) for month in ("03", "04", "05")]
    assert "is not empty" in move.refused()

    new.start("web")
    new.processes["web"].wait_until_it_responds(new.url)
    page = httpx.get(f"{new.url}/settings/keys", cookies={"sessionid": move.person.session}, timeout=60)
    assert page.status_code == 200 and "Program" in page.text
    count = "SELECT count(*) FROM gateway_generation"
    ((requests,),) = new.rows(count)
    assert httpx.Client(timeout=60).send(build_request(new, move.person.key)).status_code == 200
    wait_until(lambda: new.rows(count) == [(requests + 1,)], "the request to be settled")
    new_person(new)
    assert new.rows("SELECT max(id) FROM keys_apikey") == [(move.last_key + 1,)]  # no number is given twice
    assert new.manage("shell", "--no-imports", "-c", MINUTES_LATER).strip().endswith("1")
    assert new.rows("SELECT sum(held) FROM billing_creditaccount") == [(0,)]
    assert "All sums agree" in new.manage("reconcile_ledger")
