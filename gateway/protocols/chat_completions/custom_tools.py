"""Custom tools, which take any text, as functions with one string: what every provider can call. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.protocols.json_text import decoded

__all__ = ["arguments_of", "function_of", "input_of"]

_encode = msgspec.json.Encoder().encode

_PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The input of the tool, as it is."}},
    "required": ["input"],
    "additionalProperties": False,
}


def function_of(description: str | None, grammar: Mapping[str, Any] | None) -> dict[str, Any]:
    """The description and the parameters of the function. A `grammar` is described: no function can enforce one."""
    lines = [description or ""]
    if grammar and grammar.get("definition"):
        lines.append(f"The input must match this {grammar.get('syntax')} grammar:\n{grammar['definition']}")
    return {"description": "\n\n".join(line for line in lines if line), "parameters": _PARAMETERS}


def arguments_of(text: str) -> str:
    """The arguments of the function for an input."""
    return _encode({"input": text}).decode()


def input_of(arguments: str) -> str:
    """The input in the function's arguments; the arguments themselves if a model has written others."""
    try:
        given = decoded(arguments)
    except ValueError:
        return arguments
    if given == {}:  # a call without arguments
        return ""
    text = given.get("input") if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments
