"""A program for an operation of the API, in each language of the documentation."""

import json
from collections.abc import Mapping
from textwrap import indent
from typing import Any

from django.conf import settings

__all__ = ["example"]

KEY, MANAGEMENT_KEY = "OPENROUTER_API_KEY", "OPENROUTER_MANAGEMENT_KEY"
#: Operations that only some accounts may use: their programs are shown, and not run by tests.
NOT_FOR_ALL = ("/api/v1/organization/members",)


def _bodies() -> dict[str, dict[str, Any]]:
    """Return a body by path. No value may be true, false or null, because JSON has to be Python as well."""
    model = settings.DEFAULT_MODEL
    hello = [{"role": "user", "content": "Hello"}]
    return {
        "/api/v1/chat/completions": {"model": model, "messages": hello},
        "/api/v1/completions": {"model": model, "prompt": "Once upon a time", "max_tokens": 50},
        "/api/v1/messages": {"model": "anthropic/claude-sonnet-4.5", "max_tokens": 500, "messages": hello},
        "/api/v1/messages/count_tokens": {"model": "anthropic/claude-sonnet-4.5", "max_tokens": 500, "messages": hello},
        "/api/v1/responses": {"model": model, "input": "Hello"},
        "/api/v1/embeddings": {"model": "openai/text-embedding-3-small", "input": ["A boat", "A bicycle"]},
        "/api/v1/rerank": {
            "model": "cohere/rerank-v3.5",
            "query": "Where can I swim?",
            "documents": ["The lake is open to all.", "The library closes at six."],
        },
        "/api/v1/keys": {"name": "Customer 42", "limit": 5, "limit_reset": "monthly"},
    }


def example(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Return the programs as Markdown, in tabs; empty if the operation needs what a reader has to look up first."""
    required = [each for each in operation.get("parameters", ()) if each.get("required")]
    body = _bodies().get(path) if method == "post" else None
    if "{" in path or required or (body is None and method != "get"):
        return ""
    key = ""
    if operation.get("security"):
        key = MANAGEMENT_KEY if "Needs a management key." in operation.get("description", "") else KEY
    url = f"{settings.SITE_URL}{path}"
    mark = " no-run" if path in NOT_FOR_ALL else ""
    programs = {
        "shell": _curl(url, key, body),
        "python": _python(method, url, key, body),
        "typescript": _typescript(method, url, key, body),
    }
    fences = (f"```{language}{mark}\n{code}\n```\n" for language, code in programs.items())
    return "\n".join(["::: tabs", *fences, ":::\n"])


def _curl(url: str, key: str, body: Mapping[str, Any] | None) -> str:
    parts = [f"curl {url}"]
    if key:
        parts.append(f'-H "Authorization: Bearer ${key}"')
    if body is not None:
        parts += ['-H "Content-Type: application/json"', f"-d '{indent(json.dumps(body, indent=2), '  ').strip()}'"]
    return " \\\n  ".join(parts)


def _python(method: str, url: str, key: str, body: Mapping[str, Any] | None) -> str:
    lines = ["import os\n", "import requests\n"] if key else ["import requests\n"]
    lines += [f"response = requests.{method}(", f'    "{url}",']
    if key:
        lines.append(f'    headers={{"Authorization": f"Bearer {{os.environ[\'{key}\']}}"}},')
    if body is not None:
        lines.append(f"    json={indent(json.dumps(body, indent=4), '    ').strip()},")
    return "\n".join([*lines, "    timeout=300,", ")", "response.raise_for_status()", "print(response.json())"])


def _typescript(method: str, url: str, key: str, body: Mapping[str, Any] | None) -> str:
    options = [f'  method: "{method.upper()}",'] if method != "get" else []
    headers = [f"    Authorization: `Bearer ${{process.env.{key}}}`,"] if key else []
    if body is not None:
        headers.append('    "Content-Type": "application/json",')
    if headers:
        options += ["  headers: {", *headers, "  },"]
    if body is not None:
        options.append(f"  body: JSON.stringify({indent(json.dumps(body, indent=2), '  ').strip()}),")
    call = "\n".join([f'fetch("{url}", {{', *options, "})"]) if options else f'fetch("{url}")'
    return "\n".join(
        [
            f"const response = await {call};",
            "if (!response.ok) throw new Error(await response.text());",
            "console.log(await response.json());",
        ]
    )
