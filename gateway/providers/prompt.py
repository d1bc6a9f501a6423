"""What messages say, in terms that every protocol of its own kind can be written from. Pure.

Messages come in the shape of OpenAI's chat protocol, checked only in part, so every reading here is a tolerant one.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from common.errors import InvalidRequest

from .failures import ProviderFailure
from .fetching import Fetched

__all__ = [
    "Call",
    "Mark",
    "Media",
    "Text",
    "calls_of",
    "is_system",
    "mark_of",
    "names_of_calls",
    "parts_of",
    "text_of",
    "thoughts_of",
]

Message = Mapping[str, Any]
Mark = Literal["", "5m", "1h"]

_KINDS: dict[str, Literal["image", "file", "video"]] = {"image_url": "image", "file": "file", "video_url": "video"}


class Text(msgspec.Struct, frozen=True):
    """A piece of text; `mark` is how long the prompt up to its end is to be cached, empty for not at all."""

    text: str
    mark: Mark = ""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment: its type and its bytes in base64, or the address where it is."""

    kind: Literal["image", "file", "audio", "video"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    name: str = ""
    mark: Mark = ""

    @property
    def text(self) -> str:
        """The text of an attached text file; InvalidRequest when it is none."""
        try:
            return b64decode(self.data).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidRequest(f"The file {self.name} is not text in UTF-8, encoded in base64.") from error

    def filled(self, fetched: Mapping[str, Fetched]) -> "Media":
        """Itself with its bytes, where they have been fetched."""
        file = fetched.get(self.url)
        if file is None:
            return self
        return msgspec.structs.replace(self, media_type=file.media_type, data=file.data, url="")


class Call(msgspec.Struct, frozen=True):
    """A tool call that the model made in an earlier turn."""

    id: str
    name: str
    arguments: dict[str, Any]


def is_system(message: Message) -> bool:
    """Whether the message instructs the model rather than talks to it."""
    return message.get("role") in {"system", "developer"}


def parts_of(message: Message) -> list[Text | Media]:
    """What a message consists of. Blank texts are left out: providers refuse them.

    The speaker's `name` begins the text, since these protocols have no other place for it. Raises InvalidRequest for
    a part that makes no sense, ProviderFailure for one of a kind that is not known here.
    """
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [part for part in map(_part, content or ()) if not isinstance(part, Text) or part.text.strip()]
    if parts and (mark := mark_of(message)):
        parts[-1] = msgspec.structs.replace(parts[-1], mark=mark)
    name = message.get("name")
    if name and message.get("role") not in {"tool", "function"}:
        for index, part in enumerate(parts):
            if isinstance(part, Text):
                parts[index] = msgspec.structs.replace(part, text=f"{name}: {part.text}")
                break
    return parts


def mark_of(thing: Message) -> Mark:
    """How long the prompt is to be cached up to the end of this message, part, tool or request."""
    wish = thing.get("cache_control")
    if not isinstance(wish, Mapping):
        return "5m" if wish else ""
    return "1h" if wish.get("ttl") == "1h" else "5m"


def text_of(message: Message) -> str:
    """The message's texts, one to a line."""
    return "\n".join(part.text for part in parts_of(message) if isinstance(part, Text))


def calls_of(message: Message) -> list[Call]:
    """The tool calls of an assistant's message."""
    calls = _objects(message, "tool_calls")
    if function := message.get("function_call"):  # how calls were spelled before there could be several
        calls.append({"id": function.get("name"), "function": function})
    return [_call(call) for call in calls]


def names_of_calls(messages: Iterable[Message]) -> dict[str, str]:
    """The name of the tool behind each call's id."""
    return {call.id: call.name for message in messages for call in calls_of(message)}


def thoughts_of(message: Message, written_as: str) -> list[dict[str, Any]]:
    """The `reasoning_details` of a message in the format `written_as`, put together again where they came in pieces.

    Another provider's thoughts are left out: nobody else can read them.
    """
    thoughts: list[dict[str, Any]] = []
    for detail in _objects(message, "reasoning_details"):
        if detail.get("format") not in {written_as, "unknown", None}:
            continue
        last = thoughts[-1] if thoughts else {}
        if (
            detail.get("type") == last.get("type") == "reasoning.text"
            and detail.get("index") == last.get("index")
            and not last.get("signature")
        ):
            last["text"] = (last.get("text") or "") + (detail.get("text") or "")
            last["signature"] = detail.get("signature")
        else:
            thoughts.append(dict(detail))
    return thoughts


def _objects(message: Message, name: str) -> list[Mapping[str, Any]]:
    """The list of objects in this field of a message, empty when there is none; InvalidRequest for anything else."""
    value = message.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise InvalidRequest(f"`{name}` of a message must be a list of objects.")
    return list(value)


def _part(part: Message) -> Text | Media:
    kind = str(part.get("type"))
    mark = mark_of(part)
    if kind in {"text", "refusal"}:
        return Text(str(part.get(kind) or ""), mark)
    if kind == "input_audio":
        given = part.get("input_audio")
        audio = given if isinstance(given, Mapping) else {}
        return Media(
            kind="audio", media_type=f"audio/{audio.get('format')}", data=str(audio.get("data") or ""), mark=mark
        )
    if kind in _KINDS:
        value = part.get(kind)
        value = value if isinstance(value, Mapping) else {"url": value}
        return _media(_KINDS[kind], str(value.get("url") or value.get("file_data") or ""), value, mark)
    raise ProviderFailure(400, f"This provider takes no message parts of type {kind}.", error_type="invalid_request")


def _media(kind: Literal["image", "file", "video"], source: str, value: Mapping[str, Any], mark: Mark) -> Media:
    name = str(value.get("filename") or "")
    if source.startswith("data:"):
        header, comma, data = source[5:].partition(",")
        media_type, _, encoding = header.partition(";")
        if not comma or not encoding.endswith("base64"):
            raise InvalidRequest(f"The data URL of {name or f'the {kind}'} must hold base64: data:<type>;base64,<data>")
        media_type = {"image/jpg": "image/jpeg"}.get(media_type.lower(), media_type.lower())
        return Media(kind=kind, media_type=media_type, data=data, name=name, mark=mark)
    if re.match("https?://", source, re.IGNORECASE):
        return Media(kind=kind, url=source, name=name, mark=mark)
    raise InvalidRequest(f"The {kind} {name} needs a data URL or an http or https address.")


def _call(call: Message) -> Call:
    function = call.get("function")
    if not isinstance(function, Mapping):
        raise InvalidRequest("A tool call of a message needs a `function` with `name` and `arguments`.")
    arguments = function.get("arguments") or "{}"
    try:
        decoded = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
    except msgspec.DecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        decoded = {"arguments": arguments}  # what the model wrote, if not an object: it is part of the story
    return Call(str(call.get("id") or ""), str(function.get("name") or ""), decoded)
