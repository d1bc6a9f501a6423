"""Reads requests for messages."""

from typing import Any, Literal

import msgspec

from sandbox.providers.prompts.chat_request import ChatRequest, Message, Reasoning, ResponseFormat, parts_of, text_of

__all__ = ["read_messages_request"]

_SMALLEST_BUDGET = 1024  # tokens of thinking
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class _Block(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    tool_use_id: str | None = None
    content: "str | list[_Block] | dict[str, Any] | None" = None
    source: dict[str, Any] | None = None
    title: str | None = None


class _Message(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: str | list[_Block]


class _Tool(msgspec.Struct, frozen=True):
    name: str
    type: str | None = None
    input_schema: dict[str, Any] | None = None


class _Choice(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct, frozen=True):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: int | None = None


class _Format(msgspec.Struct, frozen=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class _OutputConfig(msgspec.Struct, frozen=True):
    effort: str | None = None
    format: _Format | None = None


class MessagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    messages: list[Message]
    max_tokens: int
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: _Choice | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    speed: Literal["fast", "standard"] | None = None


_decoder = msgspec.json.Decoder(MessagesRequest)


def read_messages_request(body: bytes) -> ChatRequest:
    """The request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    given = _decoder.decode(body)
    if not given.messages:
        raise ValueError("messages: at least one message is required")
    if given.max_tokens < 1:
        raise ValueError("max_tokens: must be greater than or equal to 1")
    msgspec.convert(given.messages, list[_Message])
    if isinstance(given.system, list):
        msgspec.convert(given.system, list[_Block])
    choice, output = given.tool_choice, given.output_config
    return ChatRequest(
        model=given.model,
        messages=[
            *([{"role": "system", "content": given.system}] if given.system else []),
            *(read for message in given.messages for read in _messages(message)),
        ],
        max_tokens=given.max_tokens,
        stream=given.stream,
        stop=given.stop_sequences,
        temperature=given.temperature,
        tools=_tools(given.tools) if given.tools else None,
        tool_choice=_tool_choice(choice) if choice else None,
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
        response_format=ResponseFormat("json_schema", {"schema": output.format.schema})
        if output and output.format
        else None,
        reasoning=_reasoning(given),
        service_tier="priority" if given.speed == "fast" else None,
    )


def _messages(message: Message) -> list[Message]:
    """The results of tools stand in messages of their own."""
    blocks = parts_of(message)
    if message["role"] == "assistant":
        return [_assistant(blocks)]
    read = [_result(block) for block in blocks if block["type"] == "tool_result"]
    others = [_part(block) for block in blocks if block["type"] != "tool_result"]
    return [*read, {"role": "user", "content": others}] if others else read


def _assistant(blocks: list[dict[str, Any]]) -> Message:
    calls = [
        {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": "{}"}}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    texts = [block for block in blocks if block["type"] == "text"]
    return {"role": "assistant", "content": texts or None, **({"tool_calls": calls} if calls else {})}


def _result(block: dict[str, Any]) -> Message:
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text_of(block)}


def _part(block: dict[str, Any]) -> dict[str, Any]:
    """A block as a part of a chat message, with its cache mark."""
    source = block.get("source")
    if block["type"] not in ("image", "document") or not source:
        return block
    if source.get("type") == "content":
        block = block | {"citations": {"blocks": True} | (block.get("citations") or {})}
        source = {"media_type": "text/plain", "data": text_of(source)}
    url = str(source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}")
    if block["type"] == "image":
        part: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
    else:
        part = {"type": "file", "file": {"filename": block.get("title") or "a document", "file_data": url}}
    return part | {name: block[name] for name in ("cache_control", "citations") if block.get(name)}


def _tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tools of the provider's own, which name their type, stay as they are."""
    read = []
    for number, (tool, typed) in enumerate(zip(tools, msgspec.convert(tools, list[_Tool]), strict=True)):
        if typed.type not in (None, "custom"):
            read.append(tool)
            continue
        if typed.input_schema is None:
            raise ValueError(f"tools.{number}.input_schema: field required")
        function = {"name": typed.name, "description": tool.get("description"), "parameters": typed.input_schema}
        marked = {"cache_control": tool["cache_control"]} if tool.get("cache_control") else {}
        read.append({"type": "function", "function": function, **marked})
    return read


def _tool_choice(choice: _Choice) -> str | dict[str, Any]:
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return _CHOICES[choice.type]


def _reasoning(given: MessagesRequest) -> Reasoning | None:
    effort = given.output_config.effort if given.output_config else None
    if given.thinking is None or given.thinking.type == "disabled":
        return None
    if given.thinking.type == "adaptive":
        return Reasoning(effort=effort or "medium")
    budget = given.thinking.budget_tokens
    if budget is None or budget < _SMALLEST_BUDGET:
        raise ValueError(f"thinking.budget_tokens: must be at least {_SMALLEST_BUDGET}")
    if budget >= given.max_tokens:
        raise ValueError("max_tokens: must be greater than thinking.budget_tokens")
    return Reasoning(effort=effort, max_tokens=budget)
