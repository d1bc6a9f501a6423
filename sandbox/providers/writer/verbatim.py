"""Requests for exact words: "say exactly ...", "reply with only ..."."""

import re

from sandbox.providers.writer.sums import find_sum

__all__ = ["asked_words"]

_VERB = r"(?:say|reply|respond|answer|write|print|output|return|repeat|echo|type)"
_EXACT = re.compile(
    rf"\b{_VERB}(?:\s+(?:back|with|me|us))*"
    r"\s+(?P<how>exactly|only|just|verbatim|nothing (?:else )?(?:but|except)|after me)\b"
    r"(?P<named>(?:\s+(?:with|this|these|the)?\s*(?:following\s+)?(?:single\s+)?"
    r"(?:words?|text|string|sentence|phrase|letters?|characters?)\b)|\s+(?:this|the following)\b)?"
    r"(?P<colon>\s*:)?\s*(?P<words>.+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"^[\"“'`](.+?)[\"”'`](?:\s|[.,;!]|$)", re.DOTALL)
_LEFTOVERS = re.compile(
    r"[,.;]?\s*(?:and|with)?\s*(?:nothing (?:else|more)|no (?:other|more) (?:words|text)|please)\s*[.!]?\s*$",
    re.IGNORECASE,
)
_RESULT = re.compile(r"^(?:the )?(?:number|result|answer|value|final \w+)\b", re.IGNORECASE)
# "answer only in French" and "write exactly 100 words" ask for a manner, not for words.
_MANNER = re.compile(
    r"^(?:in|if|when|about|as|a|an|one|two|three|four|five|\d+|json|valid|based|using|from|with|to|by|what|your|the|code|questions?)\b",
    re.IGNORECASE,
)
_SHORT = 3  # words that "only" may ask for without a colon or quotes


def asked_words(question: str) -> str | None:
    """The exact words that `question` asks for, or None when it does not ask for exact words."""
    asked = _EXACT.search(question)
    if not asked:
        return None
    words = asked["words"].strip()
    if quoted := _QUOTED.match(words):
        return quoted[1]
    if _RESULT.match(words):
        found = find_sum(question)
        return found.result.replace(",", "") if found else None
    words = _LEFTOVERS.sub("", words).strip()
    if choice := re.match(r"(yes|true)(?: or |/)(?:no|false)\b", words, re.IGNORECASE):
        return choice[1]
    announced = asked["named"] or asked["colon"]
    if not announced and _MANNER.match(words):
        return None
    if not announced and asked["how"].lower() in ("only", "just") and len(words.split()) > _SHORT:
        return None
    return words or None
