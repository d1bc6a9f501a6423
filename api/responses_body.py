"""The fields of a Responses request that a preset keeps, as fields of a chat completion request. Pure."""

from typing import Any

import msgspec

from common.errors import InvalidRequest

__all__ = ["as_chat_body"]

#: Fields with another name or shape in a chat completion request, and fields that only Responses has.
_CONVERTED = frozenset({"instructions", "input", "max_output_tokens", "text", "tools", "tool_choice"})
_DROPPED = frozenset({"background", "include", "previous_response_id", "prompt", "store", "truncation"})


class _Format(msgspec.Struct):
    type: str
    name: str = "response"
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _Body(msgspec.Struct):
    instructions: str | None = None
    max_output_tokens: int | None = None
    text: _Text | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None


def as_chat_body(body: bytes) -> dict[str, Any]:
    """Return the chat completion body that means the same. Of its messages it has the instructions only.

    Raises InvalidRequest, which names the place of the first fault.
    """
    try:
        raw = msgspec.json.decode(body)
        if not isinstance(raw, dict):
            raise InvalidRequest('The body must be a JSON object, for example {"model": ..., "input": "..."}.')
        checked = msgspec.convert(raw, _Body)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    chat = {name: value for name, value in raw.items() if name not in _CONVERTED | _DROPPED}
    chat["messages"] = [{"role": "system", "content": checked.instructions or ""}]
    if checked.max_output_tokens is not None:
        chat["max_tokens"] = checked.max_output_tokens
    if checked.tools:
        chat["tools"] = [_tool(tool) for tool in checked.tools]
    if checked.tool_choice is not None:
        chat["tool_choice"] = _choice(checked.tool_choice)
    return chat | _text(checked.text or _Text())


def _text(text: _Text) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if text.verbosity:
        fields["verbosity"] = text.verbosity
    if (wanted := text.format) and wanted.type == "json_schema":
        schema = {name: getattr(wanted, name) for name in ("name", "schema", "strict", "description")}
        given = {name: value for name, value in schema.items() if value is not None}
        fields["response_format"] = {"type": "json_schema", "json_schema": given}
    elif wanted:
        fields["response_format"] = {"type": wanted.type}
    return fields


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A function, whose fields are its own here and those of `function` there; any other tool as it is."""
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}


def _choice(choice: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, dict) and choice.get("type") == "function" and "name" in choice:
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice
