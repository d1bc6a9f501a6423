"""What a prompt weighs before it is sent: a bound for its hold, and the texts that an estimate would count."""

from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = [
    "IMAGE_TOKENS",
    "MESSAGE_TOKENS",
    "attachments",
    "files_bound",
    "message_size",
    "prompt_bound",
    "prompt_texts",
]

#: What one image may count as, at most, at the providers that publish a rule for it.
IMAGE_TOKENS = 1_700

#: Tokens around each message: role, separators.
MESSAGE_TOKENS = 8


def prompt_bound(messages: list[dict[str, Any]], tools: Any = None) -> tuple[int, int]:
    """(tokens, images) that a prompt can count as, at most.

    Half the UTF-8 bytes: tokenizers make one token of about four Latin letters, and of one or two
    letters of scripts that take three bytes each. Base64 data is not text and does not count; for what files may add
    see `files_bound`.
    """
    size = sum(message_size(message) for message in messages)
    images = sum(part.get("type") == "image_url" for part in attachments(messages))
    if tools:
        size += len(msgspec.json.encode(tools))
    return size // 2 + MESSAGE_TOKENS * (len(messages) + 1) + IMAGE_TOKENS * images, images


def files_bound(messages: list[dict[str, Any]], context_length: int) -> int:
    """Tokens that PDFs, audio and video can count as, at most, where a prompt has up to `context_length`.

    One for each byte: a page of text is compressed to about as many bytes as it has tokens. What is named by its
    address may be of any size.
    """
    most = 0
    for part in attachments(messages):
        kind = part.get("type")
        if kind == "image_url":
            continue
        value = part.get(str(kind))
        given = value if isinstance(value, dict) else {}
        data = str(given.get("file_data") or given.get("data") or given.get("url") or "")
        is_address = data[:5].lower() in {"http:", "https"} or not data
        most += context_length if is_address else 2 * IMAGE_TOKENS + len(data) * 3 // 4
    return min(most, context_length)


def attachments(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The parts of messages that are not text."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from (part for part in content if part.get("type") not in {"text", "refusal"})


def message_size(message: dict[str, Any]) -> int:
    """UTF-8 bytes of a message's text and tool calls."""
    size = 0
    content = message.get("content")
    if isinstance(content, str):
        size = _bytes(content)
    elif isinstance(content, list):
        size = sum(_bytes(str(part.get("text", ""))) for part in content if part.get("type") == "text")
    if calls := message.get("tool_calls"):
        size += len(msgspec.json.encode(calls))
    return size


def prompt_texts(messages: list[dict[str, Any]], tools: Any = None) -> Iterator[str]:
    """The texts of a prompt that providers count as tokens."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (str(part.get("text", "")) for part in content if part.get("type") == "text")
        if calls := message.get("tool_calls"):
            yield msgspec.json.encode(calls).decode()
    if tools:
        yield msgspec.json.encode(tools).decode()


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
