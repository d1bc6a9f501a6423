"""Requests for exact words: "say exactly: ...", "reply with only the word ..."."""

import re

__all__ = ["exact_words"]

_EXACT = re.compile(
    r"\b(?:say|reply|respond|answer|write|print|return|repeat)\b(?:\s+with)?\s+(?:exactly|only|just)\b"
    r"(?:(?:\s+(?:this|these|the|following|words?|text|sentence))*\s*:\s*(?P<rest>.+)"
    r"|\s+[\"“](?P<quoted>.+?)[\"”]"
    r"|\s+the word (?P<word>\w+))",
    re.IGNORECASE | re.DOTALL,
)


def exact_words(question: str) -> str | None:
    """The words that `question` asks to be said as they are, or None."""
    found = _EXACT.search(question)
    return found and (found["rest"] or found["quoted"] or found["word"]).strip()
