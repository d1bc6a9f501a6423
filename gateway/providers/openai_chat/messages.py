"""The conversation in OpenAI's chat protocol, in the dialect of a provider."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from gateway.providers.message_parts import is_tool_result

from .dialects import Dialect

__all__ = ["messages_in", "without_cache_control"]

Message = dict[str, Any]


def messages_in(dialect: Dialect, messages: list[Message]) -> list[Message]:
    """The messages as the dialect requires them. Neither the list nor a message is modified."""
    for change in _changes(dialect):
        messages = [change(message) for message in messages]
    return messages


def without_cache_control(owner: Message) -> Message:
    """The message, content part or tool without its `cache_control`."""
    if "cache_control" not in owner:
        return owner
    return {name: value for name, value in owner.items() if name != "cache_control"}


@lru_cache(maxsize=256)
def _changes(dialect: Dialect) -> tuple[Callable[[Message], Message], ...]:
    """The functions to apply to each message, in order. They return a new message, or the same when nothing changes."""
    changes: list[Callable[[Message], Message]] = []
    if dialect.reasoning_field:
        changes.append(partial(_move_reasoning, dialect.reasoning_field))
    if dialect.message_fields is not None:
        changes.append(partial(_keep_fields, dialect.message_fields))
    if not dialect.cache_control:
        changes.append(_drop_cache_control)
    if not dialect.speaker_names:
        changes.append(_move_name)
    if dialect.text_only_roles:
        changes.append(partial(_join_texts, dialect.text_only_roles))
    if dialect.roles:  # last: the other changes go by the role that the client sent
        changes.append(partial(_replace_role, dialect.roles))
    return tuple(changes)


def _move_reasoning(field: str, message: Message) -> Message:
    """Reasoning goes into this field, and into no other."""
    names = ("reasoning", "reasoning_content", "reasoning_details")
    reasoning = message.get("reasoning") or message.get("reasoning_content")
    moved = {name: value for name, value in message.items() if name not in names}
    return moved | {field: reasoning} if reasoning else moved


def _keep_fields(fields: frozenset[str], message: Message) -> Message:
    """Other fields and empty ones are dropped. `content` may be empty: it is required."""
    return {name: value for name, value in message.items() if name in fields and (value or name == "content")}


def _drop_cache_control(message: Message) -> Message:
    content: Any = message.get("content")
    for part in content if isinstance(content, list) else ():
        if "cache_control" in part:
            message = message | {"content": [without_cache_control(part) for part in content]}
            break
    return without_cache_control(message) if "cache_control" in message else message


def _move_name(message: Message) -> Message:
    """The speaker's name goes before the first text; the name of a tool is dropped."""
    name = message.get("name")
    if not name:
        return message
    unnamed = {key: value for key, value in message.items() if key != "name"}
    content: Any = message.get("content")
    if is_tool_result(message):
        return unnamed
    if isinstance(content, str):
        return unnamed | {"content": f"{name}: {content}"}
    for index, part in enumerate(content or ()):
        if part.get("type") == "text":
            introduced = part | {"text": f"{name}: {part.get('text') or ''}"}
            return unnamed | {"content": [*content[:index], introduced, *content[index + 1 :]]}
    return unnamed


def _join_texts(roles: frozenset[str], message: Message) -> Message:
    """The content of these roles becomes a string, unless it has parts other than text."""
    content: Any = message.get("content")
    if message.get("role") not in roles or not isinstance(content, list):
        return message
    if any(part.get("type") != "text" for part in content):
        return message
    return message | {"content": "\n".join(str(part.get("text") or "") for part in content)}


def _replace_role(roles: Mapping[str, str], message: Message) -> Message:
    role = roles.get(message["role"])
    return message | {"role": role} if role else message
