"""Requests as commands of curl, for a POSIX shell."""

import shlex

from .call import Call
from .literals import JSON, literal

__all__ = ["curl"]


def curl(call: Call) -> str:
    """The command that sends the request."""
    headers = [shlex.quote(f"{name}: {value}") for name, value in call.headers.items()]
    return " \\\n  ".join(
        (
            f"curl {call.url}",
            *(["--no-buffer"] if call.streams else []),
            '-H "Authorization: Bearer $OPENROUTER_API_KEY"',
            '-H "Content-Type: application/json"',
            *(f"-H {header}" for header in headers),
            f"-d {shlex.quote(literal(call.body, JSON))}",
        )
    )
