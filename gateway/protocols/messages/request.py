"""A Messages request, read as the chat request that means the same. Pure."""

from itertools import chain
from typing import Any, NamedTuple

import msgspec

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.chat_completions.request import parse as parse_chat
from gateway.protocols.json_text import read_object

from .conversation import mark, since_compaction, system_messages, turns
from .schema import Body, DefinedTool, NamedTool, OutputConfig, Search, Tool, ToolAddition, ToolChoice, ToolRemoval

__all__ = ["SHARED", "Asked", "parse"]

#: Fields that mean the same in a chat request.
SHARED = (
    "model", "models", "max_tokens", "stream", "temperature", "top_p", "top_k", "cache_control", "preset", "provider",
    "route", "session_id", "stop_server_tools_when", "trace", "user",
)  # fmt: skip


#: Values of `service_tier` that ask for no tier: Anthropic's own, and none.
_ANY_TIER = ("auto", "standard_only", None)


class Asked(NamedTuple):
    """The parts of a request that its reply needs."""

    stops: tuple[str, ...] = ()
    searches: bool = False  # by a tool: the search is shown as a call of it


def parse(body: bytes) -> ChatRequest:
    """The chat request that means the same. Raises InvalidRequest, which names the place of the first fault."""
    raw = read_object(body, '{"model": ..., "messages": [...]}')
    try:
        checked = msgspec.convert(raw, Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    if checked.fallbacks and checked.models:
        raise InvalidRequest("`fallbacks` and `models` say the same. Send one of them.")
    if checked.mcp_servers:
        raise InvalidRequest(
            "MCP servers are not called from here. Call them in your program and declare their tools as custom tools "
            "- at `$.mcp_servers`"
        )
    chat: dict[str, Any] = {name: raw[name] for name in SHARED if raw.get(name) is not None}
    if checked.fallbacks:
        chat["models"] = [fallback.model for fallback in checked.fallbacks]
    said = since_compaction(checked.messages)
    chat["messages"] = [*system_messages(checked.system), *chain.from_iterable(map(turns, said))]
    if not chat["messages"]:
        raise InvalidRequest("`messages` must contain at least one message.")
    if checked.stop_sequences:
        chat["stop"] = checked.stop_sequences
    if checked.metadata and checked.metadata.user_id:
        chat.setdefault("user", checked.metadata.user_id[:256])
    if checked.service_tier not in _ANY_TIER:
        chat["service_tier"] = checked.service_tier
    if checked.speed == "fast":
        if checked.service_tier == "flex":
            raise InvalidRequest("`speed: fast` and `service_tier: flex` contradict each other. Send one of them.")
        chat["service_tier"] = "priority"
    chat |= _tools(checked)
    chat |= _output(checked)
    request = parse_chat(chat, max_stops=None)
    searches = any(map(_is_search, checked.tools or ()))
    asked = Asked(tuple(checked.stop_sequences or ()), searches)
    return msgspec.structs.replace(request, for_reply=asked, max_tokens_is_cap=True)


def _tools(body: Body) -> dict[str, Any]:
    """`tools`, `tool_choice`, `parallel_tool_calls`, and the `web` plugin for a web search tool.

    The search is made before the model is called, for every request, at a price. So it is made where the request
    clearly wants it: the tool is the only one, or `tool_choice` names it (decision 0027).
    """
    functions, searches = [], []
    for place, tool in _offered(body).items():
        if tool.type in {None, "custom"}:
            functions.append(_function(tool, place))
        elif _is_search(tool):
            searches.append(_search(tool))
        else:
            raise InvalidRequest(
                f"Invalid request parameters: tools of type {tool.type!r} are not supported. Declare a custom tool "
                f"with `name` and `input_schema` - at `{place}.type`"
            )
    chosen: dict[str, Any] = {"tools": functions} if functions else {}
    plugins = [*(body.plugins or ()), *(searches if _wants_search(body, functions) else ())]
    if plugins:
        chosen["plugins"] = plugins
    return chosen | (_choice(body, functions) if body.tool_choice and functions else {})


def _offered(body: Body) -> dict[str, Tool]:
    """The tools that the model may call next, by their place: messages add some and remove some."""
    offered = {f"$.tools[{index}]": tool for index, tool in enumerate(body.tools or ())}
    removed: set[str] = set()
    for number, message in enumerate(body.messages):
        for index, block in enumerate(message.blocks):
            match block:
                case ToolRemoval():
                    removed.add(block.tool.name)
                case ToolAddition(tool=NamedTool(name=name)):
                    removed.discard(name)
                case ToolAddition(tool=DefinedTool(definition=tool)):
                    removed.discard(tool.name)
                    offered = {place: other for place, other in offered.items() if other.name != tool.name}
                    offered[f"$.messages[{number}].content[{index}].tool.definition"] = tool
    return {place: tool for place, tool in offered.items() if tool.name not in removed}


def _wants_search(body: Body, functions: list[dict[str, Any]]) -> bool:
    choice = body.tool_choice or ToolChoice("auto")
    if choice.type == "tool":
        return any(_is_search(tool) and tool.name == choice.name for tool in body.tools or ())
    return not functions and choice.type != "none"


def _choice(body: Body, functions: list[dict[str, Any]]) -> dict[str, Any]:
    choice = body.tool_choice
    assert choice is not None
    chosen: dict[str, Any] = {"parallel_tool_calls": False} if choice.disable_parallel_tool_use else {}
    if choice.type != "tool":
        return chosen | {"tool_choice": "required" if choice.type == "any" else choice.type}
    if any(tool["function"]["name"] == choice.name for tool in functions):
        return chosen | {"tool_choice": {"type": "function", "function": {"name": choice.name}}}
    if any(_is_search(tool) and tool.name == choice.name for tool in body.tools or ()):
        return chosen  # the search is made before the model is called
    raise InvalidRequest(
        f"Invalid request parameters: `tools` has no tool named {choice.name!r} - at `$.tool_choice.name`"
    )


def _is_search(tool: Tool) -> bool:
    return str(tool.type).startswith("web_search_") or tool.type == "openrouter:web_search"


def _search(tool: Tool) -> dict[str, Any]:
    """The plugin that searches the web as this tool would."""
    given = tool.parameters or Search()
    options = {
        "include_domains": tool.allowed_domains or given.allowed_domains,
        "exclude_domains": tool.blocked_domains or given.excluded_domains,
        "max_results": given.max_results,
    }
    return {"id": "web"} | {name: value for name, value in options.items() if value}


def _function(tool: Tool, place: str) -> dict[str, Any]:
    if not tool.name or tool.input_schema is None:
        missing = "input_schema" if tool.name else "name"
        raise InvalidRequest(f"Invalid request parameters: a tool needs `{missing}` - at `{place}`")
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function} | mark(tool.cache_control)


def _output(body: Body) -> dict[str, Any]:
    """`reasoning`, `verbosity` and `response_format`."""
    config = body.output_config or OutputConfig()
    fields: dict[str, Any] = {}
    if config.format:
        schema = {"name": "response", "strict": True, "schema": config.format.schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    thinking = body.thinking
    if thinking is None or thinking.type == "disabled":
        if thinking is not None:
            fields["reasoning"] = {"enabled": False}
        return fields | ({"verbosity": config.effort} if config.effort else {})
    reasoning: dict[str, Any] = {"exclude": True} if thinking.display == "omitted" else {}
    if thinking.type == "enabled":
        if thinking.budget_tokens is None:
            raise InvalidRequest("Invalid request parameters: `budget_tokens` is required - at `$.thinking`")
        fields |= {"verbosity": config.effort} if config.effort else {}
        return fields | {"reasoning": reasoning | {"max_tokens": thinking.budget_tokens}}
    return fields | {"reasoning": reasoning | ({"effort": config.effort} if config.effort else {"enabled": True})}
