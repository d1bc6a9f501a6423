"""The nested fields of a request that the gateway reads. Those that it does not name go to the provider unread."""

from typing import Any, Literal

import msgspec

__all__ = ["ChosenFunction", "Function", "JsonSchema", "Tool", "ToolChoice"]


class Function(msgspec.Struct):
    """The function of a tool, and one item of the older `functions`."""

    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    """One item of `tools`."""

    type: str | None = None
    function: Function | None = None


class AllowedTools(msgspec.Struct):
    """The tools that `tool_choice` leaves, each as in `tools` with its name alone."""

    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class ChosenFunction(msgspec.Struct):
    """The function of a `tool_choice`, and the older `function_call` where it names one."""

    name: str | None = None


class ToolChoice(msgspec.Struct):
    """`tool_choice` where it names a tool."""

    type: str | None = None
    function: ChosenFunction | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct):
    """`response_format.json_schema`."""

    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
