"""OpenAI's coding agent, unmodified, against the running site: it finishes a task with its tools.

It runs where the program is: as `codex` on PATH, or where the variable CODEX says.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.people import Person
from tests.processes import Site

CODEX = os.environ.get("CODEX") or shutil.which("codex")

pytestmark = pytest.mark.skipif(not CODEX, reason="Codex is not installed: npm install --global @openai/codex")

#: As in docs/clients.md, with a command that needs no permission.
CONFIG = """
model = "{model}"
model_provider = "site"
model_reasoning_effort = "high"
model_supports_reasoning_summaries = true
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.site]
name = "Site"
base_url = "{url}/api/v1"
env_key = "SITE_KEY"
wire_api = "responses"
"""
TASK = (
    'Call exec_command with {"cmd": "printf tides > notes.txt"}, then call exec_command with {"cmd": "cat notes.txt"}.'
)


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4.5"])
def test_codex_writes_a_file_and_reads_it(site: Site, customer: Person, tmp_path: Path, model: str):
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    (home / "config.toml").write_text(CONFIG.format(model=model, url=site.url))
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "SITE_KEY": customer.key}
    ended = subprocess.run(
        [str(CODEX), "exec", "--skip-git-repo-check", TASK],
        cwd=folder, env=env | {"NO_PROXY": "127.0.0.1"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (folder / "notes.txt").read_text() == "tides", ended.stderr
    assert "tides" in ended.stdout, ended.stderr
    query = f"SELECT finish_reason, streamed, cost > 0 FROM gateway_generation WHERE account_id = {customer.account}"
    rows = site.rows(f"{query} ORDER BY created_at")
    assert [reason for reason, *_ in rows] == ["tool_calls", "tool_calls", "stop"]
    assert all(streamed and costs for _, streamed, costs in rows)
