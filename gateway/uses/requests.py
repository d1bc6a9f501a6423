"""The use of one request. Its text is read here, and only the name of a use leaves."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from common.telemetry import logs
from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest

from .classifier import classify

__all__ = ["MOST_CHARACTERS", "is_classified", "text_of", "use_of"]

log = logging.getLogger(__name__)

#: Characters that are read: of the system prompt, and of the last messages of the user together.
SYSTEM_CHARACTERS, USER_CHARACTERS = 1_000, 3_000
#: At most, with the line breaks between the pieces.
MOST_CHARACTERS = SYSTEM_CHARACTERS + USER_CHARACTERS + 20
#: Messages of the user that are read, and messages among which they are looked for.
LAST_MESSAGES, NEWEST = 3, 100
#: Content parts of a message that are read, and messages at the beginning among which the system prompt is.
LAST_PARTS, FIRST = 8, 3


def is_classified(caller: Caller, request: ChatRequest) -> bool:
    """Return whether the use of the request may be found: its account has agreed, and nothing forbids keeping it."""
    policy = caller.policy
    return (
        policy.classifies_requests
        and request.task == "chat"
        and not policy.keeps_nothing
        and not request.provider.forbids_keeping
    )


def use_of(request: ChatRequest) -> str:
    """Return a key of `USES`; empty if it is not clear. A fault is logged, without a word of the request."""
    try:
        return classify(text_of(request.messages))
    except Exception as error:  # the bill does not depend on it
        log.error("a request could not be classified: %s at %s", type(error).__name__, logs.place(error))
        return ""


def text_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the beginning and end of the system prompt and of the user's last messages, newest first.

    Of a conversation of any size, only `MOST_CHARACTERS` are copied.
    """
    pieces = [_cut(_content(each, SYSTEM_CHARACTERS), SYSTEM_CHARACTERS) for each in _system(messages)]
    left = USER_CHARACTERS
    for message in islice(_from_user(messages), LAST_MESSAGES):
        pieces.append(_cut(_content(message, left), left))
        left -= len(pieces[-1])
        if left <= 0:
            break
    return "\n".join(pieces)


def _system(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return islice((each for each in messages[:FIRST] if each.get("role") in {"system", "developer"}), 1)


def _from_user(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (each for each in reversed(messages[-NEWEST:]) if each.get("role") == "user")


def _content(message: Mapping[str, Any], most: int) -> str:
    """Return the text of a message; of one with parts, their beginnings and ends."""
    content = message.get("content")
    if isinstance(content, list):
        texts = (part.get("text") for part in content[-LAST_PARTS:] if isinstance(part, dict))
        return "\n".join(_cut(text, most) for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _cut(text: str, most: int) -> str:
    """Return the text, or as much of its beginning as of its end: what is asked for stands at one of them."""
    if len(text) <= most:
        return text
    half = most // 2
    return text[:half] + text[len(text) - half :]
