"""Chat messages read into typed parts, for protocols other than OpenAI's. Pure.

Messages have the shape of OpenAI's chat protocol and are only partly validated, so everything here is read tolerantly.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from common.errors import InvalidRequest
from gateway.protocols.citations import CITED
from gateway.protocols.json_text import decoded

from .failures import ProviderFailure
from .fetching import FetchedFile
from .media_types import media_type_of_base64

__all__ = [
    "Body",
    "CacheTtl",
    "Media",
    "Message",
    "Text",
    "ToolCall",
    "cache_ttl_of",
    "is_system",
    "is_tool_result",
    "linked_media",
    "made_images",
    "merge_turns",
    "parts_of",
    "reasoning_details_of",
    "text_of",
    "tool_calls_of",
    "tool_names_by_call_id",
]

Message = Mapping[str, Any]
Body = dict[str, Any]
CacheTtl = Literal["", "5m", "1h"]

_KINDS: dict[str, Literal["image", "file", "video"]] = {"image_url": "image", "file": "file", "video_url": "video"}


class Text(msgspec.Struct, frozen=True):
    """A text part; `cache_ttl` is the time to live of the prompt cache up to its end, empty for no caching."""

    text: str
    cache_ttl: CacheTtl = ""
    cited: Mapping[str, Any] | None = None  # it is a document to cite


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment: its type and its bytes in base64, or its URL."""

    kind: Literal["image", "file", "audio", "video"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    name: str = ""
    cache_ttl: CacheTtl = ""
    cited: Mapping[str, Any] | None = None

    def decoded_text(self) -> str:
        """The content of a text file; InvalidRequest when it is not text in UTF-8."""
        try:
            return b64decode(self.data).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidRequest(f"`file` of a message: {self.name} must be UTF-8 text, encoded in base64.") from error

    def with_fetched_data(self, fetched: Mapping[str, FetchedFile]) -> "Media":
        """The same attachment with its bytes, when its URL is among the fetched files."""
        file = fetched.get(self.url)
        if file is None:
            return self
        return msgspec.structs.replace(self, media_type=file.media_type, data=file.data, url="")


class ToolCall(msgspec.Struct, frozen=True):
    """A tool call that the model made in an earlier turn."""

    id: str
    name: str
    arguments: dict[str, Any]


# --- Messages -----------------------------------------------------------------------------------------


def is_system(message: Message) -> bool:
    """Whether the message is an instruction, with the role `system` or `developer`."""
    return message.get("role") in {"system", "developer"}


def is_tool_result(message: Message) -> bool:
    """Whether the message is the result of a tool call."""
    return message.get("role") == "tool"


def parts_of(message: Message) -> list[Text | Media]:
    """The parts of a message's content, without blank texts, which providers refuse.

    The speaker's `name` is put before the first text, because these protocols have no field for it. Raises
    InvalidRequest for a malformed part, ProviderFailure for a part of an unknown type.
    """
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [part for part in map(_part, content or ()) if not isinstance(part, Text) or part.text.strip()]
    if parts and (ttl := cache_ttl_of(message)):
        parts[-1] = msgspec.structs.replace(parts[-1], cache_ttl=ttl)
    name = message.get("name")
    if name and not is_tool_result(message):
        for index, part in enumerate(parts):
            if isinstance(part, Text):
                parts[index] = msgspec.structs.replace(part, text=f"{name}: {part.text}")
                break
    return parts


def linked_media(messages: Iterable[Message]) -> Iterator[Media]:
    """The attachments that the messages name by URL."""
    for message in messages:
        for part in (*parts_of(message), *made_images(message)):
            if isinstance(part, Media) and part.url:
                yield part


def made_images(message: Message) -> list[Media]:
    """The images that the model made in an earlier turn, in order. Raises as `parts_of`."""
    parts = [_part(image) for image in _objects(message, "images") if image.get("image_url")]
    return [part for part in parts if isinstance(part, Media)]


def text_of(message: Message) -> str:
    """The message's texts, one per line."""
    return "\n".join(part.text for part in parts_of(message) if isinstance(part, Text))


def merge_turns(turns: Iterable[tuple[str, list[Body]]], key: str, is_result: Callable[[Body], bool]) -> list[Body]:
    """The conversation with alternating roles: consecutive (role, content) of one role become one turn.

    `key` is the protocol's name for the content of a turn, `is_result` tells the results of tools, which must come
    first in their turn.
    """
    merged: list[Body] = []
    for role, content in turns:
        if merged and merged[-1]["role"] == role:
            merged[-1][key] += content
        elif content:
            merged.append({"role": role, key: content})
    for turn in merged:
        turn[key].sort(key=lambda part: not is_result(part))  # stable: results first, all else in its order
    return merged


# --- Fields of a message ------------------------------------------------------------------------------


def cache_ttl_of(owner: Message) -> CacheTtl:
    """The time to live of the prompt cache up to the end of this message, part, tool or request."""
    control = owner.get("cache_control")
    if not isinstance(control, Mapping):
        return "5m" if control else ""
    return "1h" if control.get("ttl") == "1h" else "5m"


def tool_calls_of(message: Message) -> list[ToolCall]:
    """The tool calls of an assistant message."""
    return [_tool_call(call) for call in _objects(message, "tool_calls")]


def tool_names_by_call_id(messages: Iterable[Message]) -> dict[str, str]:
    """The name of the tool behind each tool call ID."""
    return {call.id: call.name for message in messages for call in tool_calls_of(message)}


def reasoning_details_of(message: Message, reasoning_format: str) -> list[dict[str, Any]]:
    """The `reasoning_details` of a message in this format, joined again where they were streamed in pieces.

    Details in another provider's format are left out: they are signed or encrypted for that provider.
    """
    details: list[dict[str, Any]] = []
    for detail in _objects(message, "reasoning_details"):
        if detail.get("format") not in {reasoning_format, "unknown", None}:
            continue
        last = details[-1] if details else {}
        if (
            detail.get("type") == last.get("type") == "reasoning.text"
            and detail.get("index") == last.get("index")
            and not last.get("signature")
        ):
            last["text"] = (last.get("text") or "") + (detail.get("text") or "")
            last["signature"] = detail.get("signature")
        else:
            details.append(dict(detail))
    return details


def _objects(message: Message, name: str) -> list[Mapping[str, Any]]:
    """The list of objects in this field of a message, empty when it is absent; InvalidRequest for anything else."""
    value = message.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise InvalidRequest(f"`{name}` of a message must be a list of objects.")
    return list(value)


def _part(part: Message) -> Text | Media:
    read = _read_part(part)
    return msgspec.structs.replace(read, cited=cited) if isinstance(cited := part.get(CITED), Mapping) else read


def _read_part(part: Message) -> Text | Media:
    kind = str(part.get("type"))
    ttl = cache_ttl_of(part)
    if kind in {"text", "refusal"}:
        return Text(str(part.get(kind) or ""), ttl)
    if kind == "input_audio":
        value = part.get("input_audio")
        audio = value if isinstance(value, Mapping) else {}
        return Media(
            kind="audio", media_type=f"audio/{audio.get('format')}", data=str(audio.get("data") or ""), cache_ttl=ttl
        )
    if kind in _KINDS:
        value = part.get(kind)
        value = value if isinstance(value, Mapping) else {"url": value}
        return _media(_KINDS[kind], str(value.get("url") or value.get("file_data") or ""), value, ttl)
    raise ProviderFailure(
        400, f"This provider does not support message parts of type {kind}.", error_type="invalid_request"
    )


def _media(kind: Literal["image", "file", "video"], source: str, value: Mapping[str, Any], ttl: CacheTtl) -> Media:
    name = str(value.get("filename") or "")
    if source.startswith("data:"):
        header, comma, data = source[5:].partition(",")
        media_type, _, encoding = header.partition(";")
        if not comma or not encoding.endswith("base64"):
            raise InvalidRequest(f"{_place(kind, name)}: the data URL must contain base64: data:<type>;base64,<data>")
        media_type = {"image/jpg": "image/jpeg"}.get(media_type.lower(), media_type.lower())
        media_type = media_type_of_base64(data, media_type)  # providers refuse a declared type that is wrong
        return Media(kind=kind, media_type=media_type, data=data, name=name, cache_ttl=ttl)
    if re.match("https?://", source, re.IGNORECASE):
        return Media(kind=kind, url=source, name=name, cache_ttl=ttl)
    raise InvalidRequest(f"{_place(kind, name)} needs a data URL or an http or https URL.")


def _place(kind: str, name: str) -> str:
    field = next(field for field, of in _KINDS.items() if of == kind)
    return f"`{field}` of a message" + (f" ({name[:100]})" if name else "")


def _tool_call(call: Message) -> ToolCall:
    function = call.get("function")
    if not isinstance(function, Mapping):
        raise InvalidRequest("A tool call of a message needs a `function` with `name` and `arguments`.")
    arguments = function.get("arguments") or "{}"
    try:
        read = decoded(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        read = None
    if not isinstance(read, dict):
        read = {"arguments": arguments}  # malformed arguments stay in the history as the model wrote them
    return ToolCall(str(call.get("id") or ""), str(function.get("name") or ""), read)
