"""Reads requests for messages."""

from typing import Any

import msgspec

from sandbox.providers.chat_request import ChatRequest, Message, Reasoning, parts_of, text_of

__all__ = ["read_messages_request"]

_SMALLEST_BUDGET = 1024  # tokens of thinking
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class MessagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    messages: list[Message]
    max_tokens: int
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(MessagesRequest)


def read_messages_request(body: bytes) -> ChatRequest:
    """The request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    asked = _decoder.decode(body)
    if not asked.messages:
        raise ValueError("messages: at least one message is required")
    if asked.max_tokens < 1:
        raise ValueError("max_tokens: must be greater than or equal to 1")
    choice = asked.tool_choice or {}
    return ChatRequest(
        model=asked.model,
        messages=[*_system(asked.system), *_messages(asked.messages)],
        max_tokens=asked.max_tokens,
        stream=asked.stream,
        stop=asked.stop_sequences,
        temperature=asked.temperature,
        tools=[_tool(tool) for tool in asked.tools] if asked.tools else None,
        tool_choice=_choice(choice),
        parallel_tool_calls=False if choice.get("disable_parallel_tool_use") else None,
        reasoning=_reasoning(asked),
    )


def _system(system: str | list[dict[str, Any]] | None) -> list[Message]:
    return [{"role": "system", "content": system}] if system else []


def _messages(messages: list[Message]) -> list[Message]:
    read: list[Message] = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant"):
            raise ValueError(f"messages.{number}.role: must be user or assistant")
        if not isinstance(content, str | list):
            raise ValueError(f"messages.{number}.content: must be a text or a list of blocks")
        blocks = parts_of(message)
        if role == "assistant":
            read.append(_assistant(blocks))
            continue
        read += [_result(block) for block in blocks if block.get("type") == "tool_result"]
        others = [_part(block) for block in blocks if block.get("type") != "tool_result"]
        if others:
            read.append({"role": "user", "content": others})
    return read


def _assistant(blocks: list[dict[str, Any]]) -> Message:
    calls = [
        {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": "{}"}}
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    texts = [block for block in blocks if block.get("type") == "text"]
    return {"role": "assistant", "content": texts or None, **({"tool_calls": calls} if calls else {})}


def _result(block: dict[str, Any]) -> Message:
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text_of(block)}


def _part(block: dict[str, Any]) -> dict[str, Any]:
    """A block as a part of a chat message, with its cache mark."""
    source = block.get("source")
    if block.get("type") in ("image", "document") and isinstance(source, dict):
        url = source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data')}"
        if block["type"] == "image":
            part: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
        else:
            part = {"type": "file", "file": {"filename": block.get("title") or "a document", "file_data": url}}
        return part | ({"cache_control": block["cache_control"]} if block.get("cache_control") else {})
    return block


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {key: tool[key] for key in ("name", "description") if key in tool}
    marked = {"cache_control": tool["cache_control"]} if tool.get("cache_control") else {}
    return {"type": "function", "function": {**function, "parameters": tool.get("input_schema")}, **marked}


def _choice(choice: dict[str, Any]) -> str | dict[str, Any] | None:
    if choice.get("type") == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return _CHOICES.get(str(choice.get("type")))


def _reasoning(asked: MessagesRequest) -> Reasoning | None:
    thinking = asked.thinking or {}
    effort = (asked.output_config or {}).get("effort")
    if thinking.get("type") == "adaptive":
        return Reasoning(effort=effort or "medium")
    if thinking.get("type") != "enabled":
        return None
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < _SMALLEST_BUDGET:
        raise ValueError(f"thinking.budget_tokens: must be at least {_SMALLEST_BUDGET}")
    if budget >= asked.max_tokens:
        raise ValueError("max_tokens: must be greater than thinking.budget_tokens")
    return Reasoning(effort=effort, max_tokens=budget)
