"""The real processes, for tests: on free ports, each run with its own data.

`Site` runs the commands of the Procfile; `provider_sandbox`, `stripe_sandbox` and `coinbase_sandbox` run one sandbox
each. They capture the output, wait until the process responds, and always stop it at the end.
"""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import redis
from honcho.environ import parse_procfile

from scripts.environment import ROOT
from scripts.serve import free_port
from tests.support import databases

__all__ = ["Process", "Site", "coinbase_sandbox", "provider_sandbox", "stripe_sandbox", "wait_until"]

TIMEOUT_SECONDS = 60
#: Opens addresses without a proxy. Made once: each one reads the certificates of all authorities.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Variables of a developer's shell that a site under test must not inherit.
NOT_INHERITED = re.compile(
    r"(DATABASE_URL|REDIS_URL|STRIPE_|COINBASE_|SANDBOX_|PROVIDER_|EMAIL_|SITE_|DEBUG|DJANGO_|.*_API_KEY)"
)


class Process:
    """A running command; its output goes to a file."""

    def __init__(self, name: str, command: str, env: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._output = self.log.open("ab")
        self._popen = subprocess.Popen(
            command,
            shell=True,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group, so that `stop` reaches its children too
        )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def output(self) -> str:
        """Return its output so far."""
        return self.log.read_text(errors="replace")

    def wait_until_it_responds(self, url: str) -> None:
        """Wait until `url` responds with a status below 500. AssertionError if it takes too long."""
        wait_until(lambda: not self.is_alive() or responds(url), f"{self.name} to respond at {url}")
        assert self.is_alive(), f"{self.name} exited:\n{self.output()}"

    def kill(self) -> None:
        """End it and its child processes at once, as a crash would."""
        os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """Stop it and its child processes; kill them after ten seconds."""
        for chosen in (with_signal, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, chosen)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout=10)
                break
        with contextlib.suppress(ProcessLookupError):  # children that outlived the shell
            os.killpg(self.pid, signal.SIGKILL)
        self._output.close()


class Site:
    """The whole site: `with Site(folder) as site: site.url`.

    Embedded (SQLite, files) unless the URLs of a PostgreSQL server and a Redis database are given. It creates a new
    database on the server, and empties the Redis database.
    """

    def __init__(
        self,
        folder: Path,
        *,
        postgresql: str = "",
        redis_url: str = "",
        processes: Sequence[str] = ("stripe", "coinbase", "providers", "web", "worker"),
        **variables: str,
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.names = processes
        self.processes: dict[str, Process] = {}
        ports = {name: free_port() for name in ("web", "providers", "stripe", "coinbase")}
        addresses = [f"http://127.0.0.1:{port}" for port in ports.values()]
        self.url, self.providers_url, self.stripe_url, self.coinbase_url = addresses
        self._server = postgresql
        self._redis_url = redis_url
        self._database = f"site_{uuid.uuid4().hex[:12]}"
        self._manager: subprocess.Popen[str] | None = None
        self.env = {name: value for name, value in os.environ.items() if not NOT_INHERITED.match(name)}
        self.env |= {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), self.env.get("PATH", "")]),
            "DATA_DIR": str(self.data_dir),
            "WEB_HOST": "127.0.0.1",
            "PORT": str(ports["web"]),
            "SANDBOX_PROVIDERS_PORT": str(ports["providers"]),
            "SANDBOX_STRIPE_PORT": str(ports["stripe"]),
            "SANDBOX_COINBASE_PORT": str(ports["coinbase"]),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": re.sub(r"/[^/]*$", f"/{self._database}", postgresql) if postgresql else "",
            "REDIS_URL": redis_url,
            **variables,
        }

    def __enter__(self) -> "Site":
        try:
            self._make_stores()
            for name in self.names:
                self.start(name)
            for name in self.names:
                self._wait_for(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str) -> None:
        """Start one process of the Procfile."""
        command = parse_procfile((ROOT / "Procfile").read_text()).processes[name]
        env = self.env | {"PGAPPNAME": name}  # tells whose connections PostgreSQL has
        self.processes[name] = Process(name, command, env, self.folder)

    @contextlib.contextmanager
    def another_web_process(self) -> Iterator[tuple[Process, str]]:
        """Run one more web process of this site; yield it and its URL."""
        port = free_port()
        command = f"python -m uvicorn openrouter_site.asgi:application --port {port} --log-level warning"
        process = Process(f"web-{port}", command, self.env, self.folder)
        try:
            process.wait_until_it_responds(f"http://127.0.0.1:{port}/")
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.stop()

    def _wait_for(self, name: str) -> None:
        addresses = {
            "web": f"{self.url}/",
            "providers": self.providers_url,
            "stripe": self.stripe_url,
            "coinbase": self.coinbase_url,
        }
        if name in addresses:  # the worker has no address
            self.processes[name].wait_until_it_responds(addresses[name])

    def stop(self) -> None:
        """Stop every process and drop the database."""
        if self._manager:
            self._manager.communicate()
        for process in reversed(self.processes.values()):
            process.stop()
        if self._server:
            databases.drop(self._server, self._database)

    def manage(self, *arguments: str) -> str:
        """Run a management command and return its output. AssertionError if it fails."""
        errors = self.folder / "commands.log"
        if not self._manager:  # one process for all commands: starting Django takes longer than running them
            command, pipe = [sys.executable, "-m", "tests.support.commands"], subprocess.PIPE
            with errors.open("w") as log:
                self._manager = subprocess.Popen(
                    command, env=self.env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True
                )
        assert self._manager.stdin and self._manager.stdout
        self._manager.stdin.write(f"{json.dumps(arguments)}\n")
        self._manager.stdin.flush()
        succeeded, printed = json.loads(self._manager.stdout.readline() or "[false, null]")
        assert succeeded, f"{' '.join(arguments)}:\n{printed}{errors.read_text()}"
        return str(printed)

    def output(self) -> str:
        """Return the output of all processes so far."""
        return "".join(process.output() for process in self.processes.values())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query to the site's database."""
        if self._server:
            with psycopg.connect(self.env["DATABASE_URL"]) as connection:
                return list(connection.execute(query.encode()))
        with contextlib.closing(sqlite3.connect(self.data_dir / "site.sqlite3")) as database:
            return list(database.execute(query))

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        listing = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            if self._server
            else "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
        return sorted(str(name) for (name,) in self.rows(listing))

    def _make_stores(self) -> None:
        if self._server:
            databases.make_on_server(self._server, self._database, self._fill_the_database)
        else:
            databases.make_file(self.data_dir / "site.sqlite3", self._fill_the_database)
        if self._redis_url:
            redis.Redis.from_url(self._redis_url).flushdb()

    def _fill_the_database(self) -> None:
        """Migrate and load the catalog."""
        command = [sys.executable, "-m", "scripts.prepare"]
        ended = subprocess.run(command, env=self.env, cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"


@contextlib.contextmanager
def provider_sandbox(folder: Path, *options: str) -> Iterator[str]:
    """Run the providers sandbox alone; yield its URL."""
    with _alone("sandbox.providers", folder, options) as url:
        yield url


@contextlib.contextmanager
def stripe_sandbox(folder: Path, *options: str) -> Iterator[str]:
    """Run the Stripe sandbox alone; yield its URL."""
    with _alone("sandbox.stripe", folder, ("--data", str(folder / "stripe.sqlite3"), *options)) as url:
        yield url


@contextlib.contextmanager
def coinbase_sandbox(folder: Path, *options: str) -> Iterator[str]:
    """Run the Coinbase sandbox alone; yield its URL."""
    with _alone("sandbox.coinbase", folder, ("--data", str(folder / "coinbase.sqlite3"), *options)) as url:
        yield url


@contextlib.contextmanager
def _alone(module: str, folder: Path, options: Sequence[str]) -> Iterator[str]:
    port = free_port()
    command = subprocess.list2cmdline([sys.executable, "-m", module, "--port", str(port), *options])
    process = Process(module, command, dict(os.environ), folder)
    try:
        process.wait_until_it_responds(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def wait_until(condition: Callable[[], object], what: str, timeout: float = TIMEOUT_SECONDS) -> None:
    """Wait until the condition holds. AssertionError, with `what`, after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(0.05)


def responds(url: str) -> bool:
    """Return whether `url` responds with a status below 500."""
    try:
        with DIRECT.open(url, timeout=TIMEOUT_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
