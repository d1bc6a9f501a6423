"""The nested fields of a request that the gateway reads. Those that it does not name go to the provider unread."""

from typing import Any

import msgspec

__all__ = ["JsonSchema", "Tool", "ToolChoice"]


class _Function(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    """One item of `tools`."""

    type: str | None = None
    function: _Function | None = None


class _ChosenFunction(msgspec.Struct):
    name: str | None = None


class ToolChoice(msgspec.Struct):
    """`tool_choice` where it names a tool."""

    type: str | None = None
    function: _ChosenFunction | None = None


class JsonSchema(msgspec.Struct):
    """`response_format.json_schema`."""

    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
