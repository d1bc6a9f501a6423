"""A conversation in the shape of each API."""

import json
import re
from collections.abc import Sequence
from typing import Any

from request_builder.description import CHAT, MESSAGES

from .messages import Message, ToolCall

__all__ = ["conversation_of"]

#: An image in a URL, as Anthropic's API takes its type and data apart.
_DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,([A-Za-z0-9+/=\s]+)")


def conversation_of(messages: Sequence[Message], api: str) -> list[dict[str, Any]]:
    """The messages as the API takes them. Calls are numbered. Results answer them in order; one without a call is left
    out.
    """
    found: list[dict[str, Any]] = []
    waiting: list[str] = []  # IDs of calls without a result so far
    calls = 0
    for each in messages:
        if each.role == "tool":
            found += [_result(waiting.pop(0), each.text, api)] if waiting else []
        elif call := each.tool_call:
            calls += 1
            waiting.append(f"call_{calls}")
            found += _call(waiting[-1], call, each.text, api)
        else:
            found.append({"role": each.role, "content": _content(each, api)})
    return found


def _call(call_id: str, call: ToolCall, text: str, api: str) -> list[dict[str, Any]]:
    if api == MESSAGES:
        said = [{"type": "text", "text": text}] if text else []
        use = {"type": "tool_use", "id": call_id, "name": call.name, "input": call.arguments}
        return [{"role": "assistant", "content": [*said, use]}]
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    if api == CHAT:
        tool_calls = [{"id": call_id, "type": "function", "function": function}]
        return [{"role": "assistant", "content": text or None, "tool_calls": tool_calls}]
    said = [{"role": "assistant", "content": text}] if text else []
    return [*said, {"type": "function_call", "call_id": call_id, **function}]


def _result(call_id: str, text: str, api: str) -> dict[str, Any]:
    if api == CHAT:
        return {"role": "tool", "tool_call_id": call_id, "content": text}
    if api == MESSAGES:
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": text}]}
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def _content(message: Message, api: str) -> str | list[dict[str, Any]]:
    """The content of a message: its text alone, or a list of parts."""
    url = message.image_url
    if not url:
        return message.text
    if api == CHAT:
        text, image = "text", {"type": "image_url", "image_url": {"url": url}}
    elif api == MESSAGES:
        text, image = "text", {"type": "image", "source": _source(url)}
    else:
        text, image = "input_text", {"type": "input_image", "image_url": url}
    said = [{"type": text, "text": message.text}] if message.text else []
    return [image, *said] if api == MESSAGES else [*said, image]  # Anthropic advises to put images first


def _source(url: str) -> dict[str, str]:
    if found := _DATA_URL.fullmatch(url):
        return {"type": "base64", "media_type": found[1], "data": re.sub(r"\s", "", found[2])}
    return {"type": "url", "url": url}
