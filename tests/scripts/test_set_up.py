"""Set-up, run on a copy of the scripts in a temporary folder, with nothing to download."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from scripts.environment import ROOT


@pytest.fixture
def checkout(tmp_path):
    """A project without requirements: set-up does everything but download."""
    for name in ("scripts", "common"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "requirements").mkdir()
    for name in ("base", "dev", "node"):
        (tmp_path / f"requirements/{name}.txt").write_text("# nothing\n")
    package = {"name": "nothing", "version": "1.0.0"}
    (tmp_path / "package.json").write_text(json.dumps(package))
    lock = {**package, "lockfileVersion": 3, "requires": True, "packages": {"": package}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / ".npmrc").write_text("offline=true\n")
    (tmp_path / "node_modules").mkdir()  # npm does not create an empty one
    return tmp_path


def set_up(checkout, *options, **env):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **env}
    command = [sys.executable, "scripts/dev.py", "setup", *options]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(not shutil.which("npm"), reason="needs npm on PATH: without it, set-up downloads one")
def test_set_up_installs_only_what_is_missing_and_repairs_what_was_interrupted(checkout):
    first = set_up(checkout)
    assert first.returncode == 0, first.stderr
    assert "Creating the virtual environment" in first.stdout and "Installing Python packages" in first.stdout

    again = set_up(checkout)
    assert again.returncode == 0
    assert again.stdout.splitlines() == ["Everything is installed. Start the site with: make run"]

    (checkout / "requirements/dev.txt").write_text("# still nothing\n")
    changed = set_up(checkout)
    assert "Installing Python packages" in changed.stdout and "Creating" not in changed.stdout

    (checkout / ".venv/.installing").touch()  # left behind by a set-up that was killed while pip ran
    interrupted = set_up(checkout)
    assert interrupted.returncode == 0
    assert "incomplete" in interrupted.stdout and "Creating the virtual environment" in interrupted.stdout

    shutil.rmtree(checkout / ".venv/bin")  # ... or by one that was killed earlier
    assert "Creating the virtual environment" in set_up(checkout).stdout


@pytest.mark.skipif(not shutil.which("npm"), reason="needs npm on PATH: without it, set-up downloads one")
def test_production_gets_no_test_tools(checkout):
    (checkout / "requirements/dev.txt").write_text("pytest==0 --hash=sha256:" + "0" * 64 + "\n")  # would fail
    production = set_up(checkout, "--production")
    assert production.returncode == 0, production.stderr
    assert (checkout / ".venv/installed-base").exists() and not (checkout / ".venv/installed-dev").exists()
    assert (checkout / "node_modules/.installed").read_text().endswith(" production")

    unknown = set_up(checkout, "--prod")
    assert unknown.returncode == 1 and "--production" in unknown.stderr


def test_a_missing_package_is_reported_with_the_output_and_a_remedy(checkout):
    requirement = "no-such-package-anywhere==1.0 --hash=sha256:" + "0" * 64
    (checkout / "requirements/dev.txt").write_text(requirement + "\n")
    failed = set_up(checkout)
    assert failed.returncode == 1
    assert "Installing Python packages ... FAILED" in failed.stdout
    assert "no-such-package-anywhere" in failed.stderr
    assert "has no build for this Python" in failed.stderr
    assert not (checkout / ".venv/installed-dev").exists()
