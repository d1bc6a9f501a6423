"""The tool calls of a response, checked for being of use to a program: an offered tool, with a JSON object. Pure."""

from typing import Any

import msgspec

from gateway.events import Delta

__all__ = ["CalledTools"]

#: Characters of arguments that are kept; a response with more is not judged.
MAX_CHARACTERS = 1_000_000

_decode = msgspec.json.Decoder(dict).decode


class CalledTools:
    """Collects the tool calls of one response. Their text is kept until the response has been judged, not longer."""

    __slots__ = ("_calls", "_names", "_room")

    def __init__(self, tools: list[Any]) -> None:
        functions = [tool.get("function") for tool in tools]
        #: The names that a call may have; None where the request offers a tool that is none of the caller's functions.
        self._names = {each["name"] for each in functions} if all(_is_named(each) for each in functions) else None
        self._calls: dict[tuple[int, Any], tuple[list[str], list[str]]] = {}  # (names, arguments) in pieces
        self._room = MAX_CHARACTERS

    def add(self, delta: Delta) -> None:
        """Add the pieces of calls in a delta."""
        for piece in delta.tool_calls or ():
            if "custom" in piece:  # takes any text
                continue
            function = piece.get("function") or {}
            names, arguments = self._calls.setdefault((delta.index, piece.get("index", 0)), ([], []))
            names.append(str(function.get("name") or ""))
            arguments.append(str(function.get("arguments") or ""))
            self._room -= len(arguments[-1])

    def are_sound(self) -> bool | None:
        """Whether every call names an offered tool and its arguments are a JSON object; None without any call."""
        if not self._calls or self._room < 0:
            return None
        return all(
            (self._names is None or "".join(names) in self._names) and _is_object("".join(arguments))
            for names, arguments in self._calls.values()
        )


def _is_named(function: Any) -> bool:
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _is_object(text: str) -> bool:
    try:
        _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
