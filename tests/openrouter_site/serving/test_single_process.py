"""The claim to be the only web process."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection

from openrouter_site.serving import single_process
from openrouter_site.serving.single_process import Claim, PostgresqlLock


@pytest.fixture
async def locks(transactional_db) -> AsyncIterator[list[PostgresqlLock]]:
    """Two processes' locks. (They are one process here, but two sessions of the server, which is all that it sees.)"""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    locks = [PostgresqlLock(), PostgresqlLock()]
    yield locks
    for lock in locks:
        await lock.release()


@pytest.mark.postgresql
async def test_the_second_learns_which_process_has_the_lock_and_gets_it_after_the_first(locks):
    first, second = locks
    assert await first.take() is None
    assert (await second.take()).startswith("process ")
    assert await first.take() is None  # keeps it
    await first.release()
    assert await second.take() is None


@pytest.mark.postgresql
async def test_a_lock_that_a_restart_of_the_server_dropped_is_taken_again(locks):
    first, second = locks
    await first.take()
    terminate(first)
    assert await first.take() is None
    assert await second.take()

    terminate(first)
    assert await second.take() is None
    assert await first.take(), "the other was faster"


def terminate(lock: PostgresqlLock) -> None:
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [lock._connection.info.backend_pid])


async def test_with_redis_any_number_may_run(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    claims = [Claim(), Claim()]
    taken = [await asyncio.wait_for(claim.take(), 1) for claim in claims]  # both at a time
    assert taken == [None, None]
    for claim in claims:
        await claim.release()


async def test_a_database_that_is_away_does_not_keep_the_site_from_starting(monkeypatch):
    away = SimpleNamespace(get_connection_params=lambda: {"host": "127.0.0.1", "port": 1})
    monkeypatch.setattr(single_process, "connection", away)
    lock = PostgresqlLock()
    assert await lock.take() is None
    await lock.release()
