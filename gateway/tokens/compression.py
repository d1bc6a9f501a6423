"""Middle-out compression: a conversation that is too long loses its middle, never its beginning or its end. Pure.

Models attend least to the middle of a long context, so that is what is removed: first whole messages, then the middle
of the longest remaining texts.
"""

from typing import Any

from .bounds import MAX_MESSAGE_OVERHEAD, message_size

__all__ = ["ANTHROPIC_MAX_MESSAGES", "compress", "is_enabled", "preference"]

#: Anthropic's models accept no more messages than this.
ANTHROPIC_MAX_MESSAGES = 1000
#: Endpoints whose context has at most this many tokens compress by default.
SHORT_CONTEXT = 8192

_GAP = "\n\n[...]\n\n"


def preference(body: dict[str, Any]) -> bool | None:
    """Whether the request turns compression on or off; None when it says neither."""
    for plugin in body.get("plugins") or ():
        if plugin.get("id") == "context-compression":
            return plugin.get("enabled") is not False
    transforms = body.get("transforms")
    return None if transforms is None else "middle-out" in transforms


def is_enabled(preference: bool | None, context_length: int) -> bool:
    """Whether to compress for an endpoint: as the request says, or by default if the endpoint's context is short."""
    return context_length <= SHORT_CONTEXT if preference is None else preference


def compress(messages: list[dict[str, Any]], max_tokens: int, max_messages: int = 0) -> list[dict[str, Any]]:
    """The messages, shortened from the middle until they have about `max_tokens`; the same list when they fit.

    System messages and the last message stay. The result of a tool is removed together with its call.
    `max_messages`, unless zero, limits the number of messages: half of them from each end.
    """
    if _tokens(messages) <= max_tokens and not (0 < max_messages < len(messages)):
        return messages
    kept = list(messages)
    while len(kept) > 2 and (_tokens(kept) > max_tokens or 0 < max_messages < len(kept)):
        middle = _middle(kept)
        if middle is None:
            break
        first, last = middle
        del kept[first:last]
    return kept if _tokens(kept) <= max_tokens else _with_shorter_texts(kept, max_tokens)


def _middle(messages: list[dict[str, Any]]) -> tuple[int, int] | None:
    """The range of messages nearest to the middle that may be removed together; None when there is none."""
    center = len(messages) / 2
    candidates = [
        index
        for index, message in enumerate(messages[:-1])
        if message.get("role") not in {"system", "developer", "tool"}
    ]
    if not candidates:
        return None
    first = min(candidates, key=lambda index: abs(index + 0.5 - center))
    last = first + 1
    while last < len(messages) - 1 and messages[last].get("role") == "tool":
        last += 1
    if messages[last - 1] is messages[-1]:
        return None
    return first, last


def _with_shorter_texts(messages: list[dict[str, Any]], max_tokens: int) -> list[dict[str, Any]]:
    """The messages with the middle cut out of their longest texts, until they fit or no text can be cut further."""
    shortened = [dict(message) for message in messages]
    for _ in range(2 * len(shortened)):
        excess = _tokens(shortened) - max_tokens
        if excess <= 0:
            break
        texts = [message for message in shortened if isinstance(message.get("content"), str)]
        longest = max(texts, key=lambda message: len(message["content"]), default=None)
        if longest is None:
            break
        text = longest["content"]
        keep = max(32, len(text) - 4 * excess - 4 * len(_GAP))
        if keep >= len(text):
            break
        longest["content"] = text[: keep // 2] + _GAP + text[len(text) - keep // 2 :]
    return shortened


def _tokens(messages: list[dict[str, Any]]) -> int:
    """An estimate: four bytes per token."""
    return sum(message_size(message) // 4 + MAX_MESSAGE_OVERHEAD for message in messages)
