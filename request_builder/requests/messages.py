"""The messages of a conversation, as the form sends them, and what is wrong with them."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from django.http import QueryDict

from . import json_text

__all__ = ["COLUMNS", "MAX_MESSAGES", "Message", "ToolCall", "changed", "faults_of", "messages_in"]

MAX_MESSAGES = 200
#: The form's fields of a message. The form has a list of each.
COLUMNS = ("role", "text", "image", "call")
_CALL = re.compile(r"([A-Za-z0-9_.-]{1,64})\s*(\{.*\})?", re.DOTALL)


class ToolCall(NamedTuple):
    """A function that the assistant calls, and the arguments."""

    name: str
    arguments: dict[str, Any]


class Message(NamedTuple):
    """One message. Those of the user may have an `image`, a URL; those of the assistant a tool `call` as typed."""

    role: str
    text: str = ""
    image: str = ""
    call: str = ""

    @property
    def image_url(self) -> str:
        """The image of a user's message, or an empty string: other messages have none."""
        return self.image if self.role == "user" else ""

    @property
    def calls_tool(self) -> bool:
        """Whether this message is to call a tool, well-formed or not."""
        return self.role == "assistant" and bool(self.call)

    @property
    def tool_call(self) -> ToolCall | None:
        """The call of an assistant's message: a name, then a JSON object. None if there is none, or a malformed one."""
        found = _CALL.fullmatch(self.call) if self.calls_tool else None
        if not found:
            return None
        try:
            return ToolCall(found[1], json_text.parse(found[2] or "{}"))
        except (ValueError, RecursionError):
            return None

    @property
    def fault(self) -> str:
        """Why it cannot be sent, and the remedy; empty if it can, wherever it stands."""
        if self.calls_tool and self.tool_call is None:
            return 'Write the call as a name and a JSON object, for example get_weather {"city": "Paris"}.'
        if not self.text and not self.image_url and not self.calls_tool:
            return "Enter a text, or remove this message."
        if self.image_url and not re.match(r"https?://[^\s/]|data:image/[a-z+.-]+;base64,", self.image_url):
            return "Enter a URL that starts with https:// or data:image/."
        return ""


def messages_in(data: QueryDict) -> list[Message]:
    """The messages of a form, in order; a form without any has an empty one of the user."""
    roles, *others = [data.getlist(name) for name in COLUMNS]
    found = [
        Message(role[:20], text.replace("\r\n", "\n"), image.strip(), call.strip())
        for role, text, image, call in zip_longest(roles, *(each[: len(roles)] for each in others), fillvalue="")
    ]
    return found[:MAX_MESSAGES] or [Message("user")]


def changed(messages: list[Message], act: str) -> list[Message]:
    """The messages after a press of one of the form's buttons: `add`, or `remove`, `up`, `down` with an index."""
    name, _, number = act.partition(":")
    at = int(number) if number.isdecimal() and len(number) < 4 else -1
    if name == "add":
        last = messages[-1].role if messages else "assistant"
        return [*messages, Message("assistant" if last == "user" else "user")]
    if not 0 <= at < len(messages):
        return messages
    others = messages[:at] + messages[at + 1 :]
    if name == "remove":
        return others or [Message("user")]
    if name in {"up", "down"}:
        others.insert(max(0, at - 1) if name == "up" else at + 1, messages[at])
        return others
    return messages


def faults_of(messages: Sequence[Message]) -> dict[int, str]:
    """The faults of messages with their remedies, by index. A call needs a result after it, and a result a call."""
    faults: dict[int, str] = {}
    waiting: list[int] = []  # calls without a result so far
    for at, each in enumerate(messages):
        if each.fault:
            faults[at] = each.fault
        elif each.role == "tool" and not waiting:
            faults[at] = "This is the result of no call. Enter a tool call in a message of the assistant before it."
        elif each.role != "tool" and not each.calls_tool:
            faults |= _unanswered(waiting)
        if each.calls_tool:
            waiting.append(at)
        elif each.role == "tool" and waiting:
            waiting.pop(0)
    return _unanswered(waiting) | faults


def _unanswered(waiting: list[int]) -> dict[int, str]:
    found = dict.fromkeys(waiting, "This call has no result. Add a message with the role Tool after it.")
    waiting.clear()
    return found
