"""Anthropic's coding agent, Claude Code: it finishes a task with its tools."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.agents import needs, program
from tests.browser.people import Person
from tests.support.processes import Site

CLAUDE = program("claude")

pytestmark = needs(CLAUDE, "Claude Code")

TASK = (
    'Call Write with {{"file_path": "{file}", "content": "tides"}}, then call Read with {{"file_path": "{file}"}}, '
    'then call WebSearch with {{"query": "tides in Lisbon"}}.'
)
#: It neither calls home nor changes itself; nothing of the developer's own set-up reaches it.
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
    "IS_SANDBOX": "1",  # lets it run with all permissions as root
    "NO_PROXY": "127.0.0.1",
}


@pytest.mark.parametrize(
    "model", ["claude-sonnet-4-5-20250929", "openai/gpt-4o-mini"], ids=["by Anthropic's name", "of another author"]
)
def test_claude_code_writes_a_file_reads_it_and_searches_the_web(
    site: Site, customer: Person, tmp_path: Path, model: str
):
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    env = QUIET | {"PATH": os.environ["PATH"], "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home)}
    env |= {"ANTHROPIC_BASE_URL": f"{site.url}/api", "ANTHROPIC_AUTH_TOKEN": customer.key, "ANTHROPIC_API_KEY": ""}
    task = TASK.format(file=folder / "notes.txt")
    options = ["--model", model, "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"]
    ended = subprocess.run(
        [str(CLAUDE), "-p", task, *options],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    printed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (folder / "notes.txt").read_text() == "tides", ended.stdout
    assert printed[-1]["subtype"] == "success" and not printed[-1]["is_error"], ended.stdout
    assert "tides" in printed[-1]["result"] and "Links: [{" in ended.stdout.replace('\\"', '"')
    query = f"SELECT finish_reason, cost > 0 FROM gateway_generation WHERE account_id = {customer.account}"
    rows = site.rows(f"{query} ORDER BY created_at")
    assert [reason for reason, _ in rows].count("tool_calls") == 3 and rows[-1][0] == "stop"
    assert all(costs for _, costs in rows)
