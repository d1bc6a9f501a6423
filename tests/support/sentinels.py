"""A Redis with a replica, and the Sentinel that watches both, for tests of a failover."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.serve import free_port
from scripts.servers import wait_for
from tests.support.processes import wait_until

__all__ = ["Watched", "watched_redis"]

SENTINEL = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor mymaster 127.0.0.1 {master} 1
sentinel down-after-milliseconds mymaster 300
sentinel failover-timeout mymaster 2000
"""


class Watched:
    """The addresses through the Sentinel and of the master, and ways to end that."""

    def __init__(self, url: str, master_url: str, master: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self.master_url = master_url
        self._master = master

    def freeze_master(self) -> None:
        """Let the master hang: its connections stay open, and nothing is answered."""
        self._master.send_signal(signal.SIGSTOP)

    def kill_master(self) -> None:
        """End the master at once, as a crash would. The Sentinel makes the replica the next one."""
        self._master.kill()
        self._master.wait()


@contextlib.contextmanager
def watched_redis() -> Iterator[Watched]:
    """Run the three; skip the test where there is no Redis."""
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("needs redis-server")
    master, replica, sentinel = ports = [free_port() for _ in range(3)]
    assert len(set(ports)) == 3
    with tempfile.TemporaryDirectory(prefix="test-sentinel-") as folder, contextlib.ExitStack() as running:

        def start(port: int, *options: str) -> "subprocess.Popen[bytes]":
            with Path(folder, f"{port}.log").open("wb") as log:
                process = subprocess.Popen([program, *options], stdout=log, stderr=log)
            running.callback(process.wait)
            running.callback(process.kill)
            wait_for(port, process)
            return process

        def server(port: int, *options: str) -> "subprocess.Popen[bytes]":
            directory = Path(folder, str(port))
            directory.mkdir()
            common = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
            return start(port, *common, "--repl-diskless-sync-delay", "0", *options)

        first = server(master)
        server(replica, "--replicaof", "127.0.0.1", str(master))
        file = Path(folder, "sentinel.conf")
        file.write_text(SENTINEL.format(port=sentinel, folder=folder, master=master))
        wait_until(lambda: b"state=online" in _info(program, master), "the replica to follow")
        start(sentinel, str(file), "--sentinel")
        wait_until(lambda: b"slaves=1" in _info(program, sentinel), "the Sentinel to know the replica")
        through = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel}/mymaster/3"
        yield Watched(through, f"redis://127.0.0.1:{master}/3", first)


def _info(program: str, port: int) -> bytes:
    command = [os.path.join(os.path.dirname(program), "redis-cli"), "-p", str(port), "INFO"]
    return subprocess.run(command, capture_output=True, check=False).stdout
