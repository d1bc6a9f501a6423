"""What a prompt weighs before it is sent: a bound for its hold, and the texts that an estimate would count."""

from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = ["IMAGE_TOKENS", "MESSAGE_TOKENS", "message_size", "prompt_bound", "prompt_texts"]

#: What one image may count as, at most, at the providers that publish a rule for it.
IMAGE_TOKENS = 1_700

#: Tokens around each message: role, separators.
MESSAGE_TOKENS = 8


def prompt_bound(messages: list[dict[str, Any]], tools: Any = None) -> tuple[int, int]:
    """(tokens, images) that a prompt can count as, at most.

    Half the UTF-8 bytes: tokenizers make one token of about four Latin letters, and of one or two
    letters of scripts that take three bytes each. Base64 data is not text and does not count.
    """
    sizes = [message_size(message) for message in messages]
    size = sum(size for size, _ in sizes)
    images = sum(images for _, images in sizes)
    if tools:
        size += len(msgspec.json.encode(tools))
    return size // 2 + MESSAGE_TOKENS * (len(messages) + 1) + IMAGE_TOKENS * images, images


def message_size(message: dict[str, Any]) -> tuple[int, int]:
    """(UTF-8 bytes of text, images and other attachments) of a message."""
    size = images = 0
    content = message.get("content")
    if isinstance(content, str):
        size = _bytes(content)
    elif isinstance(content, list):
        for part in content:
            if part.get("type") == "text":
                size += _bytes(str(part.get("text", "")))
            else:
                images += 1
    if calls := message.get("tool_calls"):
        size += len(msgspec.json.encode(calls))
    return size, images


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
