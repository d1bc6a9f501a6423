"""The catalog of inference requests: refreshed in the background, kept while the database fails."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections

from gateway.routing.catalogue_cache import catalogue
from models_catalog import catalog
from models_catalog.models import CatalogueVersion, Endpoint
from tests.gateway import factory


@pytest.fixture
async def served(transactional_db):
    await sync_to_async(factory.endpoint)(await sync_to_async(factory.model)(), "cheap", factory.CHEAP)
    yield
    await sync_to_async(connections.close_all)()


async def changed_elsewhere() -> None:
    """Another process adds a model: its rows and the stamp are all that this process can see."""

    def change() -> None:
        in_memory = catalog.memory.peek(None)
        factory.endpoint(factory.model("acme/two"), "cheap", factory.CHEAP)
        catalog.memory.put(None, in_memory, read_at=catalog.memory.now())

    await sync_to_async(change)()


async def refreshed() -> None:
    """Let the background refresh finish."""
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)


async def test_a_request_does_not_wait_for_the_refresh(served, clock):
    first = await catalogue()
    await changed_elsewhere()
    clock.now += 1.9
    assert await catalogue() is first
    clock.now += 0.1
    assert await catalogue() is first
    await refreshed()
    assert set((await catalogue()).models) == {"acme/one", "acme/two"}


async def test_pages_that_read_the_catalog_later_do_not_delay_the_refresh(served, clock):
    await catalogue()
    clock.now += 1
    await sync_to_async(catalog.recheck)()
    await changed_elsewhere()
    clock.now += 1
    await catalogue()
    await refreshed()
    assert "acme/two" in (await catalogue()).models


async def test_the_first_request_after_a_pause_sees_what_was_turned_off_in_it(served, clock):
    await catalogue()

    def turn_off_elsewhere() -> None:
        in_memory = catalog.memory.peek(None)
        Endpoint.objects.update(enabled=False)
        catalog.touch()
        catalog.memory.put(None, in_memory, read_at=catalog.memory.now())

    await sync_to_async(turn_off_elsewhere)()
    clock.now += 3600
    assert (await catalogue()).models == {}


async def test_one_refresh_runs_at_a_time(served, clock, monkeypatch):
    first = await catalogue()
    rechecks = []
    monkeypatch.setattr(catalog, "recheck", lambda: rechecks.append(1) or first)
    for _ in range(3):
        clock.now += 2  # longer than the refresh is given
        assert [await catalogue() for _ in range(5)] == [first] * 5
    await refreshed()
    assert len(rechecks) == 1


async def test_without_the_database_requests_keep_the_last_catalog(served, clock, monkeypatch, caplog):
    first = await catalogue()

    def fail() -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as outage:
        outage.setattr(catalog, "recheck", fail)
        clock.now += 3600
        assert await catalogue() is first
        await refreshed()
        assert "could not be refreshed (DatabaseError)" in caplog.text
        assert await catalogue() is first
    await sync_to_async(CatalogueVersion.objects.update)(stamp=first.stamp + 1)
    clock.now += 2
    await catalogue()
    await refreshed()
    assert await catalogue() is not first
