"""The messages of a conversation, as the form sends them, and in the shape of each API."""

import re
from typing import Any, NamedTuple

from django.http import QueryDict

from .description import CHAT, MESSAGES

__all__ = ["MAX_MESSAGES", "Message", "changed", "content_of", "messages_in"]

MAX_MESSAGES = 200
#: An image in a URL, as Anthropic's API takes its type and data apart.
_DATA_URL = re.compile(r"data:(image/[a-z+.-]+);base64,([A-Za-z0-9+/=\s]+)")


class Message(NamedTuple):
    """One message. `image` is a URL, or empty."""

    role: str
    text: str = ""
    image: str = ""

    @property
    def fault(self) -> str:
        """Why it cannot be sent, and the remedy; empty if it can."""
        if not self.text and not self.image:
            return "Enter a text, or remove this message."
        if self.image and self.role != "user":
            return "Only messages of the user can have an image. Remove its URL."
        if self.image and not re.match(r"https?://[^\s/]|data:image/[a-z+.-]+;base64,", self.image):
            return "Enter a URL that starts with https:// or data:image/."
        return ""


def messages_in(data: QueryDict) -> list[Message]:
    """The messages of a form, in order; a form without any has an empty one of the user."""
    columns = [data.getlist(name) for name in ("role", "text", "image")]
    found = [
        Message(role[:20], text.replace("\r\n", "\n"), image.strip())
        for role, text, image in zip(*columns, strict=False)
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


def content_of(message: Message, api: str) -> str | list[dict[str, Any]]:
    """The content of a message: its text alone, or a list of parts."""
    if not message.image:
        return message.text
    if api == CHAT:
        parts = [{"type": "image_url", "image_url": {"url": message.image}}]
        return [*([{"type": "text", "text": message.text}] if message.text else []), *parts]
    if api == MESSAGES:
        found = _DATA_URL.fullmatch(message.image)
        source = (
            {"type": "base64", "media_type": found[1], "data": re.sub(r"\s", "", found[2])}
            if found
            else {"type": "url", "url": message.image}
        )
        return [
            {"type": "image", "source": source},
            *([{"type": "text", "text": message.text}] if message.text else []),
        ]
    image = {"type": "input_image", "image_url": message.image}
    return [*([{"type": "input_text", "text": message.text}] if message.text else []), image]
