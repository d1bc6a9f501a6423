"""Middle-out compression: a conversation that is too long loses its middle, never its beginning or its end. Pure.

Models attend least to the middle of a long context, so that is what goes: first whole messages, then the middle of
the longest text that is left.
"""

from typing import Any

from .bounds import MESSAGE_TOKENS, message_size

__all__ = ["ANTHROPIC_MOST_MESSAGES", "asked_for", "compressed", "is_wanted"]

#: Anthropic's models take no more messages than this.
ANTHROPIC_MOST_MESSAGES = 1000
#: Endpoints with a context this short compress unless they are told not to, in tokens.
SHORT_CONTEXT = 8192

_GAP = "\n\n[...]\n\n"


def asked_for(body: dict[str, Any]) -> bool | None:
    """Whether the request asks for compression, or asks for none; None when it says nothing."""
    for plugin in body.get("plugins") or ():
        if plugin.get("id") == "context-compression":
            return plugin.get("enabled") is not False
    transforms = body.get("transforms")
    return None if transforms is None else "middle-out" in transforms


def is_wanted(asked: bool | None, context_length: int) -> bool:
    """Whether to compress for an endpoint: as asked, or because its context is so short that it is the rule."""
    return context_length <= SHORT_CONTEXT if asked is None else asked


def compressed(messages: list[dict[str, Any]], most_tokens: int, most_messages: int = 0) -> list[dict[str, Any]]:
    """The messages, shortened from the middle until they are estimated at `most_tokens`; the same list when they fit.

    System messages and the last message stay. A tool's answer goes together with the call it answers.
    `most_messages`, when not zero, also bounds how many there are: half from each end.
    """
    if _tokens(messages) <= most_tokens and not (0 < most_messages < len(messages)):
        return messages
    kept = list(messages)
    while len(kept) > 2 and (_tokens(kept) > most_tokens or 0 < most_messages < len(kept)):
        middle = _middle(kept)
        if middle is None:
            break
        first, last = middle
        del kept[first:last]
    return kept if _tokens(kept) <= most_tokens else _with_shorter_text(kept, most_tokens)


def _middle(messages: list[dict[str, Any]]) -> tuple[int, int] | None:
    """The range of messages nearest to the middle that may go together; None when none may."""
    centre = len(messages) / 2
    candidates = [
        index
        for index, message in enumerate(messages[:-1])
        if message.get("role") not in {"system", "developer", "tool"}
    ]
    if not candidates:
        return None
    first = min(candidates, key=lambda index: abs(index + 0.5 - centre))
    last = first + 1
    while last < len(messages) - 1 and messages[last].get("role") == "tool":
        last += 1
    if messages[last - 1] is messages[-1]:
        return None
    return first, last


def _with_shorter_text(messages: list[dict[str, Any]], most_tokens: int) -> list[dict[str, Any]]:
    """The messages with the middle of their longest texts cut out, until they fit or nothing is left to cut."""
    shortened = [dict(message) for message in messages]
    for _ in range(2 * len(shortened)):
        excess = _tokens(shortened) - most_tokens
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
    """An estimate: four bytes a token."""
    return sum(message_size(message) // 4 + MESSAGE_TOKENS for message in messages)
