"""After SIGTERM: running responses end, new requests are refused at once, and nothing hangs."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.people import Person, new_person
from tests.gateway.test_crash import POSTGRESQL, build_request
from tests.gateway.test_shutdown import has_ended, read
from tests.support.gates import Gate
from tests.support.processes import Process, Site, wait_until

MODEL = "openai/gpt-4o-mini"
WEB = (
    "exec python -m uvicorn openrouter_site.asgi:application --host 127.0.0.1 --port $PORT --workers 2"
    " --timeout-graceful-shutdown 30 --timeout-worker-healthcheck 60"
)


@pytest.fixture(scope="module")
def home(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose web processes each test starts itself."""
    folder = tmp_path_factory.mktemp("stopping")
    with Site(folder, postgresql=POSTGRESQL, redis_url=redis_url, processes=("providers",)) as site:
        yield site


@pytest.fixture(scope="module")
def person(home: Site) -> Person:
    return new_person(home)


@pytest.fixture
def web(home: Site) -> Iterator[Process]:
    process = Process("web", WEB, home.env, home.folder)
    try:
        process.wait_until_it_responds(f"{home.url}/healthz")
        wait_until(lambda: len(workers(process)) == 2, "two workers")
        yield process
    finally:
        process.stop()
        process.log.unlink()


def workers(process: Process) -> set[int]:
    """The process numbers of uvicorn's workers that run."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in _command_of(pid)}


def _command_of(pid: str) -> bytes:
    """The command of a process; empty when it has ended in the meantime."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def keep_trying(site: Site, done: threading.Event, found: list[tuple[int, str | None]]) -> None:
    """Find (status, Retry-After) of requests on new connections, until the event or until none is accepted."""
    while not done.is_set():
        try:
            response = httpx.get(f"{site.url}/models", timeout=60)
        except httpx.TransportError:
            break
        found.append((response.status_code, response.headers.get("retry-after")))
        time.sleep(0.05)


def frame(socket: ClientConnection, *kinds: str) -> dict:
    """The next frame of one of these kinds."""
    while (found := json.loads(socket.recv(timeout=60)))["type"] not in kinds:
        pass
    return found


def chat(socket: ClientConnection, name: str) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    socket.send(json.dumps({"type": "ask", "id": name, "body": body}))


def test_running_responses_end_while_new_requests_are_refused_and_nothing_hangs(home, person, web):
    started, done = threading.Semaphore(0), threading.Event()
    gate = Gate(home.providers_url, after=20)
    slow = {"X-Sandbox-Tokens": "80", "X-Sandbox-Delay": "0"} | gate.headers
    address = home.url.replace("http", "ws") + "/ws/chat"
    with (
        ThreadPoolExecutor(12) as pool,
        httpx.Client(timeout=60) as kept,
        connect(
            address, origin=home.url, additional_headers=slow | {"Cookie": f"sessionid={person.session}"}
        ) as socket,
    ):
        streams = [pool.submit(read, home, person.key, MODEL, started, **slow) for _ in range(10)]
        chat(socket, "first")
        frame(socket, "started")
        for _ in streams:
            assert started.acquire(timeout=60)
        assert kept.get(f"{home.url}/terms").status_code == 200
        os.killpg(web.pid, signal.SIGTERM)  # the supervisor and its workers, as a service manager does
        wait_until(lambda: web.output().count("stopping:") >= 2, "the workers to notice")

        attempts: list[tuple[int, str | None]] = []
        trying = pool.submit(keep_trying, home, done, attempts)
        response = kept.get(f"{home.url}/terms")  # on a connection from before
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert response.headers["connection"] == "close" and response.headers["x-request-id"]
        assert response.json()["error"]["metadata"]["error_type"] == "provider_overloaded"
        refused = httpx.post(
            f"{home.url}/api/v1/chat/completions", headers={"Authorization": f"Bearer {person.key}"}, timeout=60
        )
        assert refused.status_code == 503 and refused.headers["access-control-allow-origin"] == "*"
        ready = httpx.get(f"{home.url}/readyz", timeout=60)
        assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
        assert httpx.get(f"{home.url}/healthz", timeout=60).status_code == 200
        chat(socket, "second")
        answer = frame(socket, "refused", "billed")
        assert (answer["type"], answer["id"]) == ("refused", "second")
        assert (answer["status"], answer["retry_after"]) == (503, "5")
        wait_until(lambda: attempts, "an attempt on a new connection")
        gate.open()
        assert frame(socket, "billed")["id"] == "first"

        texts = [stream.result() for stream in streams]
        wait_until(lambda: has_ended(web), "the web processes to end")
        done.set()
    assert all(text.endswith("data: [DONE]\n\n") for text in texts)
    trying.result()
    assert set(attempts) == {(503, "5")}


def test_a_client_that_kept_its_connection_is_told_to_come_back_though_nothing_runs(home, web):
    with httpx.Client(timeout=60) as kept:
        answers = [kept.get(f"{home.url}/terms")]
        os.killpg(web.pid, signal.SIGTERM)
        while answers[-1].status_code == 200:
            time.sleep(0.1)
            answers.append(kept.get(f"{home.url}/terms"))
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (503, "5")
    assert answers[-1].headers["connection"] == "close"
    wait_until(lambda: has_ended(web), "the web processes to end")


def test_a_hangup_replaces_one_worker_after_the_other_and_no_request_fails(home, person, web):
    before, done, statuses = workers(web), threading.Event(), []

    def ask() -> None:
        with httpx.Client(timeout=60) as client:
            while not done.is_set():
                response = client.send(build_request(home, person.key, MODEL, **{"X-Sandbox-Tokens": "3"}))
                statuses.append((response.status_code, response.headers.get("retry-after")))

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            os.kill(web.pid, signal.SIGHUP)
            wait_until(lambda: len(workers(web)) == 2 and not workers(web) & before, "both to be replaced", timeout=120)
        finally:
            done.set()
        for each in asking:
            each.result()
    # A retiring worker may still be given new connections: it tells them to come back.
    assert set(statuses) <= {(200, None), (503, "5")}
    assert statuses.count((200, None)) > len(statuses) / 2
