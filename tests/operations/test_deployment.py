"""The example of nginx in front of two web processes: restarts, streams, sockets, large bodies."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets.sync.client import connect

from scripts.serve import free_port
from tests.browser.people import Person, new_person
from tests.gateway.test_crash import POSTGRESQL, build_request
from tests.support import nginx
from tests.support.processes import Process, Site, responds, wait_until

MODEL = "openai/gpt-4o-mini"
#: As in `deploy/openrouter-web@.service`.
UNIT = "exec python -m uvicorn openrouter_site.{}:application --host 127.0.0.1 --timeout-graceful-shutdown 60 --port {}"

HELD = "SELECT count(*) FROM gateway_hold"

pytestmark = pytest.mark.skipif(not nginx.NGINX, reason="needs nginx")


class Behind:
    """A site of two units behind nginx."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ports = [free_port(), free_port()]
        self.units: dict[int, Process] = {}
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self, port: int, module: str = "asgi") -> None:
        process = Process(f"web-{port}", UNIT.format(module, port), self.site.env, self.site.folder)
        self.units[port] = self.site.processes[process.name] = process
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/readyz"), f"port {port} to be ready")

    def restart(self, port: int, module: str = "asgi") -> None:
        """Like `systemctl restart`: stop, wait, start."""
        os.killpg(self.units[port].pid, signal.SIGTERM)
        wait_until(lambda: not self.units[port].is_alive(), f"port {port} to stop")
        self.start(port, module)

    def start_nginx(self) -> None:
        """The example's configuration, on other ports and without TLS."""
        command = nginx.command(self.site.folder / "nginx", self.url.removeprefix("http://"), self.ports)
        self.site.processes["nginx"] = process = Process("nginx", command, self.site.env, self.site.folder)
        process.wait_until_it_responds(f"{self.url}/terms")


@pytest.fixture(scope="module")
def behind(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("nginx")
    with Site(folder, postgresql=POSTGRESQL, redis_url=redis_url, processes=("providers",)) as site:
        behind = Behind(site)
        for port in behind.ports:
            behind.start(port)
        behind.start_nginx()
        yield behind


@pytest.fixture(scope="module")
def person(behind: Behind) -> Person:
    return new_person(behind.site)


def request(behind: Behind, person: Person, **headers: str) -> httpx.Request:
    built = build_request(behind.site, person.key, MODEL, **headers)
    return httpx.Request("POST", f"{behind.url}/api/v1/chat/completions", headers=built.headers, content=built.content)


def test_a_rolling_restart_fails_no_request_and_cuts_off_no_stream(behind, person):
    statuses = _restarted_under_load(behind, person, "asgi", pages=("/terms",))
    assert len(statuses) > 10
    assert set(statuses) == {(200, True)}


def test_processes_of_the_gateway_alone_take_over_and_are_replaced_without_a_failed_request(behind, person):
    try:
        assert set(_restarted_under_load(behind, person, "gateway_asgi")) == {(200, True)}
        page = httpx.get(f"{behind.url}/terms", timeout=60)
        assert page.status_code == 404 and "serves inference only" in page.json()["error"]["message"]
        assert httpx.get(f"{behind.url}/api/v1/key", timeout=60).status_code == 404
        assert httpx.get(f"{behind.url}/healthz", timeout=60).text == "ok\n"
        assert set(_restarted_under_load(behind, person, "gateway_asgi")) == {(200, True)}
        wait_until(lambda: behind.site.rows(HELD)[0][0] == 0, "every hold to be settled")
    finally:
        for port in behind.ports:
            behind.restart(port)


def _restarted_under_load(
    behind: Behind, person: Person, module: str, pages: tuple[str, ...] = ()
) -> list[tuple[int, bool]]:
    """(the status, whether it was complete) of each request and page while all processes were replaced.

    Four streams run meanwhile; all of them are complete.
    """
    done, statuses, begun = threading.Event(), [], threading.Semaphore(0)

    def ask() -> None:
        with httpx.Client(timeout=60) as client:
            while not done.is_set():
                sent = client.send(request(behind, person, **{"X-Sandbox-Tokens": "5"}))
                if sent.status_code == 503 and "retry-after" in sent.headers:
                    # It met a process in the instant in which that began to stop. Clients send such a request again.
                    sent = client.send(request(behind, person, **{"X-Sandbox-Tokens": "5"}))
                statuses.append((sent.status_code, sent.text.endswith("data: [DONE]\n\n")))
                statuses.extend((client.get(f"{behind.url}{page}").status_code, True) for page in pages)

    def stream() -> str:
        slow = {"X-Sandbox-Tokens": "100", "X-Sandbox-Delay": "0.05"}
        response = httpx.Client(timeout=60).send(request(behind, person, **slow), stream=True)
        begun.release()
        return response.read().decode()

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        streams = [pool.submit(stream) for _ in range(4)]
        try:
            assert all(begun.acquire(timeout=60) for _ in streams)
            for port in behind.ports:
                behind.restart(port, module)
        finally:
            done.set()
        for each in asking:
            each.result()
        assert all(each.result().endswith("data: [DONE]\n\n") for each in streams)
    return statuses


def test_tokens_come_one_by_one(behind, person):
    slow = {"X-Sandbox-Tokens": "40", "X-Sandbox-Delay": "0.05"}
    with httpx.Client(timeout=60) as client:
        response = client.send(request(behind, person, **slow), stream=True)
        times = [time.monotonic() for chunk in response.iter_raw() if b"content" in chunk]
    assert len(times) > 10 and times[-1] - times[0] > 1


def test_bodies_up_to_the_limit_of_the_site_pass_and_larger_ones_get_its_answer(behind, person):
    def post(size: int) -> httpx.Response:
        body = json.dumps({"model": MODEL, "messages": [], "padding": "x" * size})
        headers = {"Authorization": f"Bearer {person.key}"}
        return httpx.post(f"{behind.url}/api/v1/chat/completions", content=body, headers=headers, timeout=60)

    taken = post(5_000_000)
    assert taken.status_code == 400 and "messages" in taken.json()["error"]["message"]
    refused = post(20 * 1024 * 1024 + 1)
    assert refused.status_code == 413 and "20 MB" in refused.json()["error"]["message"]


def test_sockets_pass(behind, person):
    address = behind.url.replace("http", "ws") + "/ws/chat"
    cookie = {"Cookie": f"sessionid={person.session}"}
    with connect(address, origin=behind.url, additional_headers=cookie) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "ready"


def test_the_answer_has_an_id_and_the_probes_are_reached_from_this_machine(behind):
    assert httpx.get(f"{behind.url}/terms", timeout=60).headers["x-request-id"]
    assert httpx.get(f"{behind.url}/healthz", timeout=60).text == "ok\n"
