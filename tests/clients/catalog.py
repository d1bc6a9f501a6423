"""The clients, and the table of what was tried with each."""

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from scripts.environment import ROOT

__all__ = [
    "CLIENTS",
    "FEATURES",
    "PAGE",
    "SCRIPTS",
    "Client",
    "Trial",
    "header",
    "reported",
    "row",
    "rows_of",
    "with_rows",
]

SCRIPTS = Path(__file__).parent / "scripts"
PAGE = ROOT / "docs/clients.md"
#: The columns of the table; what a script reports beyond them stands in the last one.
FEATURES = ("answer", "stream", "tools", "structured output", "images", "reasoning", "embeddings")


class Client(NamedTuple):
    """One row: its title, its script, and the packages that the script needs; the first one's version is shown.

    A script without packages uses a program of this machine and prints its version.
    """

    title: str
    script: str
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The script's name without `with_` and `_`; Python and JavaScript are told apart by the suffix."""
        return self.script.removeprefix("with_").replace("_", "-")


class Trial(NamedTuple):
    """The result of one run of a script: the version, and the error of each feature, None where it works."""

    version: str
    errors: dict[str, str | None]


CLIENTS = (
    Client("OpenAI, Python", "with_openai.py", ("openai",)),
    Client("OpenAI, JavaScript", "with_openai.mjs", ("openai",)),
    Client("Anthropic, Python", "with_anthropic.py", ("anthropic",)),
    Client("Anthropic, JavaScript", "with_anthropic.mjs", ("@anthropic-ai/sdk",)),
    Client("OpenRouter, Python", "with_openrouter.py", ("openrouter",)),
    Client("OpenRouter, JavaScript", "with_openrouter.mjs", ("@openrouter/sdk",)),
    Client("AI SDK, OpenRouter's provider", "with_ai_sdk_openrouter.mjs", ("@openrouter/ai-sdk-provider", "ai", "zod")),
    Client(
        "AI SDK, OpenAI-compatible", "with_ai_sdk_openai_compatible.mjs", ("@ai-sdk/openai-compatible", "ai", "zod")
    ),
    Client("LangChain, OpenAI", "with_langchain_openai.py", ("langchain-openai", "langchain")),
    Client("LangChain, OpenRouter", "with_langchain_openrouter.py", ("langchain-openrouter", "langchain")),
    Client("LangChain, Anthropic", "with_langchain_anthropic.py", ("langchain-anthropic", "langchain")),
    Client("LlamaIndex, OpenAI-like", "with_llama_index_openai_like.py", ("llama-index-llms-openai-like",)),
    Client("LlamaIndex, OpenRouter", "with_llama_index_openrouter.py", ("llama-index-llms-openrouter",)),
    Client("Pydantic AI", "with_pydantic_ai.py", ("pydantic-ai-slim[openai,openrouter]",)),
    Client("Instructor", "with_instructor.py", ("instructor",)),
    Client("LiteLLM", "with_litellm.py", ("litellm",)),
    Client("Haystack", "with_haystack.py", ("haystack-ai",)),
    Client("DSPy", "with_dspy.py", ("dspy", "numpy")),
    Client("smolagents", "with_smolagents.py", ("smolagents[openai]",)),
    Client("LLM", "with_llm.py", ("llm",)),
    Client("Claude Code", "with_claude_code.mjs", ("@anthropic-ai/claude-code",)),
    Client("Codex", "with_codex.mjs", ("@openai/codex",)),
    Client("opencode", "with_opencode.mjs", ("opencode-ai",)),
    Client("Continue", "with_continue.mjs", ("@continuedev/cli",)),
    Client("Aider", "with_aider.py", ("aider-chat",)),
    Client("Requests", "with_requests.py", ("requests",)),
    Client("fetch", "with_fetch.mjs"),
    Client("curl", "with_curl.py"),
)


def reported(printed: str) -> Trial:
    """The trial in a script's output: its lines of JSON, of which `{"version"}` is optional."""
    version, errors = "", {}
    for line in printed.splitlines():
        if line.startswith('{"version"'):
            version = json.loads(line)["version"]
        elif line.startswith('{"feature"'):
            feature = json.loads(line)
            errors[feature["feature"]] = feature["error"]
    return Trial(version, errors)


def header() -> str:
    """The first two lines of the table."""
    columns = ("client", "version", "tried on", *FEATURES, "also")
    return f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"


def row(client: Client, trial: Trial, day: date) -> str:
    """The line of the table: `yes`, `no` or nothing for each feature."""
    cells = [_cell(trial.errors, feature) for feature in FEATURES]
    others = [f"{'' if error is None else 'no '}{name}" for name, error in trial.errors.items() if name not in FEATURES]
    link = re.sub(r"[^\w -]", "", client.title).lower().replace(" ", "-")
    title = f"[{client.title}](#{link})"
    return f"| {' | '.join([title, trial.version, day.isoformat(), *cells, ', '.join(others)])} |"


def _cell(errors: dict[str, str | None], feature: str) -> str:
    if feature not in errors:
        return ""
    return "yes" if errors[feature] is None else "no"


def rows_of(page: str) -> dict[str, str]:
    """The lines of the page's table by their titles."""
    return {found[1]: found[0] for found in re.finditer(r"^\| \[(.+?)\]\(#.*$", page, re.MULTILINE)}


def with_rows(page: str, new: Iterable[str]) -> str:
    """The page with these lines in place of those with their titles."""
    rows = rows_of(page) | rows_of("\n".join(new))
    table = "\n".join([header(), *(rows[client.title] for client in CLIENTS if client.title in rows)])
    return re.sub(r"^\| client \|.*\n(?:\|.*\n)+", lambda _: f"{table}\n", page, count=1, flags=re.MULTILINE)
