"""Every program of the documentation is run against the site, as it is written there."""

import ast
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from documentation.library import current
from scripts.environment import ROOT
from tests.browser.people import Person
from tests.support.processes import Site

from .samples import Sample, samples_in

MANAGEMENT_KEY = """
from accounts.models import User
from keys import issuing
user = User.objects.get(email="{email}")
print("MADE", issuing.create(user.personal_organisation, user, "Manager", is_management=True)[1])
"""
#: A curl that fails with the status, and shows the body.
CURL = 'curl() { command curl --fail-with-body --silent --show-error "$@"; }\n'
RUNNER = """
const [, , ...files] = process.argv;
for (const file of files) {
  try {
    await import(file);
  } catch (error) {
    console.error(`${file}: ${error.stack ?? error}`);
    process.exitCode = 1;
  }
}
"""
SLUGS = [page.slug for page in current().pages]


@pytest.fixture
def environment(site: Site, customer: Person) -> dict[str, str]:
    printed = site.manage("shell", "--no-imports", "-c", MANAGEMENT_KEY.format(email=customer.email))
    manager = re.search(r"^MADE (\S+)", printed, re.MULTILINE)
    assert manager, printed
    return {"OPENROUTER_API_KEY": customer.key, "OPENROUTER_MANAGEMENT_KEY": manager[1]}


@pytest.fixture
def samples(site: Site) -> list[Sample]:
    """The programs with the address of the running site, from its own pages."""
    found: list[Sample] = []
    for slug in SLUGS:
        page = requests.get(f"{site.url}/docs/{slug}.md", timeout=60)
        assert page.ok, slug
        found += samples_in(slug, page.text)
    return found


def of(samples: list[Sample], language: str) -> list[Sample]:
    chosen = [sample for sample in samples if sample.runs and sample.language == language]
    assert len(chosen) > 5
    return chosen


def test_shell_samples_run(samples, environment):
    for sample in of(samples, "shell"):
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", CURL + sample.code],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, f"{sample.page} {sample.number}: {run.stdout}{run.stderr}"
        events = (line.removeprefix("data: ") for line in run.stdout.splitlines())
        for event in (each for each in events if each.startswith("{") and each.endswith("}")):
            assert not json.loads(event).get("error"), f"{sample.page} {sample.number}"


def test_python_samples_run(samples, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for sample in of(samples, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = compile(sample.code, f"{sample.page} {sample.number}", "exec")
            exec(code, {"__name__": "__main__"})
        assert printed.getvalue().strip() not in {"", "None"}, sample


def test_typescript_samples_run(samples, environment):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node.js is not installed")
    folder = Path(os.environ["DATA_DIR"]) / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(ROOT / "node_modules")
    (folder / "run.mjs").write_text(RUNNER)
    files = []
    for sample in of(samples, "typescript"):
        file = folder / f"{sample.page.replace('/', '-')}-{sample.number}.mjs"
        file.write_text(sample.code + "\nexport {};\n")
        files.append(str(file))
    run = subprocess.run(
        [node, folder / "run.mjs", *files],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-4000:]


def test_samples_that_need_packages_are_sound_code(samples):
    left = [sample for sample in samples if not sample.runs]
    assert {sample.page for sample in left} == {"api-reference/organization", "frameworks", "quickstart"}
    for sample in left:
        if sample.language == "python":
            ast.parse(sample.code)
