"""What a prompt weighs before it is sent: a bound for its hold, and the texts that an estimate would count."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = [
    "MESSAGE_TOKENS",
    "TYPICAL_IMAGE_TOKENS",
    "Weight",
    "attachments",
    "files_bound",
    "message_size",
    "prompt_texts",
    "text_bound",
    "weigh",
]

#: What one image counts as, usually, and at most at the providers that publish a rule for it.
TYPICAL_IMAGE_TOKENS, IMAGE_TOKENS = 850, 5_000
#: What a short document counts as: two pages, each as text and as an image.
SHORT_DOCUMENT_TOKENS = 3_400

#: Tokens around each message: role, separators.
MESSAGE_TOKENS = 8
#: What a provider puts before a prompt: the date, how to think...
PREAMBLE_TOKENS = 100
#: ...and how to call tools, or to keep to a schema.
INSTRUCTIONS_TOKENS = 1_000

#: Fields of a request that are no part of its prompt, or are weighed by themselves.
_NO_PROMPT = frozenset(
    {
        "model", "models", "route", "messages", "prompt", "provider", "plugins", "transforms", "preset", "user",
        "session_id", "stream_options", "usage", "metadata", "trace", "cache_control", "reasoning",
    }
)  # fmt: skip

#: ASCII letters as "a", the space as it is, everything else as a point.
_SHAPE = bytes(97 if chr(byte).isalpha() and byte < 128 else 32 if byte == 32 else 46 for byte in range(256))
#: How the UTF-8 begins of the characters that become longer where a tokenizer normalises its text (NFC), as some do,
#: and by how many bytes at most: notes of music, letters of India, Tibet and Hebrew with marks, and a few others.
_GROWING = (b"\xf0\x9d\x85", b"\xf0\x9d\x86", b"\xf0\x9d\x87", b"\xe0\xa5", b"\xe0\xa7", b"\xe0\xa8", b"\xe0\xa9",
            b"\xe0\xad", b"\xe0\xbd", b"\xe0\xbe", b"\xe2\xab", b"\xef\xa9", b"\xef\xab", b"\xef\xac", b"\xef\xad",
            b"\xcd\x84")  # fmt: skip
_GROWTH_BYTES = 8


class Weight(msgspec.Struct, frozen=True):
    """What a prompt counts as without its files, in tokens."""

    likely: int  # as text usually does
    most: int  # whatever the text is
    images: int


def weigh(messages: list[dict[str, Any]], body: dict[str, Any]) -> Weight:
    """The weight of a request's messages, and of what else in its body a provider may put into the prompt."""
    texts: list[str] = []
    images = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            for part in content:
                if (kind := part.get("type")) in {"text", "refusal"}:
                    texts.append(str(part.get(kind) or ""))
                elif kind == "image_url":
                    images += 1
        if len(message) > 2:  # more than `role` and `content`
            texts += [_json(value) for name, value in message.items() if name not in {"role", "content"}]
    texts += [
        _json(value) for name, value in body.items() if isinstance(value, str | list | dict) and name not in _NO_PROMPT
    ]
    text = "\n".join(texts)
    data = _encoded(text)
    around = MESSAGE_TOKENS * len(messages) + PREAMBLE_TOKENS
    if body.get("tools") or body.get("functions") or body.get("response_format"):
        around += INSTRUCTIONS_TOKENS
    return Weight(
        likely=len(data) // 4 + MESSAGE_TOKENS * len(messages) + TYPICAL_IMAGE_TOKENS * images,
        most=text_bound(text, data) + around + IMAGE_TOKENS * images,
        images=images,
    )


def text_bound(text: str, encoded: bytes) -> int:
    """The tokens that a text can count as, at most, given with its UTF-8.

    No token is shorter than a byte, and a random text comes close to that. Words have longer ones, but which is up to
    the vocabulary; common to all is only that the space before a Latin letter is not a token by itself.
    """
    most = len(encoded) - encoded.translate(_SHAPE).count(b" a")
    if not unicodedata.is_normalized("NFC", text):
        most += _GROWTH_BYTES * sum(map(encoded.count, _GROWING))
    return most


def files_bound(messages: list[dict[str, Any]], context_length: int) -> tuple[int, int]:
    """Tokens that PDFs, audio and video count as where a prompt has up to `context_length`: (likely, at most).

    A page of text is compressed to about as many bytes as it has tokens. But a file can be made to unfold into
    any number of pages or hours, and what is named by its address may be of any size.
    """
    likely = most = 0
    for part in attachments(messages):
        kind = part.get("type")
        if kind == "image_url":
            continue
        value = part.get(str(kind))
        given = value if isinstance(value, dict) else {}
        data = str(given.get("file_data") or given.get("data") or given.get("url") or "")
        size = SHORT_DOCUMENT_TOKENS + len(data) * 3 // 4
        is_address = data[:5].lower() in {"http:", "https"} or not data
        likely += context_length if is_address else size
        most += size if data.startswith("data:text/") else context_length
    return min(likely, context_length), min(most, context_length)


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
            yield _json(calls)
    if tools:
        yield _json(tools)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
