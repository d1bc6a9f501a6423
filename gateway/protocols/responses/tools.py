"""The tools of a Responses request, as functions of a chat request. Pure.

Chat models have functions only. A tool of another kind becomes a function with the same meaning, and a call of it is
written back as the call of that tool: `CallShape` says how.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from gateway.protocols.chat_completions.custom_tools import function_of

from .faults import fault

__all__ = ["CallShape", "Tools", "chat_name", "read_tools"]

#: The longest name of a function, and what joins the name of a namespace and that of its tool.
_MAX_NAME = 64
_SEPARATOR = "__"
#: The namespace of tools that are in no other.
_DEFAULT_NAMESPACE = "functions"

_WEB_SEARCHES = (
    "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
    "openrouter:web_search",
)  # fmt: skip

_SHELL = {
    "description": "Runs a command on the user's computer and returns its output.",
    "parameters": {
        "type": "object",
        "properties": {
            "command": {"type": "array", "items": {"type": "string"}, "description": "The program and its arguments."},
            "working_directory": {"type": "string", "description": "The folder to run it in."},
            "timeout_ms": {"type": "integer", "description": "Milliseconds until it is stopped."},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["command"],
    },
}
_TOOL_SEARCH = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "Words of the tool's name or description."}},
    "required": ["query"],
}
_APPLY_PATCH = {
    "description": "Creates, updates or deletes one file. `diff` is a unified diff without its file names; for a new "
    "file, every line begins with +.",
    "parameters": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
            "path": {"type": "string", "description": "The path of the file."},
            "diff": {"type": "string", "description": "The change; absent when the file is deleted."},
        },
        "required": ["type", "path"],
    },
}

Kind = TypeVar("Kind")
ItemType = Literal["function_call", "custom_tool_call", "local_shell_call", "apply_patch_call", "tool_search_call"]


class CallShape(NamedTuple):
    """The output item that a call of a function becomes."""

    type: ItemType = "function_call"
    name: str = ""
    namespace: str | None = None


class Tools(NamedTuple):
    """The tools of a request: what goes into the chat request, and how calls are written back."""

    fields: dict[str, Any]  # `tools` and `tool_choice`, where there are any
    search: dict[str, Any] | None  # the options of a web search that the request asks for
    shapes: Mapping[str, CallShape]  # by the function's name; a plain function has none


class _Filters(msgspec.Struct):
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    excluded_domains: list[str] | None = None


class _WebSearch(msgspec.Struct):
    """A web search tool: OpenAI's have `filters`, OpenRouter's has `parameters`."""

    filters: _Filters | None = None
    parameters: _Filters | None = None
    engine: str | None = None
    max_results: int | None = None


class _Grammar(msgspec.Struct):
    type: Literal["text", "grammar"]
    syntax: str | None = None
    definition: str | None = None


class _Custom(msgspec.Struct):
    name: str
    description: str | None = None
    format: _Grammar | None = None


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: dict[str, Any] | None = None


class _ToolSearch(msgspec.Struct):
    execution: Literal["client"]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Namespace(msgspec.Struct):
    name: str
    tools: list[dict[str, Any]]


class _Reader:
    """Reads tools one after another. `replaces`: a tool takes the place of another one of the same name."""

    def __init__(self) -> None:
        self.replaces = False
        self.functions: dict[str, dict[str, Any]] = {}
        self.shapes: dict[str, CallShape] = {}
        self.search: dict[str, Any] | None = None

    def read(self, tool: dict[str, Any], place: str, namespace: str | None = None) -> None:
        kind = tool.get("type")
        if kind == "function":
            plain = _converted(tool, _Function, place)
            self._add(plain.name, _declared(plain), place, "function_call", namespace)
        elif kind == "custom":
            custom = _converted(tool, _Custom, place)
            grammar = msgspec.structs.asdict(custom.format) if custom.format else None
            self._add(custom.name, function_of(custom.description, grammar), place, "custom_tool_call", namespace)
        elif namespace is not None:
            raise fault(f"a namespace has tools of type 'function' and 'custom', not {kind!r}", f"{place}.type")
        elif kind == "namespace":
            group = _converted(tool, _Namespace, place)
            for index, member in enumerate(group.tools):
                self.read(member, f"{place}.tools[{index}]", group.name)
        elif kind == "local_shell":
            self._add("local_shell", _SHELL, place, "local_shell_call")
        elif kind == "apply_patch":
            self._add("apply_patch", _APPLY_PATCH, place, "apply_patch_call")
        elif kind == "tool_search":
            wanted = _converted(tool, _ToolSearch, place)
            function = {"description": wanted.description or "", "parameters": wanted.parameters or _TOOL_SEARCH}
            self._add("tool_search", function, place, "tool_search_call")
        elif kind in _WEB_SEARCHES:
            self.search = _plugin(_converted(tool, _WebSearch, place))
        else:
            raise fault(
                f"tools of type {kind!r} are not supported. Declare a tool of type 'function' and run it yourself",
                f"{place}.type",
            )

    def _add(
        self, name: str, function: dict[str, Any], place: str, item: ItemType, namespace: str | None = None
    ) -> None:
        unique = chat_name(name, namespace)
        if unique in self.functions and not self.replaces:
            raise fault(f"two tools are named {unique!r}. Rename one of them", f"{place}.name")
        cache_control = function.get("cache_control")
        mark = {"cache_control": cache_control} if cache_control else {}
        function = {key: value for key, value in function.items() if key != "cache_control"}
        self.functions[unique] = {"type": "function", "function": {"name": unique, **function}, **mark}
        self.shapes.pop(unique, None)
        if item != "function_call" or namespace:
            self.shapes[unique] = CallShape(item, name, namespace)


def chat_name(name: str, namespace: str | None) -> str:
    """The name of a tool among all tools of a request."""
    if not namespace or namespace == _DEFAULT_NAMESPACE:
        return name
    return f"{namespace}{_SEPARATOR}{name}"[-_MAX_NAME:]


def read_tools(
    tools: Iterable[tuple[str, dict[str, Any]]],
    choice: str | dict[str, Any] | None,
    later: Iterable[tuple[str, dict[str, Any]]] = (),
) -> Tools:
    """Read `tools`, those that the conversation declares `later`, and `tool_choice`; each tool has its place before it.

    Raises InvalidRequest, which names the place of the first fault.

    A web search tool lets the model decide whether to search. The search of this gateway comes before the model, so it
    is made where the request clearly wants one: if no other tool is there, or `tool_choice` names it.
    """
    reader = _Reader()
    for place, tool in tools:
        reader.read(tool, place)
    reader.replaces = True
    for place, tool in later:
        reader.read(tool, place)
    functions, search = reader.functions, reader.search
    chosen: Any = None
    if isinstance(choice, dict):
        if choice.get("type") in _WEB_SEARCHES:
            if search is None:
                raise fault(f"no tool of type {choice['type']!r} is declared in `tools`", "tool_choice.type")
            return Tools(_fields(functions, None), search, reader.shapes)
        if choice.get("type") == "allowed_tools":
            functions, chosen = _allowed(functions, choice)
        else:
            chosen = _named(functions, choice)
    elif choice is not None:
        if choice not in ("auto", "none", "required"):
            raise fault(f"{choice!r} is none of 'auto', 'none' and 'required'", "tool_choice")
        chosen = choice
    return Tools(_fields(functions, chosen), None if functions or choice == "none" else search, reader.shapes)


def _fields(functions: Mapping[str, dict[str, Any]], choice: Any) -> dict[str, Any]:
    if not functions:
        return {}
    return {"tools": list(functions.values())} | ({"tool_choice": choice} if choice is not None else {})


def _name_of(choice: Any, place: str, functions: Mapping[str, Any]) -> str:
    """The function that a `tool_choice`, or a member of its list, names."""
    kind = choice.get("type") if isinstance(choice, dict) else None
    name: str | None = kind if kind in ("local_shell", "apply_patch", "tool_search") else None
    if kind in ("function", "custom"):
        namespace = choice.get("namespace")
        name = chat_name(str(choice.get("name")), namespace if isinstance(namespace, str) else None)
    if name is None:
        raise fault(f"a tool of type {kind!r} cannot be chosen", f"{place}.type")
    if name not in functions:
        raise fault(f"no tool named {name!r} is declared in `tools`", f"{place}.name")
    return name


def _named(functions: Mapping[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": _name_of(choice, "tool_choice", functions)}}


def _allowed(functions: Mapping[str, dict[str, Any]], choice: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], str]:
    """(The functions that `allowed_tools` leaves, how the model may choose among them)."""
    mode, listed = choice.get("mode"), choice.get("tools")
    if mode not in ("auto", "required"):
        raise fault(f"{mode!r} is none of 'auto' and 'required'", "tool_choice.mode")
    if not isinstance(listed, list):
        raise fault("`tools` must be a list", "tool_choice.tools")
    names = [_name_of(one, f"tool_choice.tools[{index}]", functions) for index, one in enumerate(listed)]
    return {name: functions[name] for name in functions if name in names}, mode


# --- One tool -----------------------------------------------------------------------------------------


def _converted(tool: dict[str, Any], kind: type[Kind], place: str) -> Kind:
    try:
        return msgspec.convert(tool, kind)
    except msgspec.ValidationError as error:
        reason, separator, inner = str(error).partition(" - at `$")
        raise fault(reason, place + inner.removesuffix("`") if separator else place) from error


def _declared(function: _Function) -> dict[str, Any]:
    declared: dict[str, Any] = {"parameters": function.parameters or {"type": "object", "properties": {}}}
    for name in ("description", "strict", "cache_control"):
        if (value := getattr(function, name)) is not None:
            declared[name] = value
    return declared


def _plugin(tool: _WebSearch) -> dict[str, Any]:
    """The `web` plugin of this tool."""
    filters = tool.filters or tool.parameters or _Filters()
    excluded = [*(filters.blocked_domains or ()), *(filters.excluded_domains or ())]
    options = {
        "engine": tool.engine if tool.engine not in {"auto", "native"} else None,
        "max_results": tool.max_results,
        "include_domains": filters.allowed_domains,
        "exclude_domains": excluded,
    }
    return {"id": "web"} | {name: value for name, value in options.items() if value}
