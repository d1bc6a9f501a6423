"""The stored prompt and response of a request, as its page shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.content import stored
from gateway.content.recording import Content
from gateway.models import Generation, StoredContent

__all__ = ["Message", "ShownContent", "content_of"]

#: Characters of one message that the page shows; the export has all of them.
MOST_CHARACTERS = 50_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its role, and its text, with a line for each part that is no text."""

    role: str
    text: str
    reasoning: str = ""

    @property
    def is_long(self) -> bool:
        return len(self.text) > MOST_CHARACTERS

    @property
    def shown(self) -> str:
        return self.text[:MOST_CHARACTERS]


@dataclass(frozen=True, slots=True)
class ShownContent:
    """The stored content of a request: empty for a member who may not read it, and without its key."""

    may_read: bool
    is_readable: bool = False
    messages: tuple[Message, ...] = ()
    responses: tuple[Message, ...] = ()
    error: str = ""


def content_of(request: Generation, may_read: bool) -> ShownContent | None:
    """Return what is stored of a request; None if nothing is."""
    row = StoredContent.objects.filter(pk=request.pk).first()
    if row is None:
        return None
    if not may_read:
        return ShownContent(may_read=False)
    try:
        content = stored.opened(row)
    except stored.Unreadable:
        return ShownContent(may_read=True)
    return ShownContent(
        may_read=True,
        is_readable=True,
        messages=tuple(_prompt(content)),
        responses=tuple(map(_message, content.responses)),
        error=f"{content.error.message} ({content.error.status})" if content.error else "",
    )


def _prompt(content: Content) -> Iterable[Message]:
    return [Message("prompt", content.prompt)] if content.prompt is not None else map(_message, content.messages)


def _message(message: dict[str, Any]) -> Message:
    lines = [*_texts(message.get("content") or message.get("refusal")), *_texts(message.get("images"))]
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        lines.append(f"Calls {function.get('name')}({function.get('arguments') or ''})")
    reasoning = message.get("reasoning")
    return Message(str(message.get("role") or ""), "\n".join(lines), reasoning if isinstance(reasoning, str) else "")


def _texts(content: Any) -> Iterator[str]:
    """The texts of a message, and in brackets what its other parts are."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict):
                text = part.get("text")
                yield text if isinstance(text, str) else _about(part)


def _about(part: dict[str, Any]) -> str:
    """A line about an attachment: its type, and its address or size."""
    kind = str(part.get("type") or "attachment")
    inside = part.get(kind)
    values = [value for value in (inside.values() if isinstance(inside, dict) else [inside]) if isinstance(value, str)]
    longest = max(values, key=len, default="")
    shown = longest if len(longest) <= 200 and not longest.startswith("data:") else f"{len(longest):,} bytes"
    return f"[{kind}: {shown}]" if shown else f"[{kind}]"
