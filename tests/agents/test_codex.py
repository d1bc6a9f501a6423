"""OpenAI's coding agent, Codex: it finishes a task with its tools."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.agents import needs, program
from tests.browser.people import Person
from tests.support.processes import Site

CODEX = program("codex")

pytestmark = needs(CODEX, "Codex")

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
PATCH = r"*** Begin Patch\n*** Add File: notes.txt\n+tides\n*** End Patch"
SCRIPT = "const done = await tools.exec_command({cmd: 'printf tides > notes.txt; cat notes.txt'}); text(done.output)"

#: How each kind of model works in Codex: with functions, with a free text beside them, and with programs.
TASKS = {
    "openai/gpt-4o-mini": [
        'exec_command with {"cmd": "printf tides > notes.txt"}', 'exec_command with {"cmd": "cat notes.txt"}',
    ],
    "anthropic/claude-sonnet-4.5": ['exec_command with {"cmd": "printf tides > notes.txt; cat notes.txt"}'],
    "openai/gpt-5.5": [f'apply_patch with {{"input": "{PATCH}"}}', 'exec_command with {"cmd": "cat notes.txt"}'],
    "openai/gpt-6-sol": [f'exec with {{"input": "{SCRIPT}"}}'],
}  # fmt: skip


@pytest.mark.parametrize("model", TASKS)
def test_codex_writes_a_file_and_reads_it(site: Site, customer: Person, tmp_path: Path, model: str):
    calls = TASKS[model]
    task = ", then ".join(f"call {call}" for call in calls)
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    (home / "config.toml").write_text(CONFIG.format(model=model, url=site.url))
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "SITE_KEY": customer.key}
    ended = subprocess.run(
        [str(CODEX), "exec", "--skip-git-repo-check", task],
        cwd=folder, env=env | {"NO_PROXY": "127.0.0.1"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (folder / "notes.txt").read_text().strip() == "tides", ended.stderr
    assert "tides" in ended.stdout, ended.stderr
    query = f"SELECT finish_reason, streamed, cost > 0 FROM gateway_generation WHERE account_id = {customer.account}"
    rows = site.rows(f"{query} ORDER BY created_at")
    assert [reason for reason, *_ in rows] == [*["tool_calls"] * len(calls), "stop"]
    assert all(streamed and costs for _, streamed, costs in rows)
