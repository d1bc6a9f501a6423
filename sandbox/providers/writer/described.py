"""JSON schemas that a prompt describes in its text, as clients do for models without structured outputs."""

import json
from typing import Any

from sandbox.providers.prompts.chat_request import ChatRequest, text_of
from sandbox.providers.prompts.schemas import check_schema

__all__ = ["described_schema"]

_MOST_ATTEMPTS = 200  # to read an object in one message


def described_schema(request: ChatRequest) -> Any:
    """The last schema of an object in the system messages and the last message, or None."""
    instructions = [message for message in request.messages[:-1] if message.get("role") in ("system", "developer")]
    found = None
    for message in (*instructions, request.messages[-1]):
        found = _last_schema(text_of(message)) or found
    return found


def _last_schema(text: str) -> dict[str, Any] | None:
    decoder, found, start = json.JSONDecoder(), None, -1
    for _ in range(_MOST_ATTEMPTS if '"properties"' in text else 0):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
            if isinstance(value.get("properties"), dict):
                check_schema(value, "schema")
                found = value
                start = end - 1
        except (ValueError, RecursionError):
            continue
    return found
