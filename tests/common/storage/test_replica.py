"""Pages of usage read a replica of the database while it is fresh, and change nothing there."""

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from common.storage import replica
from gateway.accounting.rollups import roll_up
from gateway.models import Generation
from keys import issuing
from openrouter_site import env
from scripts.servers import own_postgresql, own_replica
from tests.activity.factory import make_request
from tests.api.responses import client_with
from tests.support.processes import wait_until

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no replicas"),
    pytest.mark.django_db(transaction=True),
]

TABLES = {name.replace(".", "_") for name in replica.READ_THERE}


def add(alias: str, entry: dict[str, Any]) -> None:
    """Connect a database of this test. Tests are refused connections that are made later."""
    entry = entry | {"CONN_MAX_AGE": None}
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: entry})[alias]
    connections[alias].connect()


def remove(*aliases: str) -> None:
    for alias in aliases:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def test_a_replica_is_read_while_it_lacks_nothing_older_than_the_limit(settings):
    settings.DATABASE_REPLICA_MAX_LAG = 5
    now = 0.0

    def check() -> bool:
        nonlocal now
        now += 1
        if standby.is_usable():
            return True
        with suppress(
            OperationalError, psycopg.OperationalError
        ):  # as the end of a request does with a broken connection
            connections["second"].close()
            connections["second"].connect()
        return False

    with own_postgresql() as first, own_replica(first.url) as second:
        for alias, server in (("first", first), ("second", second)):
            add(alias, env.database(server.url, 0))
        standby = replica.Standby("first", "second", clock=lambda: now)
        try:
            wait_until(check, "the replica to have everything")
            with psycopg.connect(second.url, autocommit=True) as console:
                console.execute("SELECT pg_wal_replay_pause()")
                paused = "SELECT pg_get_wal_replay_pause_state()"
                wait_until(lambda: console.execute(paused).fetchone() == ("paused",), "the replica to lag behind")
                with psycopg.connect(first.url) as written:
                    written.execute("CREATE TABLE more ()")
                assert [check() for _ in range(7)][4:] == [False, False, False]
                console.execute("SELECT pg_wal_replay_resume()")
            wait_until(check, "the replica to catch up")
            second.stop()
            assert not check()
            second.start()
            wait_until(check, "the replica to be asked again")
            assert not replica.Standby("first", "first", clock=lambda: now).is_usable()  # it replays nothing
        finally:
            remove("first", "second")


@pytest.fixture
def read_only(settings, monkeypatch) -> Iterator[None]:
    """The same database by a connection that refuses to write, as a replica does."""
    entry = copy.deepcopy(connections["default"].settings_dict)
    entry["OPTIONS"]["options"] = "-c default_transaction_read_only=on"
    entry["OPTIONS"]["pool"] = None
    add(replica.ALIAS, entry)
    settings.DATABASE_ROUTERS = ["common.storage.replica.Router"]
    settings.DATABASE_REPLICA_MAX_LAG = 5
    standby = replica.Standby()
    monkeypatch.setattr(standby, "_check", lambda now: now + 5)
    monkeypatch.setattr(replica, "standby", standby)
    yield
    remove(replica.ALIAS)


@pytest.fixture
def used(account) -> None:
    make_request(account)
    roll_up()


def first_tables(captured: CaptureQueriesContext) -> set[str]:
    """The table of each statement, without those of its subqueries."""
    found = [re.search(r'^SELECT "(\w+)"\."|FROM "(\w+)"', each["sql"]) for each in captured]
    return {hit[1] or hit[2] for hit in found if hit}


PAGES = ("/activity", "/logs", "/rankings", "/apps")


def test_pages_and_reports_of_usage_read_the_replica_alone_and_never_write_there(
    read_only, used, alice_client, organisation, alice
):
    manager = client_with(issuing.create(organisation, alice, "Reports", is_management=True)[1])
    query = {"metrics": ["request_count"], "dimensions": ["model"]}
    asked = [
        *((path, lambda path=path: alice_client.get(path)) for path in PAGES),
        ("/api/v1/activity", lambda: manager.get("/api/v1/activity")),
        ("analytics", lambda: manager.post("/api/v1/analytics/query", query, content_type="application/json")),
        ("datasets", lambda: manager.get("/api/v1/datasets/rankings-daily")),
    ]
    for name, ask in asked:
        with CaptureQueriesContext(connections[replica.ALIAS]) as there, CaptureQueriesContext(connection) as here:
            response = ask()
        assert response.status_code == 200, (name, response.content)
        assert first_tables(here).isdisjoint(TABLES), name
        assert first_tables(there) and first_tables(there) <= TABLES, name


def test_decisions_and_everything_in_a_transaction_use_the_primary(read_only, account):
    @replica.reads
    def databases() -> list[str]:
        with transaction.atomic():
            inside = Generation.objects.all().db
        return [inside, Generation.objects.all().db, type(account).objects.all().db, Generation.objects.db_manager().db]

    assert databases() == ["default", replica.ALIAS, "default", replica.ALIAS]
    assert Generation.objects.all().db == "default"  # a view that is not marked


def test_a_view_whose_replica_fails_is_answered_by_the_primary(read_only, used, alice_client):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connections[replica.ALIAS].connection.info.backend_pid])
    assert replica.standby.is_usable()
    assert alice_client.get("/activity").status_code == 200
    assert not replica.standby.is_usable()
