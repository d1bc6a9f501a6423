"""Starting the site as its operator does: `.env`, refusals without a traceback, migrations, one web process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.environment import ROOT
from scripts.serve import free_port
from tests.support.processes import Process, Site, wait_until

UVICORN = "-m uvicorn openrouter_site.asgi:application --port {port}"
COMMANDS = ["manage.py check", "manage.py createsuperuser", UVICORN, "-m celery -A openrouter_site worker"]


def ended(command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run a command that ends by itself, with an empty data folder; return its status and its output."""
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(folder / "data")} | variables
    arguments = [sys.executable, "-W", "ignore", *command.format(port=free_port()).split()]
    run = subprocess.run(
        arguments, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    return run.returncode, run.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_reads_the_file_and_prints_only_what_is_wrong_with_it(tmp_path, command):
    (tmp_path / "mine").write_text("DEBUG=false\nSITE_URL='https://gateway.example.com'\nEMAIL_HOST=mail # ours\n")
    status, output = ended(command, tmp_path, ENV_FILE=str(tmp_path / "mine"))
    assert status == 1
    heading, *faults = output.splitlines()
    assert heading == "DEBUG is off and these settings are not safe:"
    assert {fault.split()[1] for fault in faults} == {
        "SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "STRIPE_SECRET_KEY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DATABASE_URL": "mysql://db"}, "DATABASE_URL must start with"),
        ({"SECRET_KEY_FILE": "/nowhere"}, "cannot be read"),
        ({"ENV_FILE": "/nowhere"}, "does not exist"),
    ],
)
def test_a_malformed_setting_is_one_line(tmp_path, variables, message):
    status, output = ended("manage.py check", tmp_path, **variables)
    assert status == 1 and message in output and len(output.splitlines()) == 1


def test_a_server_whose_workers_are_refused_stops(tmp_path):
    _, output = ended(f"{UVICORN} --workers 2", tmp_path, DEBUG="false")
    assert "SECRET_KEY is missing" in output and "Traceback" not in output


@pytest.mark.parametrize("command", [UVICORN, "-m celery -q -A openrouter_site worker"])
def test_pending_migrations_are_named_and_nothing_starts_without_them(tmp_path, command):
    status, output = ended(command, tmp_path)
    assert status in {1, 3} and "Traceback" not in output
    assert "Migrations are not applied: contenttypes.0001_initial, " in output
    assert " more. Run: python manage.py migrate" in output


# --- One web process without Redis


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose web processes each test starts itself."""
    with Site(tmp_path_factory.mktemp("single"), processes=()) as site:
        yield site


@pytest.fixture
def start(folder: Site):
    """Starts a web process on a port of its own; returns it and its URL."""
    running: list[Process] = []

    def start(more: str = "") -> tuple[Process, str]:
        port = free_port()
        command = f"exec python {UVICORN.format(port=port)} {more}"
        running.append(Process(f"web-{len(running)}", command, folder.env, folder.folder))
        return running[-1], f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.stop()
        process.log.unlink()


@pytest.mark.browser
def test_workers_of_one_server_are_refused_without_redis_and_it_stops(start):
    web, _ = start("--workers 2")
    wait_until(lambda: not web.is_alive(), "the server to stop")
    assert "limits, live updates and caches would be per process. Set REDIS_URL" in web.output()
    assert "Traceback" not in web.output()


@pytest.mark.browser
def test_a_second_process_waits_for_the_first_to_end_and_is_refused_if_it_does_not(start):
    first, url = start()
    first.wait_until_it_responds(url)
    second, _ = start()
    wait_until(lambda: not second.is_alive(), "the second process to give up")
    assert f"Another web process runs without REDIS_URL (process {first.pid} on " in second.output()
    assert httpx.get(url, timeout=60).status_code == 200

    third, url = start()
    wait_until(lambda: "Waiting for it to stop" in third.output(), "the third process to wait")
    os.kill(first.pid, signal.SIGKILL)
    third.wait_until_it_responds(url)

    httpx.get(f"{url}/account/confirm-email/a-secret/?next=another-secret", timeout=60)
    wait_until(lambda: "/account/confirm-email/***/?***" in third.output(), "the access line")
    assert "secret" not in third.output()
