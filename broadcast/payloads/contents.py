"""Prompts and responses that their account has agreed to store, as attributes of events."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.content import stored
from gateway.content.recording import Content
from gateway.models import StoredContent

__all__ = ["MAX_BYTES", "attributes", "attributes_of"]

#: Bytes of a prompt and response together beyond which an event has neither.
MAX_BYTES = 256 * 1024

_encode = msgspec.json.Encoder().encode


def attributes_of(generation_id: str) -> dict[str, str]:
    """Return the attributes of a request whose content is stored; none for any other."""
    row = StoredContent.objects.filter(pk=generation_id).first()
    if row is None:
        return {}
    try:
        return attributes(stored.opened(row))
    except stored.Unreadable:
        return {}


def attributes(content: Content) -> dict[str, str]:
    """Return the messages as JSON, in the form of the GenAI conventions: texts and tool calls, no images or files."""
    asked = [{"role": "user", "content": content.prompt}] if content.prompt is not None else content.messages
    found = {
        "gen_ai.input.messages": _encode([_message(each) for each in asked]).decode(),
        "gen_ai.output.messages": _encode([_message(each) for each in content.responses]).decode(),
    }
    if sum(len(text.encode()) for text in found.values()) > MAX_BYTES:
        return {"openrouter.content.omitted": "too large"}
    return found


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": str(message.get("role") or "assistant"), "parts": list(_parts(message))}


def _parts(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    texts = list(_texts(message.get("content") or message.get("refusal")))
    if isinstance(reasoning := message.get("reasoning"), str) and reasoning:
        yield {"type": "reasoning", "content": reasoning}
    if (call_id := message.get("tool_call_id")) is not None:
        yield {"type": "tool_call_response", "id": str(call_id), "response": "\n".join(texts)}
    else:
        for text in texts:
            yield {"type": "text", "content": text}
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        name, arguments = function.get("name"), function.get("arguments")
        yield {"type": "tool_call", "id": call.get("id"), "name": name, "arguments": arguments}


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                yield text
