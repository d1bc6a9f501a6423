"""Temporary PostgreSQL and Redis servers for tests, each with a private folder and a free port.

They run the programs installed on this machine, so that tests never touch a database in use. `TEST_DATABASE_URL` and
`TEST_REDIS_URL` name running servers to use instead.
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

from scripts.progress import Stop
from scripts.serve import free_port

__all__ = ["postgresql", "redis"]

# Folders of PostgreSQL's server programs if they are not on PATH.
POSTGRESQL_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server's `postgres` database; an empty string if none is installed."""
    given = os.environ.get("TEST_DATABASE_URL", "")
    programs = None if given else _postgresql_programs()
    if programs is None:
        yield given
        return
    with _private_folder("test-postgresql-", owner="postgres") as (folder, owner):
        data, port = folder / "data", free_port()
        _execute([f"{programs}/initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"], folder, owner)
        # The data need not survive a crash.
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        start = [f"{programs}/pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start"]
        _execute(start, folder, owner)
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            _execute([f"{programs}/pg_ctl", "-D", str(data), "-m", "immediate", "stop"], folder, owner)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis server's database 0; an empty string if none is installed."""
    given = os.environ.get("TEST_REDIS_URL", "")
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if given or not program:
        yield given
        return
    with _private_folder("test-redis-") as (folder, _):
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        with subprocess.Popen([*command, "--databases", "64"], stdout=subprocess.DEVNULL) as server:
            try:
                _wait_for(port, server)
                yield f"redis://127.0.0.1:{port}/0"
            finally:
                server.terminate()


def _postgresql_programs() -> str | None:
    """Return the folder of `initdb` and `pg_ctl`, the newest version if there are several, or None."""
    if (found := shutil.which("initdb")) and shutil.which("pg_ctl"):
        return str(Path(found).parent)
    folders = [folder for pattern in POSTGRESQL_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    with_programs = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return str(max(with_programs)) if with_programs else None


@contextlib.contextmanager
def _private_folder(prefix: str, owner: str = "") -> Iterator[tuple[Path, str | None]]:
    """Yield a new folder and, for root, the user to run the server as: PostgreSQL refuses to run as root."""
    as_root = os.name == "posix" and os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if as_root and owner:
            shutil.chown(folder, owner)
        yield folder, owner if as_root and owner else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _execute(command: list[str], folder: Path, owner: str | None) -> None:
    # The output goes to a file: a server started by the command would keep a pipe open.
    with (folder / "output").open("w+") as output:
        code = subprocess.call(command, stdout=output, stderr=output, cwd=folder, user=owner)
        if code:
            output.seek(0)
            raise Stop(f"{Path(command[0]).name} failed:\n{output.read().rstrip()}")


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise Stop(f"The server on port {port} did not start.")
