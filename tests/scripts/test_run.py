"""Starting and stopping: ports, processes that exit, Ctrl+C."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

from scripts.environment import DEFAULTS, ROOT
from scripts.serve import free_port
from tests.support.processes import responds, wait_until


@contextlib.contextmanager
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def start(*arguments, **settings):
    env = os.environ | DEFAULTS | {"PYTHONUNBUFFERED": "1"} | {name: str(value) for name, value in settings.items()}
    env["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), env["PATH"]])
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_taken_port_is_reported_with_a_command_that_works(tmp_path):
    with taken_port() as port, taken_port() as other:
        settings = {"PORT": port, "SANDBOX_STRIPE_PORT": other}
        settings |= {"SANDBOX_PROVIDERS_PORT": free_port(), "SANDBOX_COINBASE_PORT": free_port()}
        ended = start("scripts/dev.py", "run", DATA_DIR=tmp_path, **settings)
        output, _ = ended.communicate(timeout=30)
    assert ended.returncode == 1
    assert f"Ports {port} (PORT) and {other} (SANDBOX_STRIPE_PORT) are in use" in output
    assert " make run" in output and f"PORT={port} " not in output
    assert list(tmp_path.iterdir()) == []  # it checks the ports first


def test_the_suggested_ports_are_free_and_all_different(tmp_path):
    """Two adjacent ports are taken, as by the same site in another window."""
    first = next(
        port for port in range(20_000, 60_000, 7) if free_port(port) == port and free_port(port + 1) == port + 1
    )
    with socket.create_server(("127.0.0.1", first)), socket.create_server(("127.0.0.1", first + 1)):
        settings = {"SANDBOX_STRIPE_PORT": first, "SANDBOX_COINBASE_PORT": first + 1, "PORT": free_port()}
        ended = start("scripts/dev.py", "run", DATA_DIR=tmp_path, SANDBOX_PROVIDERS_PORT=free_port(), **settings)
        output, _ = ended.communicate(timeout=30)
    suggested = re.search(r"SANDBOX_STRIPE_PORT=(\d+) SANDBOX_COINBASE_PORT=(\d+) make run", output)
    assert suggested, output
    assert len({suggested[1], suggested[2], str(first), str(first + 1)}) == 4


def test_a_process_that_exits_is_named_with_its_last_lines(tmp_path):
    with taken_port() as port:
        running = start("-m", "scripts.procfile", "providers", SANDBOX_PROVIDERS_PORT=port, PORT=free_port())
        output, _ = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "providers exited unexpectedly (code " in output
    last_lines = output.partition("Its last lines:")[2]
    assert "address already in use" in last_lines.lower()


def test_ctrl_c_stops_every_process_with_exit_code_0(tmp_path):
    port = free_port()
    running = start("-m", "scripts.procfile", "providers", SANDBOX_PROVIDERS_PORT=port, PORT=free_port())
    try:
        wait_until(lambda: responds(f"http://127.0.0.1:{port}/"), "the sandbox to respond")
        os.killpg(running.pid, signal.SIGINT)
        output, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0
    assert output.rstrip().endswith("Stopped.")
    time.sleep(0.1)
    assert not responds(f"http://127.0.0.1:{port}/")


def test_an_unknown_verb_prints_the_list_of_verbs():
    ended = start("scripts/dev.py", "fly")
    output, _ = ended.communicate(timeout=30)
    assert ended.returncode == 2
    assert "make" not in output.splitlines()[0] and "run " in output and "test [ARGS]" in output
