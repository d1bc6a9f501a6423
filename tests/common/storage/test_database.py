"""Threads outside Django's requests: each returns its connection to the pool, and finds only connections that work."""

import ast
import asyncio
import os
import threading
from pathlib import Path

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

from accounts.models import User
from common.errors import ServiceUnavailable
from common.storage import database
from common.storage.postgresql.base import is_closed_by_server
from scripts.environment import ROOT

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool")

APPS = ["accounts", "activity", "api", "billing", "chat", "common", "gateway", "keys", "models_catalog", "operations"]
#: The only module that may take a call to another thread by itself.
THE_WAY = ROOT / "common" / "storage" / "database.py"
NOT_ALLOWED = {"sync_to_async", "database_sync_to_async", "SyncToAsync", "aclose_old_connections"}


def async_orm_methods() -> set[str]:
    """The names of the ORM's async methods: `aget`, `asave` and so on."""
    named = {name for kind in (models.QuerySet, models.Model) for name in dir(kind)}
    return {name for name in named if name.startswith("a") and name[1:] in named} | {"aiterator"}


def database_on_other_ways(path: Path) -> list[str]:
    not_allowed = NOT_ALLOWED | async_orm_methods()
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        names = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
        if wrong := names & not_allowed:
            found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {', '.join(wrong)}")
    return found


@needs_postgresql
@pytest.mark.django_db
def test_no_query_is_compiled():
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_async_code_reaches_the_database_only_through_run():
    paths = [path for app in [*APPS, "openrouter_site"] for path in sorted((ROOT / app).rglob("*.py"))]
    assert len(paths) > 200 and {"aget", "afirst", "asave", "aiterator"} <= async_orm_methods()
    found = [line for path in paths if path != THE_WAY for line in database_on_other_ways(path)]
    # Returning the connection of a Django request that broke off is done in the request's own thread.
    assert [line for line in found if not line.startswith("openrouter_site/asgi.py")] == []


def lent() -> int:
    """The connections of this process's pool that are in use."""
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


@needs_postgresql
@pytest.mark.django_db(transaction=True)
async def test_a_call_returns_its_connection_even_when_it_fails():
    def fail() -> None:
        User.objects.count()
        raise ValueError

    others = await database.run(lent)  # an earlier test in the main thread may still have one
    await database.run(User.objects.count)
    before = await database.run(lambda: connection.pool.get_stats()["requests_num"])
    with pytest.raises(ValueError):
        await database.run(fail)
    await asyncio.gather(*(database.run(User.objects.count) for _ in range(20)))
    borrowed = await database.run(lambda: connection.pool.get_stats()["requests_num"])
    assert borrowed - before == 21
    assert await database.run(lent) == others


@pytest.mark.django_db
def test_inside_a_transaction_a_call_is_part_of_it(alice):
    assert connection.in_atomic_block
    assert async_to_sync(database.run)(get_user_model().objects.get) == alice
    alice.refresh_from_db()  # the connection was not closed


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_not_used_is_returned_but_not_inside_a_transaction():
    User.objects.count()
    with transaction.atomic():
        database.release()
        assert connection.connection is not None
    database.release()
    assert connection.connection is None


async def test_a_call_that_finds_no_free_thread_in_time_is_refused(monkeypatch):
    taken, busy = threading.Semaphore(0), threading.Event()

    def block() -> bool:
        taken.release()
        return busy.wait(60)

    blocking = [asyncio.create_task(database.run(block)) for _ in range(database.THREADS)]
    for _ in blocking:
        assert await asyncio.to_thread(taken.acquire, timeout=30)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MAX_WAIT", 0.0)
        late = asyncio.create_task(database.run(lambda: "too late"))
        await asyncio.sleep(0.01)  # it waits for longer than it may
        busy.set()
        with pytest.raises(ServiceUnavailable):
            await late
    assert all(await asyncio.gather(*blocking))
    assert await database.run(lambda: "in time") == "in time"


# --- The pool


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_connections_that_the_server_has_closed_are_never_lent():
    raw = borrow_all()
    others = [each.info.backend_pid for each in raw]
    for each in raw:
        connection.pool.putconn(each)
    terminate(others)
    assert all(is_closed_by_server(each) for each in raw)
    for _ in range(len(raw)):
        assert User.objects.count() == 0
        connection.close()


def borrow_all() -> list[psycopg.Connection]:
    """Every connection that the pool can have."""
    User.objects.count()
    connection.close()
    return [connection.get_new_connection(connection.get_connection_params()) for _ in range(connection.pool.max_size)]


def terminate(pids: list[int]) -> None:
    settings = connection.settings_dict
    with psycopg.connect(
        dbname="postgres",
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        autocommit=True,
    ) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_pool_never_opens_more_than_its_bound(monkeypatch):
    raw = borrow_all()
    monkeypatch.setattr(connection.pool, "timeout", 0.1)
    try:
        with pytest.raises(psycopg.OperationalError, match="couldn't get a connection"):
            connection.get_new_connection(connection.get_connection_params())
    finally:
        for each in raw:
            connection.pool.putconn(each)
    assert User.objects.count() == 0


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_forked_process_opens_connections_of_its_own(alice):
    User.objects.count()
    parent = connection.connection.info.backend_pid
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            found = User.objects.get().email == alice.email
            os.write(writing, f"{found} {connection.connection.info.backend_pid != parent}".encode())
            connection.close()
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)  # without the parent's handlers
    _, status = os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert (pipe.read(), status) == ("True True", 0)
    assert User.objects.get() == alice
    assert connection.connection.info.backend_pid == parent
