"""The tool calls of one choice, numbered from 0, however the provider numbers them. Pure."""

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.protocols.json_text import is_json
from gateway.providers.tolerant import as_json

__all__ = ["ToolCallNumbers"]


class _Call:
    """A tool call while its pieces arrive."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.arguments: list[str] = []

    def is_complete(self) -> bool:
        """Whether the arguments so far are a JSON text."""
        return is_json("".join(self.arguments))


class ToolCallNumbers:
    """Gives each tool call of a choice a number and an ID, and its later pieces the same number.

    Some providers number all calls 0, others not at all; some repeat the name or invent another ID for each piece. A
    piece with a name and a new ID begins a call. Without an ID, a name begins a call when the one before it has another
    name or complete arguments. A piece without a name continues the call of its ID, of its index, or the latest.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[Any, _Call] = {}

    def numbered(self, pieces: list[Any], *, whole: bool = False) -> list[dict[str, Any]]:
        """The pieces with their numbers as `index`; only the first of a call has its ID and name.

        `whole` says that each piece is a call of its own.
        """
        return [self._numbered(piece, whole) for piece in pieces if isinstance(piece, Mapping)]

    def closing(self) -> list[dict[str, Any]]:
        """A piece `{}` for each call that came without arguments, which clients would fail to parse."""
        empty = [call for call in self._calls if not "".join(call.arguments).strip()]
        for call in empty:
            call.arguments.append("{}")
        return [{"index": call.number, "function": {"arguments": "{}"}} for call in empty]

    def _numbered(self, piece: Mapping[str, Any], whole: bool) -> dict[str, Any]:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        name, call_id, arguments = str(function.get("name") or ""), str(piece.get("id") or ""), _text_of(function)
        call = None if whole else self._known(name, call_id, piece.get("index"))
        rest = {key: value for key, value in piece.items() if key not in {"id", "index", "type", "function"}}
        if call is None:
            call = _Call(len(self._calls), name)
            self._calls.append(call)
            call_id = call_id if call_id and call_id not in self._by_id else f"call_{secrets.token_urlsafe(12)}"
            rest |= {"id": call_id, "type": "function"}
            numbered = {"name": name, "arguments": arguments}
        else:
            numbered = {"arguments": arguments}
            if name and not call.name:
                numbered["name"] = call.name = name
        if call_id:
            self._by_id[call_id] = call
        self._by_index[piece.get("index")] = call
        call.arguments.append(arguments)
        return {"index": call.number, **rest, "function": numbered}

    def _known(self, name: str, call_id: str, index: Any) -> _Call | None:
        """The call that a piece continues; None when it begins one."""
        before = self._by_index.get(index)
        if call_id in self._by_id:
            # One ID for all calls: then their indices tell them apart.
            return None if name and before is None and index is not None else self._by_id[call_id]
        if before is None and self._calls and (index is None or not (name or call_id)):
            before = self._calls[-1]
        if before is None or not name or not before.name:
            return before
        return None if call_id or name != before.name or before.is_complete() else before


def _text_of(function: Mapping[str, Any]) -> str:
    """The arguments as JSON text; some providers send an object."""
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else as_json(arguments)
