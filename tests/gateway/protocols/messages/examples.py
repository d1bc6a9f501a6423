"""Requests in Anthropic's Messages protocol, and streams read as its clients read them."""

import json
from typing import Any

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.messages.request import parse
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.request_context import ProviderRequest
from tests.gateway.native import CALLER, attempt

__all__ = ["PATH", "TOOL", "at_anthropic", "body", "events_in", "message_of", "parsed"]

PATH = "/messages"
TOOL = {
    "name": "get_weather",
    "description": "Current weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def body(*messages: Any, **fields: Any) -> dict[str, Any]:
    said = list(messages) or [{"role": "user", "content": "Hello"}]
    return {"model": "acme/one", "max_tokens": 500, "messages": said, "provider": {"sort": "price"}, **fields}


def parsed(*messages: Any, **fields: Any) -> ChatRequest:
    return parse(json.dumps(body(*messages, **fields)).encode())


def at_anthropic(*messages: Any, **fields: Any) -> dict[str, Any]:
    """The body that Claude's provider gets for such a request."""
    return anthropic_body(ProviderRequest(parsed(*messages, **fields), attempt("claude-haiku-4-5"), CALLER, None), {})


def events_in(text: str) -> list[dict[str, Any]]:
    """The events of a stream; each is named twice alike."""
    events = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append(event)
    return events


def message_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content that a client assembles of a stream."""
    content: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(content)
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            (name,) = event["delta"].keys() - {"type"}
            if name == "citation":
                content[event["index"]].setdefault("found", []).append(event["delta"][name])
                continue
            field = "input" if name == "partial_json" else name
            content[event["index"]][field] = (content[event["index"]][field] or "") + event["delta"][name]
    for block in content:
        if block["type"] in {"tool_use", "server_tool_use"}:
            block["input"] = json.loads(block["input"] or "{}")
    return content
