"""Commands of the documents, run word for word as an operator would."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.environment import ROOT
from tests.support.processes import Process, Site

__all__ = ["commands", "run", "serving"]


def commands(page: str, title: str) -> list[str]:
    """Return the blocks of commands of a section of `docs/operations/`."""
    text = (ROOT / "docs/operations" / page).read_text()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, title
    return [block.replace("\n    ", "\n").strip() for block in re.findall(r"(?:^    .+\n)+", found[1], re.M)]


def run(command: str, folder: Path, env: dict[str, str]) -> str:
    """Run commands in the folder of the site; files that they write go to `folder`. Return what they print."""
    program = folder / "manage.py"
    if not program.exists():
        program.symlink_to(ROOT / "manage.py")
    ended = subprocess.run(
        ["bash", "-eu"], input=command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}"
    return ended.stdout


@contextlib.contextmanager
def serving(site: Site, env: dict[str, str], name: str, application: str = "gateway_asgi") -> Iterator[None]:
    """Serve with these settings in place of the site's own web process: the gateway alone, or the whole site (asgi)."""
    command = f'exec python -m uvicorn openrouter_site.{application}:application --port "$PORT" --log-level warning'
    process = Process(name, command, env, site.folder)
    try:
        process.wait_until_it_responds(f"{site.url}/readyz")
        yield
    finally:
        process.stop()
