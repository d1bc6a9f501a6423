"""How callers write a conversation: one entry for each protocol of callers.

The model's turns are written as its replies came: each is sent through the protocol's own reply, whole, and put into
the history as clients do.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from common.money import PicoUsd
from gateway.events import Billed, Finished, Started, Usage
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.table import CHAT_COMPLETIONS, MESSAGES, RESPONSES, CallerProtocol

from .conversation import PICTURES, Conversation, Picture, Reply, deltas

__all__ = ["CALLERS"]

Body = dict[str, Any]

STARTED = Started(generation_id="gen-1", created=1, model="acme/one", provider="A", provider_slug="a", simulated=False)
BILLED = Billed(usage=Usage(), cost=PicoUsd(0), balance=PicoUsd(0), latency_ms=1, duration_ms=1)


def _replied(protocol: CallerProtocol, asked: ChatRequest, reply: Reply) -> Body:
    """The reply as the protocol tells it to the caller."""
    reason = "tool_calls" if reply.calls else "stop"
    finished = Finished(finish_reason=reason, native_finish_reason=reason)
    return protocol.gather(asked, [STARTED, *deltas(reply), finished, BILLED])


def _chat(conversation: Conversation) -> ChatRequest:
    messages: list[Body] = [{"role": "system", "content": conversation.system}] if conversation.system else []
    asked = _parsed(CHAT_COMPLETIONS, {"messages": [{"role": "user", "content": "x"}]})
    messages.append({"role": "user", "content": _chat_parts(conversation.first.parts)})
    for step in conversation.steps:
        messages.append(_replied(CHAT_COMPLETIONS, asked, step.reply)["choices"][0]["message"])
        for (call_id, _, _), (text, pictures) in zip(step.reply.calls, step.results, strict=True):
            content = _chat_parts([text, *pictures]) if pictures else text
            messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
        if step.then:
            messages.append({"role": "user", "content": _chat_parts(step.then.parts)})
    tools = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
        }
        for tool in conversation.tools
    ]
    choice: Any = conversation.choice
    if choice not in {"auto", "none", "required"}:
        choice = {"type": "function", "function": {"name": choice}}
    return _parsed(CHAT_COMPLETIONS, {"messages": messages, "tools": tools, "tool_choice": choice})


def _chat_parts(parts: Iterable[str | Picture]) -> list[Body]:
    return [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": PICTURES[part.name]}}
        for part in parts
    ]


def _messages(conversation: Conversation) -> ChatRequest:
    asked = _parsed(MESSAGES, {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9})
    messages: list[Body] = [{"role": "user", "content": _blocks(conversation.first.parts)}]
    for step in conversation.steps:
        messages.append({"role": "assistant", "content": _replied(MESSAGES, asked, step.reply)["content"]})
        results = [
            {"type": "tool_result", "tool_use_id": call_id, "content": _blocks([text, *pictures]) if pictures else text}
            for (call_id, _, _), (text, pictures) in zip(step.reply.calls, step.results, strict=True)
        ]
        messages.append({"role": "user", "content": results + (_blocks(step.then.parts) if step.then else [])})
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in conversation.tools
    ]
    choice = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}.get(
        conversation.choice, {"type": "tool", "name": conversation.choice}
    )
    body = {"messages": messages, "tools": tools, "tool_choice": choice, "max_tokens": 500}
    return _parsed(MESSAGES, body | ({"system": conversation.system} if conversation.system else {}))


def _blocks(parts: Iterable[str | Picture]) -> list[Body]:
    return [{"type": "text", "text": part} if isinstance(part, str) else _image_block(part) for part in parts]


def _image_block(picture: Picture) -> Body:
    source = PICTURES[picture.name]
    if source.startswith("https:"):
        return {"type": "image", "source": {"type": "url", "url": source}}
    data = source.partition(",")[2]
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def _responses(conversation: Conversation) -> ChatRequest:
    asked = _parsed(RESPONSES, {"input": "x"})
    items: list[Body] = [{"role": "user", "content": _input_parts(conversation.first.parts)}]
    for step in conversation.steps:
        items += _replied(RESPONSES, asked, step.reply)["output"]
        for (call_id, _, _), (text, pictures) in zip(step.reply.calls, step.results, strict=True):
            output = _input_parts([text, *pictures]) if pictures else text
            items.append({"type": "function_call_output", "call_id": call_id, "output": output})
        if step.then:
            items.append({"role": "user", "content": _input_parts(step.then.parts)})
    tools = [
        {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.schema}
        for tool in conversation.tools
    ]
    choice: Any = conversation.choice
    if choice not in {"auto", "none", "required"}:
        choice = {"type": "function", "name": choice}
    body = {"input": items, "tools": tools, "tool_choice": choice}
    return _parsed(RESPONSES, body | ({"instructions": conversation.system} if conversation.system else {}))


def _input_parts(parts: Iterable[str | Picture]) -> list[Body]:
    return [
        {"type": "input_text", "text": part}
        if isinstance(part, str)
        else {"type": "input_image", "image_url": PICTURES[part.name]}
        for part in parts
    ]


def _parsed(protocol: CallerProtocol, body: Body) -> ChatRequest:
    return protocol.parse(json.dumps({"model": "acme/one", **body}).encode())


#: The request with which a caller of each protocol continues the conversation.
CALLERS: dict[str, Callable[[Conversation], ChatRequest]] = {
    "chat completions": _chat,
    "messages": _messages,
    "responses": _responses,
}
