"""/healthz says that the process lives, /readyz what it can use."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from common.clock import utc_now
from operations.health import queues, readiness
from operations.models import Heartbeat
from operations.serving.probes import Probes
from operations.serving.shutdown import Shutdown
from tests.operations.conftest import WEB
from tests.operations.heartbeats import beat_hearts
from tests.support.processes import Process, Site, wait_until


def client(shutdown: Shutdown | None = None) -> httpx.AsyncClient:
    probes = Probes(shutdown or Shutdown(lambda: False))
    # A host that the site doesn't serve: probes call an address.
    return httpx.AsyncClient(transport=httpx.ASGITransport(probes), base_url="http://10.1.2.3:8000")


@pytest.fixture
async def database(transactional_db: None) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()  # those of the threads of asynchronous code


async def test_healthz_needs_nothing():
    async with client() as http:
        response = await http.get("/healthz")
        assert (response.status_code, response.text) == (200, "ok\n")
        assert (await http.post("/healthz")).status_code == 405


async def test_readyz_names_the_state_of_each_part(database):
    await sync_to_async(beat_hearts)()
    async with client() as http:
        response = await http.get("/readyz")
    redis = "ok" if readiness.settings.REDIS_URL else "unused"
    assert response.json() == {
        "status": "ready",
        "parts": {"database": "ok", "migrations": "ok", "worker": "ok", "redis": redis},
    }
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")


async def test_without_a_worker_of_each_queue_pages_are_served_but_a_strict_monitor_gets_a_503(database):
    await sync_to_async(beat_hearts)()
    long_ago = utc_now() - queues.SILENT_AFTER - timedelta(seconds=1)
    await Heartbeat.objects.filter(name="usage").aupdate(seen_at=long_ago)
    await Heartbeat.objects.filter(name="mail").adelete()
    async with client() as http:
        served, strict = await http.get("/readyz"), await http.get("/readyz?strict")
    assert (served.status_code, strict.status_code) == (200, 503)
    assert served.json()["status"] == strict.json()["status"] == "degraded"
    assert served.json()["parts"]["worker"] == "silent: mail, usage"


async def test_pending_migrations_are_a_503(database):
    recorder = await sync_to_async(MigrationRecorder)(connection)
    (latest,) = (await sync_to_async(MigrationLoader)(connection)).graph.leaf_nodes("operations")
    await sync_to_async(recorder.record_unapplied)(*latest)
    try:
        async with client() as http:
            response = await http.get("/readyz")
    finally:
        await sync_to_async(recorder.record_applied)(*latest)
    assert response.status_code == 503
    assert response.json()["parts"]["migrations"] == "pending"


async def test_without_redis_requests_are_served_so_that_proxies_keep_the_process(database, settings):
    await sync_to_async(beat_hearts)()
    settings.REDIS_URL = "redis://:a-secret@127.0.0.1:1/0"
    async with client() as http:
        served, strict = await http.get("/readyz"), await http.get("/readyz?strict")
    assert (served.status_code, strict.status_code) == (200, 503)
    assert served.json() == {
        "status": "degraded",
        "parts": {"database": "ok", "migrations": "ok", "worker": "ok", "redis": "failed"},
    }
    assert "secret" not in served.text and "127.0.0.1" not in served.text


async def test_a_redis_that_hangs_is_a_timeout_and_served_all_the_same(database, settings, monkeypatch):
    await sync_to_async(beat_hearts)()
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        async with client() as http:
            response = await http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["parts"]["redis"] in {"timeout", "failed"}


async def test_a_stopping_process_is_not_ready_and_alive():
    shutdown = Shutdown(lambda: True)
    shutdown.stopping = True
    async with client(shutdown) as http:
        ready, alive = await http.get("/readyz"), await http.get("/healthz")
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
    assert alive.status_code == 200


async def test_a_hanging_check_is_a_timeout_and_is_not_started_twice():
    started, gate = [], threading.Event()

    def hang() -> dict[str, str]:
        started.append(True)
        gate.wait(30)
        return {"database": "ok"}

    check = readiness.Check(hang, ("database",), seconds=0.05)
    try:
        both = await asyncio.gather(check.states(), check.states())
        assert both == [{"database": "timeout"}] * 2
        assert await check.states() == {"database": "timeout"}
    finally:
        gate.set()
    assert len(started) == 1


# --- The running site


def test_the_running_site_becomes_ready(operated):
    wait_until(
        lambda: httpx.get(f"{operated.url}/readyz", timeout=60).json()["status"] == "ready", "the site to be ready"
    )
    assert httpx.get(f"{operated.url}/healthz", headers={"Host": "10.1.2.3"}, timeout=60).status_code == 200


def test_the_answer_comes_in_time_when_the_database_hangs(tmp_path):
    """A listener that accepts and never answers, like a host that is gone."""
    with socket.create_server(("127.0.0.1", 0)) as silent, Site(tmp_path, processes=()) as site:
        port = silent.getsockname()[1]
        env = site.env | {"DATABASE_URL": f"postgres://user:a-secret@127.0.0.1:{port}/site"}
        process = Process("web", WEB.replace("--workers 2", ""), env, tmp_path)
        try:
            wait_until(lambda: "Uvicorn running on" in process.output(), "uvicorn to run")
            for _ in range(2):  # the second finds the first still hanging
                response = httpx.get(f"{site.url}/readyz", timeout=30)
                assert response.status_code == 503
                assert response.json()["parts"]["database"] in {"timeout", "failed"}
            assert httpx.get(f"{site.url}/healthz", timeout=30).status_code == 200
        finally:
            process.stop(9)


def test_a_database_that_refuses_is_a_failure_without_details(tmp_path):
    with Site(tmp_path, processes=()) as site:
        env = site.env | {"DATABASE_URL": "postgres://user:a-secret@127.0.0.1:1/site"}
        process = Process("web", WEB.replace("--workers 2", ""), env, tmp_path)
        try:
            wait_until(lambda: "Uvicorn running on" in process.output(), "uvicorn to run")
            response = httpx.get(f"{site.url}/readyz", timeout=30)
            assert response.json()["parts"]["database"] in {"timeout", "failed"}
            assert "secret" not in response.text
        finally:
            process.stop(9)
