"""The conversation in Anthropic's Messages protocol: turns made of content blocks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any

from gateway.providers.failures import ProviderFailure
from gateway.providers.fetching import FetchedFile
from gateway.providers.media_types import IMAGE_TYPES, refuse_unsupported_image
from gateway.providers.message_parts import (
    Body,
    CacheTtl,
    Media,
    Message,
    Text,
    cache_ttl_of,
    is_system,
    is_tool_result,
    linked_media,
    merge_turns,
    parts_of,
    reasoning_details_of,
    tool_calls_of,
)

__all__ = ["CACHE_CONTROL", "REASONING_FORMAT", "system_blocks", "turns", "urls_to_fetch"]

#: The `format` of this protocol's `reasoning_details`.
REASONING_FORMAT = "anthropic-claude-v1"

CACHE_CONTROL: Mapping[CacheTtl, Body] = {"5m": {"type": "ephemeral"}, "1h": {"type": "ephemeral", "ttl": "1h"}}

_NOT_ALLOWED_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def urls_to_fetch(messages: Iterable[Message]) -> list[str]:
    """The URLs of attachments that the provider refuses to fetch: those without TLS."""
    return [media.url for media in linked_media(messages) if media.url.lower().startswith("http:")]


def system_blocks(messages: Iterable[Message], fetched: Mapping[str, FetchedFile]) -> list[Body]:
    """The content blocks of all system messages."""
    return [block for message in messages if is_system(message) for block in _blocks(message, fetched)]


def turns(messages: Iterable[Message], fetched: Mapping[str, FetchedFile]) -> list[Body]:
    """The conversation in alternating turns of user and assistant. Tool results belong to a user's turn."""
    merged = merge_turns(
        (
            ("assistant" if message.get("role") == "assistant" else "user", list(_content(message, fetched)))
            for message in messages
            if not is_system(message)
        ),
        "content",
        lambda block: block["type"] == "tool_result",
    )
    if merged and merged[-1]["role"] == "assistant" and merged[-1]["content"][-1]["type"] == "text":
        # The model continues this text. The provider refuses it with whitespace at its end.
        merged[-1]["content"][-1]["text"] = merged[-1]["content"][-1]["text"].rstrip()
    _name_calls(merged)
    return merged


def _name_calls(turns: Iterable[Body]) -> None:
    """Give each call an ID that the provider takes and no other call has, and each result that of its call.

    A conversation may have begun at another provider, whose IDs have dots and colons, or are the same in each turn.
    """
    taken: set[str] = set()
    waiting: dict[str, list[str]] = {}  # the IDs of the calls of one turn, by the ID that they came with
    for turn in turns:
        if turn["role"] == "assistant":
            waiting = {}
        for block in turn["content"]:
            if block["type"] == "tool_use":
                given, name = block["id"], _tool_id(block["id"])
                block["id"] = next(one for one in chain((name,), _numbered(name)) if one not in taken)
                taken.add(block["id"])
                waiting.setdefault(given, []).append(block["id"])
            elif block["type"] == "tool_result":
                given = block["tool_use_id"]
                calls = waiting.get(given)
                block["tool_use_id"] = (calls.pop(0) if len(calls) > 1 else calls[0]) if calls else _tool_id(given)


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}_{number}" for number in count(2))


def _content(message: Message, fetched: Mapping[str, FetchedFile]) -> Iterator[Body]:
    """The content blocks of one message."""
    if is_tool_result(message):
        yield _tool_result(message, fetched)
        return
    if message.get("role") == "assistant":
        yield from _thinking_blocks(message)
    calls: list[Body] = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in tool_calls_of(message)
    ]
    if calls and (ttl := cache_ttl_of(message)):  # a mark of the message is one of its last block
        calls[-1]["cache_control"] = CACHE_CONTROL[ttl]
        message = {name: value for name, value in message.items() if name != "cache_control"}
    yield from _blocks(message, fetched)
    yield from calls


def _tool_result(message: Message, fetched: Mapping[str, FetchedFile]) -> Body:
    result: Body = {"type": "tool_result", "tool_use_id": str(message.get("tool_call_id") or message.get("name") or "")}
    blocks = _blocks(message, fetched)
    for cache_control in [block.pop("cache_control") for block in blocks if "cache_control" in block]:
        result["cache_control"] = cache_control
    if message.get("is_error"):
        result["is_error"] = True
    return result | ({"content": blocks} if blocks else {})


def _blocks(message: Message, fetched: Mapping[str, FetchedFile]) -> list[Body]:
    blocks: list[Body] = []
    for part in parts_of(message):
        if isinstance(part, Text):
            block: Body = {"type": "text", "text": part.text}
        else:
            block = _media_block(part.with_fetched_data(fetched))
        if part.cited is not None:
            block = _cited(block, part.cited)
        if part.cache_ttl:
            block["cache_control"] = CACHE_CONTROL[part.cache_ttl]
        blocks.append(block)
    return blocks


def _cited(block: Body, cited: Mapping[str, Any]) -> Body:
    """The block as a document whose citations are wanted."""
    said = {name: text for name in ("title", "context") if isinstance(text := cited.get(name), str) and text}
    if block["type"] == "text":
        text = block["text"].removeprefix("\n".join(said.values())).removeprefix("\n")
        source: Body = {"type": "text", "media_type": "text/plain", "data": text}
        if lengths := cited.get("blocks"):
            source = {"type": "content", "content": list(_cut(text, lengths))}
        return {"type": "document", "source": source, **said, "citations": {"enabled": True}}
    said.pop("context", None)  # a text before the file
    return block | said | {"citations": {"enabled": True}} if block["type"] == "document" else block


def _cut(text: str, lengths: Iterable[int]) -> Iterator[Body]:
    """The text blocks of these lengths, which a line break separates."""
    start = 0
    for length in lengths:
        yield {"type": "text", "text": text[start : start + length]}
        start += length + 1


def _media_block(media: Media) -> Body:
    if media.kind not in {"image", "file"}:
        raise ProviderFailure(400, f"This provider does not support {media.kind} input.", error_type="invalid_request")
    is_image = media.kind == "image" or media.media_type.startswith("image/")
    if media.url:
        source: Body = {"type": "url", "url": media.url}
    elif is_image:
        refuse_unsupported_image(media.media_type, IMAGE_TYPES)
        source = {"type": "base64", "media_type": media.media_type, "data": media.data}
    elif media.media_type.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": media.decoded_text()}
    else:
        source = {"type": "base64", "media_type": media.media_type, "data": media.data}
    if is_image:
        return {"type": "image", "source": source}
    return {"type": "document", "source": source} | ({"title": media.name} if media.name else {})


def _thinking_blocks(message: Message) -> Iterator[Body]:
    """Earlier reasoning, exactly as the provider sent it: it refuses altered or unsigned thinking blocks."""
    for detail in reasoning_details_of(message, REASONING_FORMAT):
        if detail.get("type") == "reasoning.text" and detail.get("signature"):
            yield {"type": "thinking", "thinking": detail.get("text") or "", "signature": detail["signature"]}
        elif detail.get("type") == "reasoning.encrypted" and detail.get("data"):
            yield {"type": "redacted_thinking", "data": detail["data"]}


def _tool_id(given: str) -> str:
    return _NOT_ALLOWED_IN_IDS.sub("_", given or "call")
