"""Tool calls as output items. Pure."""

from collections.abc import Iterator
from typing import Any

from gateway.protocols.chat_completions.custom_tools import input_of
from gateway.protocols.json_text import decoded, is_json

from .tools import CallShape

__all__ = ["CallWriter"]

Event = dict[str, Any]

_PREFIXES = {
    "function_call": "fc", "custom_tool_call": "ctc", "local_shell_call": "lsh", "apply_patch_call": "apc",
    "tool_search_call": "tsc",
}  # fmt: skip


class CallWriter:
    """One call, while its arguments arrive. `item` is the output item; what it becomes depends on its shape."""

    def __init__(self, place: int, suffix: str, call_id: str, name: str, shape: CallShape | None) -> None:
        self._shape = shape or CallShape("function_call", name)
        self._pieces: list[str] = []
        self._place = place
        self.item: dict[str, Any] = {
            "id": f"{_PREFIXES[self._shape.type]}_{suffix}",
            "type": self._shape.type,
            "status": "in_progress",
            "call_id": call_id,
            **self._content(""),
        }
        if self._shape.namespace:
            self.item["namespace"] = self._shape.namespace

    def begin(self) -> Event:
        """The event that opens the call."""
        return {"type": "response.output_item.added", "output_index": self._place, "item": dict(self.item)}

    def add(self, arguments: str) -> Iterator[Event]:
        """Add a piece of the arguments. Only those of functions are sent as they arrive: others need decoding."""
        self._pieces.append(arguments)
        if self._shape.type == "function_call":
            yield self._event("response.function_call_arguments.delta", delta=arguments)

    @property
    def is_complete(self) -> bool:
        """Whether the arguments are one JSON value."""
        return is_json("".join(self._pieces))

    def end(self, status: str) -> Iterator[Event]:
        """The events that close the call."""
        arguments = "".join(self._pieces)
        self.item |= self._content(arguments) | {"status": status}
        if self._shape.type == "function_call":
            yield self._event("response.function_call_arguments.done", arguments=arguments, name=self._shape.name)
        elif self._shape.type == "custom_tool_call":
            said = self.item["input"]
            yield self._event("response.custom_tool_call_input.delta", delta=said)
            yield self._event("response.custom_tool_call_input.done", input=said)
        yield {"type": "response.output_item.done", "output_index": self._place, "item": self.item}

    def _event(self, kind: str, **fields: Any) -> Event:
        return {"type": kind, "item_id": self.item["id"], "output_index": self._place, **fields}

    def _content(self, arguments: str) -> dict[str, Any]:
        """The fields of the item that come from the arguments."""
        kind = self._shape.type
        if kind == "function_call":
            return {"name": self._shape.name, "arguments": arguments}
        if kind == "custom_tool_call":
            return {"name": self._shape.name, "input": input_of(arguments)}
        given = _object(arguments)
        if kind == "tool_search_call":
            return {"execution": "client", "arguments": given}
        return {"action": _action(given)} if kind == "local_shell_call" else {"operation": _operation(given)}


def _object(arguments: str) -> dict[str, Any]:
    """The arguments as an object; empty for any other text."""
    try:
        read = decoded(arguments)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _action(arguments: dict[str, Any]) -> dict[str, Any]:
    command, env = arguments.get("command"), arguments.get("env")
    timeout, folder = arguments.get("timeout_ms"), arguments.get("working_directory")
    words = ["bash", "-lc", command] if isinstance(command, str) else command if isinstance(command, list) else []
    return {
        "type": "exec",
        "command": [str(word) for word in words],
        "env": {name: str(value) for name, value in env.items()} if isinstance(env, dict) else {},
        "timeout_ms": timeout if isinstance(timeout, int) else None,
        "user": None,
        "working_directory": folder if isinstance(folder, str) else None,
    }


def _operation(arguments: dict[str, Any]) -> dict[str, Any]:
    kind = arguments.get("type")
    operation = {
        "type": kind if kind in ("create_file", "delete_file") else "update_file",
        "path": str(arguments.get("path") or ""),
    }
    return operation if kind == "delete_file" else operation | {"diff": str(arguments.get("diff") or "")}
