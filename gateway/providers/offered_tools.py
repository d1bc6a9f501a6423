"""The tools of a request in the form that every provider takes, and their calls in the caller's form again.

A name that some provider refuses gets another one, and a custom tool becomes a function with one string. Both are
undone in the response, so that callers see their own tools. Pure.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.custom_tools import arguments_of, function_of, input_of
from gateway.protocols.chat_completions.request import ChatRequest

from .stream import ProviderResponse

__all__ = ["OfferedTools"]

#: What OpenAI, Anthropic and Google take: the first two no dots, the last one no digit or hyphen in front.
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", re.ASCII)
_LONGEST = 64
_DIGEST = 8  # characters


class Tool(NamedTuple):
    """A tool as its caller knows it."""

    kind: str  # "function" or "custom"
    name: str


class OfferedTools:
    """The tools that a request names: those it offers, chooses, or called earlier.

    A tool gets the same name in each request of a conversation, as the provider's cache of the prompt needs.
    """

    def __init__(self, chat: ChatRequest) -> None:
        tools = {tool for item in _items(chat) if (tool := _tool(item))}
        self._names: dict[Tool, str] = {}  # at the provider, of the tools that are changed
        taken = {tool.name for tool in tools if _is_kept(tool)}
        for tool in sorted(tools):
            if not _is_kept(tool):
                self._names[tool] = _free_name(tool, taken)
                taken.add(self._names[tool])
        self._changed = {name: tool for tool, name in self._names.items()}

    def sent(self, chat: ChatRequest) -> ChatRequest:
        """The request for the provider; the same one if all of its tools are in order."""
        if not self._names:
            return chat
        body = dict(chat.body)
        if tools := body.get("tools"):
            body["tools"] = [self._as_function(tool, _declaration) for tool in tools]
        if isinstance(choice := body.get("tool_choice"), Mapping):
            body["tool_choice"] = self._chosen(choice)
        return msgspec.structs.replace(chat, body=body, messages=[self._message(one) for one in chat.messages])

    def restored(self, response: ProviderResponse) -> ProviderResponse:
        """The response with the calls of the caller's own tools."""
        return _Restored(response, self._changed) if self._names else response

    def _as_function(self, item: Any, write: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
        """A tool, a choice or a call; `write` makes the fields of a custom one."""
        if (tool := _tool(item)) is None or (name := self._names.get(tool)) is None:
            return item
        inner = item[tool.kind]
        fields = dict(inner) if tool.kind == "function" else write(inner)
        rest = {key: value for key, value in item.items() if key != tool.kind}
        return rest | {"type": "function", "function": fields | {"name": name}}

    def _chosen(self, choice: Mapping[str, Any]) -> Any:
        allowed = choice.get("allowed_tools")
        if not isinstance(allowed, Mapping):
            return self._as_function(choice, lambda _: {})
        tools = [self._as_function(item, lambda _: {}) for item in allowed.get("tools") or ()]
        return {**choice, "allowed_tools": {**allowed, "tools": tools}}

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        if isinstance(calls := message.get("tool_calls"), list):
            message = message | {"tool_calls": [self._as_function(call, _call) for call in calls]}
        if message.get("role") == "tool" and isinstance(name := message.get("name"), str):
            known = (self._names.get(Tool(kind, name)) for kind in ("function", "custom"))
            message = message | {"name": next((other for other in known if other), name)}
        return message


class _Restored(ProviderResponse):
    """A response whose calls of changed tools are written as their caller knows them. All else is the provider's."""

    def __init__(self, response: ProviderResponse, changed: Mapping[str, Tool]) -> None:
        # Without the base's attributes: `usage` and the others are read from the response, which fills them.
        self._response = response
        self._changed = changed
        self._inputs: dict[tuple[int, Any], list[str]] = {}  # arguments of calls of custom tools, by choice and call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    async def next_batch(self) -> list[Delta | Finished] | None:
        batch = await self._response.next_batch()
        if batch is not None:
            return [each for event in batch for each in self._restored(event)]
        choices = {index for index, _ in self._inputs}
        return [event for index in choices for event in self._inputs_of(index)] or None

    async def close(self) -> None:
        await self._response.close()

    def _restored(self, event: Delta | Finished) -> list[Delta | Finished]:
        if isinstance(event, Finished):
            return [*self._inputs_of(event.index), event]
        if not event.tool_calls:
            return [event]
        calls = [call for piece in event.tool_calls if (call := self._call(event.index, piece))] or None
        restored = msgspec.structs.replace(event, tool_calls=calls)
        return [restored] if restored != Delta(index=event.index) else []

    def _call(self, index: int, piece: dict[str, Any]) -> dict[str, Any] | None:
        """The piece of a call; None for arguments of a custom tool, which are sent when all of them are here."""
        function, place = piece.get("function") or {}, (index, piece.get("index"))
        tool = self._changed.get(function.get("name", ""))
        if tool is not None and tool.kind == "custom":
            self._inputs[place] = [function.get("arguments") or ""]
            rest = {key: value for key, value in piece.items() if key != "function"}
            return rest | {"type": "custom", "custom": {"name": tool.name, "input": ""}}
        if tool is not None:
            return piece | {"function": function | {"name": tool.name}}
        if place in self._inputs:
            self._inputs[place].append(function.get("arguments") or "")
            return None
        return piece

    def _inputs_of(self, index: int) -> list[Delta | Finished]:
        """The inputs of the custom tools that a choice has called."""
        places = [place for place in self._inputs if place[0] == index]
        inputs = [(call, input_of("".join(self._inputs.pop((index, call))))) for _, call in places]
        calls = [{"index": call, "custom": {"input": text}} for call, text in inputs]
        return [Delta(index=index, tool_calls=calls)] if calls else []


def _items(chat: ChatRequest) -> Iterable[Any]:
    """The tools, the choice among them, and the earlier calls."""
    yield from chat.body.get("tools") or ()
    if isinstance(choice := chat.body.get("tool_choice"), Mapping):
        yield choice
        if isinstance(allowed := choice.get("allowed_tools"), Mapping):
            yield from allowed.get("tools") or ()
    for message in chat.messages:
        if isinstance(calls := message.get("tool_calls"), list):
            yield from calls


def _tool(item: Any) -> Tool | None:
    """The tool that an item is about; None without a name, which is left to the provider."""
    if not isinstance(item, Mapping):
        return None
    kind = "custom" if item.get("type") == "custom" else "function"
    inner = item.get(kind)
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return Tool(kind, name) if isinstance(name, str) and name else None


def _is_kept(tool: Tool) -> bool:
    return tool.kind == "function" and _NAME.fullmatch(tool.name) is not None


def _free_name(tool: Tool, taken: set[str]) -> str:
    """A name within the rule that no other tool has: the tool's own as far as it goes."""
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", tool.name)
    name = (name if _NAME.match(name) else f"_{name}")[:_LONGEST]
    free, attempt = name, 0
    while free in taken:
        digest = hashlib.sha256(f"{tool.kind} {tool.name} {attempt}".encode("utf-8", "replace")).hexdigest()[:_DIGEST]
        free, attempt = f"{name[: _LONGEST - _DIGEST - 1]}_{digest}", attempt + 1
    return free


def _declaration(custom: Mapping[str, Any]) -> dict[str, Any]:
    form = custom.get("format")
    grammar = form.get("grammar") if isinstance(form, Mapping) else None
    description = custom.get("description")
    return function_of(
        description if isinstance(description, str) else None, grammar if isinstance(grammar, Mapping) else None
    )


def _call(custom: Mapping[str, Any]) -> dict[str, Any]:
    return {"arguments": arguments_of(str(custom.get("input") or ""))}
