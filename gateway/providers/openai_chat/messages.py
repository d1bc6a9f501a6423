"""The conversation in OpenAI's chat protocol, in the dialect of a provider.

Clients send back the messages that they received, with fields that were null or empty. Strict providers refuse them, so
no provider gets them.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from gateway.protocols.citations import CITED
from gateway.protocols.reasoning import text_of_details
from gateway.providers.media_types import media_type_of_base64, refuse_unsupported_image
from gateway.providers.message_parts import is_tool_result

from .dialects import Dialect
from .reasoning import signed_calls

__all__ = ["messages_in", "without_cache_control"]

Message = dict[str, Any]

#: Values of fields that say nothing.
_EMPTY: tuple[Any, ...] = (None, "", [], {})
#: A field that other protocols have and this one has not: whether a tool failed.
_FOREIGN = "is_error"


def messages_in(dialect: Dialect, messages: list[Message]) -> list[Message]:
    """The messages as the dialect requires them. Neither the list nor a message is modified."""
    if any(_has_media(message) for message in messages if is_tool_result(message)):
        messages = _lift_media(messages)
    for change in _changes(dialect):
        messages = [change(message) for message in messages]
    return messages


def _has_media(message: Message) -> bool:
    content: Any = message.get("content")
    return isinstance(content, list) and any(part.get("type") != "text" for part in content)


def _lift_media(messages: list[Message]) -> list[Message]:
    """Images and files that tools returned go into a user's message after the results, which can have text only."""
    lifted: list[Message] = []
    media: list[Message] = []
    for message in messages:
        if media and not is_tool_result(message):
            lifted.append({"role": "user", "content": media})
            media = []
        if is_tool_result(message) and _has_media(message):
            parts: Any = message["content"]
            media = [*media, *(part for part in parts if part.get("type") != "text")]
            texts = [part for part in parts if part.get("type") == "text"]
            message = message | {"content": texts or "The result is attached to the next message."}
        lifted.append(message)
    return [*lifted, {"role": "user", "content": media}] if media else lifted


def without_cache_control(owner: Message) -> Message:
    """The message, content part or tool without its `cache_control`."""
    if "cache_control" not in owner:
        return owner
    return {name: value for name, value in owner.items() if name != "cache_control"}


@lru_cache(maxsize=256)
def _changes(dialect: Dialect) -> tuple[Callable[[Message], Message], ...]:
    """The functions to apply to each message, in order. They return a new message, or the same when nothing changes."""
    changes: list[Callable[[Message], Message]] = [_drop_empty, _write_arguments, _drop_cited]
    if dialect.call_signatures:
        changes.append(signed_calls)
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
    changes.append(partial(_check_images, dialect.image_types))
    if dialect.roles:  # last: the other changes go by the role that the client sent
        changes.append(partial(_replace_role, dialect.roles))
    return tuple(changes)


def _drop_empty(message: Message) -> Message:
    """Fields without a value are dropped. `content` stays, and is null only beside a call."""
    content = message.get("content")
    if content is None or content == []:  # OpenAI refuses an empty list
        content = None if message.get("tool_calls") else ""
    if message.get("content", ...) == content and not any(
        value in _EMPTY or name == _FOREIGN for name, value in message.items() if name != "content"
    ):
        return message
    kept = {name: value for name, value in message.items() if name != "content" and value not in _EMPTY}
    kept.pop(_FOREIGN, None)
    return kept | {"content": content}


def _write_arguments(message: Message) -> Message:
    """The arguments of tool calls are a JSON text, `{}` where there are none."""
    calls: Any = message.get("tool_calls")
    if not isinstance(calls, list) or all(_has_arguments(call) for call in calls):
        return message
    return message | {"tool_calls": [call if _has_arguments(call) else _with_arguments(call) for call in calls]}


def _has_arguments(call: Message) -> bool:
    function = call.get("function")
    return not isinstance(function, dict) or bool(str(function.get("arguments") or "").strip())


def _with_arguments(call: Message) -> Message:
    return call | {"function": call["function"] | {"arguments": "{}"}}


def _move_reasoning(field: str, message: Message) -> Message:
    """Reasoning goes into this field, and into no other."""
    names = ("reasoning", "reasoning_content", "reasoning_details")
    if not any(name in message for name in names):
        return message
    details: Any = message.get("reasoning_details")
    details = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    reasoning = message.get("reasoning") or message.get("reasoning_content") or text_of_details(details)
    moved = {name: value for name, value in message.items() if name not in names}
    return moved | {field: reasoning} if reasoning else moved


def _keep_fields(fields: frozenset[str], message: Message) -> Message:
    return {name: value for name, value in message.items() if name in fields}


def _drop_cited(message: Message) -> Message:
    content: Any = message.get("content")
    if not isinstance(content, list) or not any(CITED in part for part in content):
        return message
    return message | {"content": [{name: part[name] for name in part if name != CITED} for part in content]}


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
    if any(part.get("type") != "text" or "cache_control" in part for part in content):
        return message
    return message | {"content": "\n".join(str(part.get("text") or "") for part in content)}


def _check_images(accepted: frozenset[str], message: Message) -> Message:
    """The type in an image's data URL becomes that of its bytes. ProviderFailure for a type that is not accepted."""
    content: Any = message.get("content")
    if not isinstance(content, list) or not any(_data_url(part) for part in content):
        return message
    checked = []
    for part in content:
        if url := _data_url(part):
            header, _, data = url.partition(",")
            declared, separator, encoding = header[5:].partition(";")
            media_type = media_type_of_base64(data, declared.lower()) if encoding.endswith("base64") else declared
            media_type = {"image/jpg": "image/jpeg"}.get(media_type, media_type)
            refuse_unsupported_image(media_type, accepted)
            if media_type != declared:
                image = part["image_url"] | {"url": f"data:{media_type}{separator}{encoding},{data}"}
                part = part | {"image_url": image}
        checked.append(part)
    return message | {"content": checked}


def _data_url(part: Message) -> str:
    """The data URL of an image part; empty for anything else."""
    image = part.get("image_url") if part.get("type") == "image_url" else None
    url = image.get("url") if isinstance(image, dict) else None
    return url if isinstance(url, str) and url[:5].lower() == "data:" else ""


def _replace_role(roles: Mapping[str, str], message: Message) -> Message:
    role = roles.get(message["role"])
    return message | {"role": role} if role else message
