"""`functions` and `function_call`, the older form of tools: requests become requests with tools. Pure.

A response to such a request has one `function_call` in place of `tool_calls`.
"""

from collections.abc import Iterable
from typing import Any

from common.errors import InvalidRequest

__all__ = ["CALLED", "function_call", "with_tools"]

#: The finish reason of a response with a function call.
CALLED = "function_call"

_FIELDS = ("functions", "function_call")


def with_tools(body: dict[str, Any]) -> dict[str, Any]:
    """The same request with `tools`, `tool_choice` and messages of the newer form. `body` is not modified.

    Raises InvalidRequest for a request with both forms.
    """
    newer = {name: value for name, value in body.items() if name not in _FIELDS}
    if body.get("functions"):
        if body.get("tools"):
            raise InvalidRequest("Send either `tools` or the older `functions`, not both.")
        newer["tools"] = [{"type": "function", "function": function} for function in body["functions"]]
        newer["parallel_tool_calls"] = False  # a response has room for one call
        choice = body.get("function_call")
        if isinstance(choice, dict):
            newer["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
        elif choice is not None:
            newer["tool_choice"] = choice
    if isinstance(body.get("messages"), list):
        newer["messages"] = list(_messages(body["messages"]))
    return newer


def _messages(messages: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The messages with `tool_calls` and results that name their call."""
    ids: dict[str, str] = {}  # of the latest call of each function
    for number, message in enumerate(messages):
        if "function_call" in message:
            call = message["function_call"]
            message = {key: value for key, value in message.items() if key != "function_call"}
            if isinstance(call, dict) and not message.get("tool_calls"):
                name = str(call.get("name") or "")
                ids[name] = f"call_{number}"
                message["tool_calls"] = [{"id": ids[name], "type": "function", "function": call}]
            yield message
        elif message.get("role") == "function":
            name = str(message.get("name") or "")
            yield message | {"role": "tool", "tool_call_id": ids.get(name, name)}
        else:
            yield message


def function_call(tool_calls: Iterable[Any]) -> dict[str, str] | None:
    """The first call, or the piece of it in a delta, in the older form; None if there is no piece of it."""
    for call in tool_calls:
        if call.get("index", 0) == 0:
            function = call.get("function") or {}
            return {name: function[name] for name in ("name", "arguments") if function.get(name) is not None}
    return None
