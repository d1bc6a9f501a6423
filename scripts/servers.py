"""Temporary PostgreSQL and Redis servers for tests, each with a private folder and a free port.

They run the programs installed on this machine, so that tests never touch a database in use. `TEST_DATABASE_URL` and
`TEST_REDIS_URL` name running servers to use instead, but never for a test that stops its server.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from scripts.progress import Stop
from scripts.serve import free_port

__all__ = ["Server", "own_postgresql", "own_redis", "own_replica", "postgresql", "redis", "wait_for"]

# Folders of PostgreSQL's server programs if they are not on PATH.
POSTGRESQL_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server's `postgres` database; an empty string if none is installed."""
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given or _postgresql_programs() is None:
        yield given
        return
    with own_postgresql() as server:
        yield server.url


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis server's database 0; an empty string if none is installed."""
    given = os.environ.get("TEST_REDIS_URL", "")
    if given or _redis_program() is None:
        yield given
        return
    with own_redis() as server:
        yield server.url


class Server(Protocol):
    """A server of our own, which a test may stop and start again. It keeps its port, PostgreSQL its data as well."""

    url: str

    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextlib.contextmanager
def own_postgresql(*, max_connections: int = 200, kept_in: str = "") -> Iterator[Server]:
    """Run a PostgreSQL server, whose data stay if `kept_in` names their folder. Raises Stop if none is installed."""
    if (programs := _postgresql_programs()) is None:
        raise Stop("PostgreSQL's server programs are not installed.")
    with _private_folder("test-postgresql-", owner="postgres", kept=kept_in) as (folder, owner):
        data = folder / "data"
        if not data.exists():
            options = ["-U", "postgres", "-A", "trust", "-E", "UTF8"]
            _execute([f"{programs}/initdb", "-D", str(data), *options], folder, owner)
        server = _Postgresql(programs, folder, owner, max_connections)
        with _running(server):
            yield server


@contextlib.contextmanager
def own_replica(url: str) -> Iterator[Server]:
    """Run a streaming replica of a PostgreSQL server on this machine. Raises Stop if its programs are not installed."""
    if (programs := _postgresql_programs()) is None:
        raise Stop("PostgreSQL's server programs are not installed.")
    with _private_folder("test-replica-", owner="postgres") as (folder, owner):
        options = ["-d", url, "-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        _execute([shutil.which("pg_basebackup") or f"{programs}/pg_basebackup", *options], folder, owner)
        server = _Postgresql(programs, folder, owner, max_connections=200)  # at least as many as the primary's
        with _running(server):
            yield server


@contextlib.contextmanager
def own_redis() -> Iterator[Server]:
    """Run a Redis server. Raises Stop if none is installed."""
    if (program := _redis_program()) is None:
        raise Stop("Neither redis-server nor valkey-server is installed.")
    with _private_folder("test-redis-") as (folder, _):
        server = _Redis(program, folder)
        with _running(server):
            yield server


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


class _Postgresql:
    def __init__(self, programs: str, folder: Path, owner: str | None, max_connections: int) -> None:
        port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        self._folder, self._owner = folder, owner
        self._control = [f"{programs}/pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-w"]
        # The data need not survive a crash of the machine.
        self._options = (
            f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections={max_connections}"
        )

    def start(self) -> None:
        _execute([*self._control, "-o", self._options, "start"], self._folder, self._owner)

    def stop(self) -> None:
        """As a crash would: without a word to its clients."""
        if (self._folder / "data" / "postmaster.pid").exists():
            _execute([*self._control, "-m", "immediate", "stop"], self._folder, self._owner)


class _Redis:
    def __init__(self, program: str, folder: Path) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([*self._command, "--databases", "64"], stdout=subprocess.DEVNULL)
        wait_for(self._port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def _redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def _postgresql_programs() -> str | None:
    """Return the folder of `initdb` and `pg_ctl`, the newest version if there are several, or None."""
    if (found := shutil.which("initdb")) and shutil.which("pg_ctl"):
        return str(Path(found).parent)
    folders = [folder for pattern in POSTGRESQL_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    with_programs = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return str(max(with_programs)) if with_programs else None


@contextlib.contextmanager
def _private_folder(prefix: str, owner: str = "", kept: str = "") -> Iterator[tuple[Path, str | None]]:
    """Yield a folder and, for root, the user to run the server as: PostgreSQL refuses to run as root.

    The folder is a new one that is removed at the end, or the one in `kept`.
    """
    as_root = os.name == "posix" and os.geteuid() == 0
    folder = Path(kept).absolute() if kept else Path(tempfile.mkdtemp(prefix=prefix))
    folder.mkdir(exist_ok=True)
    try:
        if as_root and owner:
            shutil.chown(folder, owner)
        yield folder, owner if as_root and owner else None
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _execute(command: list[str], folder: Path, owner: str | None) -> None:
    # The output goes to a file: a server started by the command would keep a pipe open.
    with (folder / "output").open("w+") as output:
        code = subprocess.call(command, stdout=output, stderr=output, cwd=folder, user=owner)
        if code:
            output.seek(0)
            raise Stop(f"{Path(command[0]).name} failed:\n{output.read().rstrip()}")


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server that was just started listens. Raises Stop if it ends, or does not within ten seconds."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise Stop(f"The server on port {port} did not start.")
