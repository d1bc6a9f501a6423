"""How an answer should sound: the small wishes in system prompts and questions that can be met."""

import re
from collections.abc import Callable

from sandbox.providers.writer.brief import Brief

__all__ = ["in_the_manner_asked"]

_FENCED = re.compile(r"(```.*?```)", re.DOTALL)
_QUOTE = r"[\"“'`]([^\"”'`\n]{1,200})[\"”'`]|(\S+?)(?:[.!]?\s|[.!]?$)"
_EVERY = r"(?:every|each|all|your|the)\s+(?:\w+\s+){0,3}?"
_START = re.compile(rf"\b(?:start|begin|open)\s+{_EVERY}(?:with|by saying)\s+(?:{_QUOTE})", re.IGNORECASE)
_END = re.compile(
    rf"\b(?:end|finish|close|sign)\s+(?:off\s+)?{_EVERY}(?:with|as|by saying)\s+(?:{_QUOTE})", re.IGNORECASE
)
_CALLED = re.compile(r"\b(?:address|call)\s+(?:me|the user)\s+(?:as\s+)?[\"“']?([A-Z]\w+)")


def in_the_manner_asked(text: str, brief: Brief) -> str:
    """`text`, as the system prompt and the question want it to sound."""
    wishes = f"{brief.system}\n{brief.question}"
    if brief.is_brief:
        text = _first_paragraph(text)
    if brief.wants_plain_text:
        text = plain(text)
    if re.search(r"\bpirate\b", brief.system, re.IGNORECASE):
        text = _before("Arr, matey!", text)
    if called := _CALLED.search(wishes):
        text = _before(f"{called[1]}, here you are.", text)
    if re.search(r"\b(?:all[- ]?caps|upper-?\s?case|capital letters)\b", wishes, re.IGNORECASE):
        text = _outside_code(text, str.upper)
    elif re.search(r"\blower-?\s?case\b", wishes, re.IGNORECASE):
        text = _outside_code(text, str.lower)
    if start := _START.search(brief.system):
        text = _before(start[1] or start[2], text)
    if end := _END.search(brief.system):
        text = f"{text}\n\n{end[1] or end[2]}"
    return text


def plain(text: str) -> str:
    """`text` without Markdown's marks."""
    text = re.sub(r"^#+\s+|^>\s?|^```\w*\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"\*\*|`|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)", "", text)


def _before(words: str, text: str) -> str:
    return f"{words}\n\n{text}" if text[:1] in "#|->*1`" else f"{words} {text}"


def _first_paragraph(text: str) -> str:
    blocks = [block for block in text.split("\n\n") if block.strip() and not block.startswith("#")]
    return blocks[0] if blocks else text


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if part.startswith("```") else change(part) for part in _FENCED.split(text))
