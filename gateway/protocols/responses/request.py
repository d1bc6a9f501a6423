"""A Responses request, read as the chat request that means the same. Pure."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.chat_completions.request import parse as parse_chat
from gateway.protocols.json_text import read_object

from .conversation import messages_of, tools_in, with_types
from .faults import fault
from .schema import Item
from .tools import CallShape, Tools, read_tools

__all__ = ["ForReply", "parse"]

#: Fields that mean the same in a chat request.
_SHARED = (
    "model", "models", "preset", "stream", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty",
    "parallel_tool_calls", "metadata", "provider", "route", "user", "safety_identifier", "session_id", "service_tier",
    "prompt_cache_key", "prompt_cache_options", "cache_control", "trace", "debug", "modalities", "image_config",
    "max_tool_calls", "stop_server_tools_when",
)  # fmt: skip

#: Fields that would need something stored, and the remedy.
_STORED: dict[str, str] = {
    "previous_response_id": "Responses are not stored here. Send the whole conversation as `input`, with the `output` "
    "items of the responses before",
    "conversation": "Conversations are not stored here. Send the whole conversation as `input`",
    "prompt": "Prompts are not stored here. Send the prompt as `instructions` or `input`",
}

#: The fields of the response that repeat the request, and their values where the request is silent.
_ECHOED: dict[str, Any] = {
    "background": False, "frequency_penalty": None, "instructions": None, "max_output_tokens": None,
    "max_tool_calls": None, "metadata": {}, "parallel_tool_calls": True, "presence_penalty": None,
    "previous_response_id": None, "prompt_cache_key": None, "safety_identifier": None, "store": False,
    "temperature": None, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
    "top_p": None, "truncation": "disabled", "user": None,
}  # fmt: skip

ENCRYPTED_REASONING = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"


class ForReply(msgspec.Struct, frozen=True):
    """The parts of a request that its response needs."""

    echo: dict[str, Any]
    shapes: dict[str, CallShape]  # how calls of these functions are written; all others are function calls
    encrypted_reasoning: bool  # asked for with `include`
    summary: bool  # reasoning that can be read is to be a summary


class _Format(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class _Reasoning(msgspec.Struct):
    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    enabled: bool | None = None
    summary: str | None = None


class _Body(msgspec.Struct):
    input: str | list[Item]
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    text: _Text | None = None
    reasoning: _Reasoning | None = None
    include: list[str] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    store: bool | None = None
    background: bool | None = None
    plugins: list[dict[str, Any]] | None = None


def parse(body: bytes) -> ChatRequest:
    """The chat request that means the same. Raises InvalidRequest, which names the place of the first fault."""
    raw = read_object(body, '{"model": ..., "input": ...}')
    if raw.get("input") is None:
        raise fault("`input` is required: a text, or a list of items", "input")
    try:
        checked = msgspec.convert({**raw, "input": with_types(raw["input"])}, _Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    _refuse_storing(raw, checked)
    declared = [(f"tools[{index}]", tool) for index, tool in enumerate(checked.tools or ())]
    later = tools_in(checked.input) if isinstance(checked.input, list) else []
    tools = read_tools(declared, checked.tool_choice, later)
    chat: dict[str, Any] = {name: value for name in _SHARED if (value := raw.get(name)) is not None}
    chat["messages"] = _messages(checked)
    if checked.max_output_tokens is not None:
        chat["max_tokens"] = checked.max_output_tokens
    chat |= tools.fields | _output(checked)
    if not tools.fields:
        chat.pop("parallel_tool_calls", None)
    if plugins := _plugins(checked, tools):
        chat["plugins"] = plugins
    return msgspec.structs.replace(parse_chat(chat), for_reply=_for_reply(raw, checked, tools))


def _refuse_storing(raw: dict[str, Any], checked: _Body) -> None:
    for name, remedy in _STORED.items():
        if raw.get(name) is not None:
            raise fault(remedy, name)
    if checked.store:
        raise fault('Responses are not stored here. Send `"store": false`, or leave it out', "store")
    if checked.background:
        raise fault("Responses are not made in the background. Send the request without `background`", "background")


def _messages(checked: _Body) -> list[dict[str, Any]]:
    said = checked.input
    messages = [{"role": "user", "content": said}] if isinstance(said, str) else messages_of(said)
    if not messages:
        raise fault("`input` must contain at least one message", "input")
    first = [{"role": "system", "content": checked.instructions}] if checked.instructions else []
    return [*first, *messages]


def _output(checked: _Body) -> dict[str, Any]:
    """`response_format`, `verbosity`, `reasoning` and `logprobs`.

    `reasoning` with a summary alone leaves it to the model whether it reasons.
    """
    fields: dict[str, Any] = {}
    if checked.text and checked.text.verbosity:
        fields["verbosity"] = checked.text.verbosity
    wanted = checked.text.format if checked.text else None
    if wanted and wanted.type == "json_object":
        fields["response_format"] = {"type": "json_object"}
    elif wanted and wanted.type == "json_schema":
        if wanted.schema is None:
            raise fault("`schema` is required", "text.format")
        schema: dict[str, Any] = {"name": wanted.name or "response", "schema": wanted.schema}
        schema |= {"strict": wanted.strict} if wanted.strict is not None else {}
        schema |= {"description": wanted.description} if wanted.description else {}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    reasoning = checked.reasoning
    if reasoning and (reasoning.effort or reasoning.max_tokens or reasoning.enabled is not None):
        given = {name: getattr(reasoning, name) for name in ("effort", "max_tokens", "enabled", "summary")}
        fields["reasoning"] = {name: value for name, value in given.items() if value is not None}
    if checked.top_logprobs or LOGPROBS in (checked.include or ()):
        fields["logprobs"] = True
    if checked.top_logprobs:
        fields["top_logprobs"] = checked.top_logprobs
    return fields


def _plugins(checked: _Body, tools: Tools) -> list[dict[str, Any]]:
    plugins = list(checked.plugins or ())
    known = [plugin.get("id") for plugin in plugins]
    if tools.search and "web" not in known:
        plugins.append(tools.search)
    if checked.truncation and "context-compression" not in known:
        plugins.append({"id": "context-compression", "enabled": checked.truncation == "auto"})
    return plugins


def _for_reply(raw: dict[str, Any], checked: _Body, tools: Tools) -> ForReply:
    echo = {name: default if (value := raw.get(name)) is None else value for name, default in _ECHOED.items()}
    if checked.tools:
        complete = {"parameters": None, "strict": None}
        echo["tools"] = [complete | tool if tool.get("type") == "function" else tool for tool in checked.tools]
    reasoning = checked.reasoning or _Reasoning()
    echo["reasoning"] = {"effort": reasoning.effort, "summary": reasoning.summary}
    if checked.top_logprobs is not None:
        echo["top_logprobs"] = checked.top_logprobs
    return ForReply(
        echo=echo,
        shapes=dict(tools.shapes),
        encrypted_reasoning=ENCRYPTED_REASONING in (checked.include or ()),
        summary=bool(reasoning.summary),
    )
