"""Run clients against a site with simulated providers, and print a row of docs/clients.md for each.

    make clients                              # all: installs about 2 GB, takes several minutes
    make clients ARGS="openai.py litellm.py"  # some of them
    make clients ARGS="--write"               # the rows go into docs/clients.md as well
    make clients ARGS="--installed"           # with the packages of the last time

Packages are installed in their newest versions below var/clients, or CLIENTS_DIR. The exit code is 1 when a client
could not be installed, or something failed with it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.environment import ROOT
from tests.clients.catalog import CLIENTS, PAGE, SCRIPTS, Client, Trial, header, reported, row, with_rows
from tests.support.processes import Site

FOLDER = Path(os.environ.get("CLIENTS_DIR", ROOT / "var/clients"))
SECONDS = 300  # for one script
VERSION = "import sys, importlib.metadata as them; print(them.version(sys.argv[1]))"


def main(arguments: Sequence[str]) -> int:
    """Run the clients named, or all. Return the exit code."""
    names = [argument for argument in arguments if not argument.startswith("-")]
    if unknown := set(names) - {client.name for client in CLIENTS}:
        print(f"No client is called {', '.join(sorted(unknown))}: {', '.join(client.name for client in CLIENTS)}")
        return 2
    chosen = [client for client in CLIENTS if not names or client.name in names]
    with (
        tempfile.TemporaryDirectory(prefix="clients-") as folder,
        Site(Path(folder), processes=("providers", "web"), SANDBOX_PROVIDERS_SPEED="20") as site,
    ):
        key = json.loads(site.manage("demo_account", "--credits", "100", "--json"))["api_key"]
        trials = {client: tried(client, site.url, key, newest="--installed" not in arguments) for client in chosen}
    today = datetime.now(tz=UTC).date()
    rows = [row(client, trial, today) for client, trial in trials.items()]
    print("", header(), *rows, sep="\n")
    if "--write" in arguments:
        PAGE.write_text(with_rows(PAGE.read_text(), rows))
    return int(any(error for trial in trials.values() for error in trial.errors.values()))


def tried(client: Client, site: str, key: str, *, newest: bool = True) -> Trial:
    """Install a client, in its newest version or the one that is there, and run its script."""
    print(f"{client.title} ...", flush=True)
    folder = FOLDER / client.name
    (folder / "home").mkdir(parents=True, exist_ok=True)
    install = _install_python if client.script.endswith(".py") else _install_javascript
    try:
        program, version = install(client, folder, newest)
    except (subprocess.CalledProcessError, OSError) as error:
        return _failed(f"not installed: {error}")
    for name in (client.script, "feature.py", "feature.mjs"):
        shutil.copy(SCRIPTS / name, folder)
    env = {"PATH": os.pathsep.join([str(program.parent), os.environ["PATH"]]), "HOME": str(folder / "home")}
    env |= {"SITE": site, "KEY": key, "NO_PROXY": "127.0.0.1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [str(program), client.script]
    try:
        ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return _failed(f"no end after {SECONDS} s", version)
    trial = reported(ended.stdout)
    (folder / "errors.log").write_text(ended.stderr)
    for feature, reason in trial.errors.items():
        if reason:
            print(f"  {feature}: {reason[:500]} (all of it in {folder / 'errors.log'})")
    if not trial.errors:
        return _failed(ended.stderr[-2000:], version)
    return Trial(trial.version or version, trial.errors)


def _failed(reason: str, version: str = "") -> Trial:
    print(f"  {reason}")
    return Trial(version, {"answer": reason})


def _install_python(client: Client, folder: Path, newest: bool) -> tuple[Path, str]:
    """(the interpreter of the script's own environment, the version of the first package or an empty text)."""
    python = folder / "venv/bin/python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
    if not client.packages:
        return python, ""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    if newest:
        subprocess.run([python, "-m", "pip", "install", *quiet, "--upgrade", *client.packages], check=True)
    package = client.packages[0].partition("[")[0]
    return python, subprocess.check_output([python, "-c", VERSION, package], text=True).strip()


def _install_javascript(client: Client, folder: Path, newest: bool) -> tuple[Path, str]:
    node = Path(shutil.which("node") or "node")
    if not client.packages:
        return node, ""
    if newest:
        (folder / "package.json").write_text('{"private": true}')
        packages = [f"{package}@latest" for package in client.packages]
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "install", *quiet, *packages], cwd=folder, check=True)
    return node, json.loads((folder / "node_modules" / client.packages[0] / "package.json").read_text())["version"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
