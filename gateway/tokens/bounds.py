"""How many tokens a prompt has, before it is sent: an estimate for routing, and an upper bound for its hold."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.protocols.citations import CITED

__all__ = [
    "AUDIO_TOKENS_PER_SECOND",
    "MAX_MESSAGE_OVERHEAD",
    "TYPICAL_IMAGE_TOKENS",
    "PromptEstimate",
    "attachments",
    "count_file_tokens",
    "estimate_file_tokens",
    "estimate_tokens",
    "message_size",
    "prompt_texts",
    "text_bound",
]

#: Tokens of an image: typically, and at most at the providers that publish a rule.
TYPICAL_IMAGE_TOKENS, MAX_IMAGE_TOKENS = 850, 5_000
#: Tokens of a short document: two pages, each as text and as an image.
SHORT_DOCUMENT_TOKENS = 3_400

#: Tokens of a second of a recording, typically, and the fewest bytes for each of them: speech in 4 kbit/s.
AUDIO_TOKENS_PER_SECOND = 32
AUDIO_BYTES_PER_TOKEN = 512 // AUDIO_TOKENS_PER_SECOND

#: Tokens for the role and the separators of a message, at most. Holds use it: the tokens that a chat template
#: typically adds (`estimates.MESSAGE_OVERHEAD`) would be too few.
MAX_MESSAGE_OVERHEAD = 8
#: Tokens that providers put before a prompt, at most: the date, how to reason...
PREAMBLE_TOKENS = 100
#: ...and how to call tools, or to follow a schema.
INSTRUCTIONS_TOKENS = 1_000

#: Fields of a request that are not part of its prompt, or are counted separately.
_NOT_IN_PROMPT = frozenset(
    {
        "model", "models", "route", "messages", "prompt", "provider", "plugins", "transforms", "preset", "user",
        "session_id", "stream_options", "usage", "metadata", "trace", "cache_control", "reasoning",
    }
)  # fmt: skip

#: Types of content parts whose text stands in a field of the same name.
_TEXT_PARTS = frozenset({"text", "refusal"})

#: Fields of a message that are counted in other ways than as their JSON.
_NOT_AS_TEXT = frozenset({"role", "content", "images"})

#: Maps ASCII letters to "a", the space to itself, every other byte to a point.
_SHAPE = bytes(97 if chr(byte).isalpha() and byte < 128 else 32 if byte == 32 else 46 for byte in range(256))
#: Some tokenizers normalize their text to NFC, which makes a few characters longer (musical symbols, letters of Indic
#: scripts, Tibetan and Hebrew with marks, and others): the first bytes of their UTF-8...
_GROWING = (b"\xf0\x9d\x85", b"\xf0\x9d\x86", b"\xf0\x9d\x87", b"\xe0\xa5", b"\xe0\xa7", b"\xe0\xa8", b"\xe0\xa9",
            b"\xe0\xad", b"\xe0\xbd", b"\xe0\xbe", b"\xe2\xab", b"\xef\xa9", b"\xef\xab", b"\xef\xac", b"\xef\xad",
            b"\xcd\x84")  # fmt: skip
#: ...and by how many bytes they grow at most.
_GROWTH_BYTES = 8


class PromptEstimate(msgspec.Struct, frozen=True):
    """The tokens of a prompt without its files. One with several `parts` has each part read on its own."""

    likely: int  # for typical text
    bound: int  # for any text
    images: int  # how many images it has
    parts: int = 1
    longest: int = 0  # likely tokens of its longest part, which has to fit into a context; 0: of the whole prompt
    longest_part: int = 0  # the index of that part
    search_units: int = 1  # at most, for models with a price per search unit


def estimate_tokens(messages: list[dict[str, Any]], body: dict[str, Any]) -> PromptEstimate:
    """The tokens of a request's messages, and of everything else in its body that a provider may add to the prompt."""
    texts: list[str] = []
    images = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts += [str(part.get(kind) or "") for part in content if (kind := part.get("type")) in _TEXT_PARTS]
            images += sum(part.get("type") == "image_url" for part in content)
            texts += [_json(part[CITED]) for part in content if CITED in part]
        if len(message) > 2:  # more than `role` and `content`
            if isinstance(made := message.get("images"), list):
                images += len(made)
            texts += [_json(value) for name, value in message.items() if name not in _NOT_AS_TEXT]
    texts += [
        _json(value)
        for name, value in body.items()
        if isinstance(value, str | list | dict) and name not in _NOT_IN_PROMPT
    ]
    text = "\n".join(texts)
    encoded = _encoded(text)
    overhead = MAX_MESSAGE_OVERHEAD * len(messages)
    added = PREAMBLE_TOKENS
    if body.get("tools") or body.get("functions") or body.get("response_format"):
        added += INSTRUCTIONS_TOKENS
    return PromptEstimate(
        likely=len(encoded) // 4 + overhead + TYPICAL_IMAGE_TOKENS * images,
        bound=text_bound(text, encoded) + overhead + added + MAX_IMAGE_TOKENS * images,
        images=images,
    )


def text_bound(text: str, encoded: bytes) -> int:
    """The most tokens that a text can have, given with its UTF-8.

    No token is shorter than a byte, and random text comes close to one token per byte. Words have longer tokens, but
    which ones depends on the vocabulary. All vocabularies have one thing in common: the space before a Latin letter is
    not a token of its own.
    """
    bound = len(encoded) - encoded.translate(_SHAPE).count(b" a")
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        bound += _GROWTH_BYTES * sum(map(encoded.count, _GROWING))
    return bound


def estimate_file_tokens(messages: list[dict[str, Any]], context_length: int) -> tuple[int, int]:
    """The tokens of PDFs, audio and video, each at most `context_length`: (likely, bound).

    A page of text is compressed to about as many bytes as it has tokens, a recording to many more. But a file can be
    made to decompress to any number of pages or hours, and a file behind a URL can have any size.
    """
    likely = bound = 0
    for size, is_url, is_text in _files(messages):
        likely += context_length if is_url else size
        bound += size if is_text else context_length
    return min(likely, context_length), min(bound, context_length)


def count_file_tokens(messages: list[dict[str, Any]]) -> int:
    """The likely tokens of PDFs, audio and video; those behind a URL count as short ones."""
    return sum(size for size, _, _ in _files(messages))


def _files(messages: list[dict[str, Any]]) -> Iterator[tuple[int, bool, bool]]:
    """Each file: (its likely tokens, those of a short one for a URL; whether it is one; whether it is text)."""
    for part in attachments(messages):
        kind = part.get("type")
        if kind == "image_url":
            continue
        value = part.get(str(kind))
        given = value if isinstance(value, dict) else {}
        data = str(given.get("file_data") or given.get("data") or given.get("url") or "")
        is_url = data[:5].lower() in {"http:", "https"} or not data
        size = 0 if is_url else len(data) * 3 // 4 // (AUDIO_BYTES_PER_TOKEN if kind == "input_audio" else 1)
        yield size + SHORT_DOCUMENT_TOKENS, is_url, data.startswith("data:text/")


def attachments(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The content parts of messages that are not text."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from (part for part in content if part.get("type") not in _TEXT_PARTS)


def message_size(message: dict[str, Any]) -> int:
    """UTF-8 bytes of a message's text and tool calls."""
    return sum(len(text) if text.isascii() else len(_encoded(text)) for text in prompt_texts([message]))


def prompt_texts(messages: list[dict[str, Any]], tools: Any = None) -> Iterator[str]:
    """The texts of a prompt that providers count as tokens: text parts, and tools and their calls as JSON."""
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


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
