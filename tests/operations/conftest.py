"""The site as an operator starts it: two web processes with access lines and JSON logs, and a worker with beat."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from scripts.progress import Stop
from scripts.servers import own_redis
from tests.gateway.test_crash import POSTGRESQL
from tests.support.processes import Process, Site, wait_until

METRICS_TOKEN = "a token for the scraper"
WEB = "exec python -m uvicorn openrouter_site.asgi:application --host 127.0.0.1 --port $PORT --workers 2"
WORKER = (
    'exec python -m celery -A openrouter_site worker --beat --schedule "$DATA_DIR/beat" --concurrency 1 --loglevel INFO'
)
#: Sends the heartbeats of the schedule; the first ones of beat would come after 30 seconds.
BEAT_HEARTS = "exec python -m tests.operations.send_heartbeats"


@dataclass
class Operated:
    """A running site and what its operator sees of it."""

    site: Site

    @property
    def url(self) -> str:
        return self.site.url

    @cached_property
    def key(self) -> str:
        """An API key of an account with $5."""
        return json.loads(self.site.manage("demo_account", "--credits", "5", "--json"))["api_key"]

    def start(self, name: str, command: str, **variables: str) -> Process:
        process = Process(name, command, self.site.env | variables, self.site.folder)
        self.site.processes[name] = process
        return process

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The JSON lines of a process, in order."""
        return [json.loads(line) for line in self.site.processes[name].output().splitlines() if line.startswith("{")]

    def line(self, name: str, **wanted: Any) -> dict[str, Any]:
        """The first line that has these fields; waits for it. A callable decides about its field itself."""

        def fits(line: dict[str, Any]) -> bool:
            return all(
                test(line.get(field, "")) if callable(test) else line.get(field) == test
                for field, test in wanted.items()
            )

        wait_until(lambda: any(map(fits, self.lines(name))), f"a line of {name} with {wanted}", timeout=30)
        return next(filter(fits, self.lines(name)))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of its own: several web processes need one."""
    try:
        with own_redis() as server:
            yield server.url
    except Stop as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def operated(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("operated")
    variables = {"LOG_FORMAT": "json", "METRICS_TOKEN": METRICS_TOKEN}
    with Site(folder, postgresql=POSTGRESQL, redis_url=redis_url, processes=("providers",), **variables) as site:
        operated = Operated(site)
        operated.start("worker", WORKER)
        operated.start("heartbeats", BEAT_HEARTS)
        operated.start("web", WEB).wait_until_it_responds(f"{site.url}/")
        yield operated
