"""A PgBouncer of our own in front of a PostgreSQL server, for tests and measurements."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from scripts.environment import ROOT
from scripts.progress import Stop
from scripts.serve import free_port
from scripts.servers import wait_for

__all__ = ["Pooler", "own_pgbouncer", "pgbouncer_program"]


class Pooler:
    """A running PgBouncer: its process, and the addresses that go through it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.pid = process.pid
        self._port = port

    def in_front_of(self, url: str) -> str:
        """Return the address of the same database through this PgBouncer."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{self._port}"))

    @property
    def console(self) -> str:
        """Return the address of its console, for `SHOW POOLS`."""
        return f"postgres://postgres@127.0.0.1:{self._port}/pgbouncer"


def pgbouncer_program() -> str | None:
    """Return the path of PgBouncer, or None."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def own_pgbouncer(server: str, *, pool_size: int) -> Iterator[Pooler]:
    """Run the PgBouncer of `deploy/pgbouncer.ini` in front of a server that asks for no password.

    `pool_size` bounds its connections to each database. Raises Stop if none is installed.
    """
    if (program := pgbouncer_program()) is None:
        raise Stop("PgBouncer is not installed.")
    parts, port = urlsplit(server), free_port()
    settings = {
        "listen_port": port,
        "auth_type": "any",  # any name is known, and no password asked for
        "auth_file": None,
        "default_pool_size": pool_size,
    }
    text = (ROOT / "deploy/pgbouncer.ini").read_text()
    for name, value in settings.items():
        text, found = re.subn(rf"^({name}) = .*", "" if value is None else rf"\1 = {value}", text, flags=re.MULTILINE)
        assert found == 1, name
    server_of_all = f"* = user={parts.username} host={parts.hostname} port={parts.port}"
    text, found = re.subn(r"^\* = host=\S+ port=\d+", server_of_all, text, flags=re.MULTILINE)
    assert found == 1, "the server of all databases"
    text += "\nunix_socket_dir =\nadmin_users = postgres\n"
    with tempfile.TemporaryDirectory(prefix="test-pgbouncer-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(text)
        Path(folder).chmod(0o755)
        user = ["-u", "postgres"] if os.geteuid() == 0 else []  # it refuses to run as root
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen([program, "-q", *user, str(file)], stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield Pooler(process, port)
        finally:
            process.kill()
            process.wait()
