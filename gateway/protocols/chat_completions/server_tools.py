"""Tools of a chat request: those that the model may call, and those that would run on the server. Pure.

One of the latter runs here: the web search, once and before the model, where the request clearly wants it (decision
0027).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import InvalidRequest

from .shapes import Tool

__all__ = ["callable_tools", "check_tools", "choice_among", "wanted_search"]

_PREFIX = "openrouter:"
_SEARCHES = frozenset(
    {"openrouter:web_search", "web_search", "web_search_2025_08_26", "web_search_preview",
     "web_search_preview_2025_03_11"}
)  # fmt: skip

#: The name of the `tool_choice` that leaves some of the tools.
_SOME = "allowed_tools"


def check_tools(tools: Sequence[Tool]) -> None:
    """Raise InvalidRequest, which names the place, for a tool that would have to run on the server."""
    for index, tool in enumerate(tools):
        if tool.type is not None and tool.type.startswith(_PREFIX) and tool.type not in _SEARCHES:
            raise InvalidRequest(
                f"Invalid request parameters: tools of type {tool.type!r} are not supported. Declare a tool of type "
                f"'function' and run it yourself - at `$.tools[{index}].type`"
            )


def wanted_search(body: Mapping[str, Any]) -> tuple[int, dict[str, Any]] | None:
    """(the index in `tools` of the web search that the request clearly wants, the options of the `web` plugin for it).

    It is wanted where `tool_choice` names it, and where no other tool is there unless `tool_choice` is "none".
    """
    tools, choice = body.get("tools") or (), body.get("tool_choice")
    found = next((index for index, tool in enumerate(tools) if tool.get("type") in _SEARCHES), None)
    if found is None:
        return None
    is_named = isinstance(choice, Mapping) and choice.get("type") in _SEARCHES
    is_alone = choice != "none" and all(tool.get("type") in _SEARCHES for tool in tools)
    return (found, _plugin(tools[found])) if is_named or is_alone else None


def callable_tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools that the model may call: neither those of the server nor what `allowed_tools` leaves out."""
    tools = [tool for tool in body.get("tools") or () if tool.get("type") not in _SEARCHES]
    allowed = _allowed(body.get("tool_choice"))
    if allowed is None:
        return tools
    names = [_name(tool) for tool in allowed.get("tools") or ()]
    return [tool for tool in tools if _name(tool) in names]


def choice_among(body: Mapping[str, Any]) -> Any:
    """`tool_choice` for those tools; None leaves the choice to the model."""
    choice = body.get("tool_choice")
    if (allowed := _allowed(choice)) is not None:
        return allowed.get("mode")
    return None if isinstance(choice, Mapping) and choice.get("type") in _SEARCHES else choice


def _allowed(choice: Any) -> Mapping[str, Any] | None:
    allowed = choice.get(_SOME) if isinstance(choice, Mapping) and choice.get("type") == _SOME else None
    return allowed if isinstance(allowed, Mapping) else None


def _name(tool: Any) -> Any:
    """The type and the name of a tool."""
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    inner = tool.get(kind) if isinstance(kind, str) else None
    return (kind, inner.get("name")) if isinstance(inner, Mapping) else None


def _plugin(tool: Mapping[str, Any]) -> dict[str, Any]:
    parameters = tool.get("parameters")
    given = parameters if isinstance(parameters, Mapping) else tool
    engine = given.get("engine")
    options = {
        "engine": engine if engine not in {"auto", "native"} else None,
        "max_results": given.get("max_results"),
        "include_domains": given.get("allowed_domains"),
        "exclude_domains": given.get("excluded_domains"),
    }
    return {name: value for name, value in options.items() if value is not None}
