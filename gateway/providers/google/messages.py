"""The conversation in Google's Gemini protocol: contents made of parts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.protocols.json_text import decoded
from gateway.providers.fetching import FetchedFile
from gateway.providers.media_types import refuse_unsupported_image
from gateway.providers.message_parts import (
    Body,
    Media,
    Message,
    Text,
    is_system,
    is_tool_result,
    linked_media,
    made_images,
    merge_turns,
    parts_of,
    reasoning_details_of,
    text_of,
    tool_calls_of,
    tool_names_by_call_id,
)

__all__ = ["REASONING_FORMAT", "contents", "image_id", "system_parts", "urls_to_fetch"]

#: The `format` of this protocol's `reasoning_details`.
REASONING_FORMAT = "google-gemini-v1"

#: Documented by Google for tool calls that another model made: they have no signature of their own.
NO_SIGNATURE = "skip_thought_signature_validator"

#: GIF is not among them.
IMAGE_TYPES = frozenset({"image/heic", "image/heif", "image/jpeg", "image/png", "image/webp"})

_YOUTUBE = re.compile(r"https?://((www|m)\.)?(youtube\.com|youtu\.be)/", re.IGNORECASE)


def image_id(number: int) -> str:
    """The `id` of the detail that has the signature of a response's image, counted from 0."""
    return f"image_{number}"


def urls_to_fetch(messages: Iterable[Message]) -> list[str]:
    """The URLs of attachments that must be sent as bytes: all but videos that Google hosts itself."""
    return [media.url for media in linked_media(messages) if media.kind != "video" or not _YOUTUBE.match(media.url)]


def system_parts(messages: Iterable[Message], fetched: Mapping[str, FetchedFile]) -> list[Body]:
    """The parts of all system messages."""
    return [part for message in messages if is_system(message) for part in _parts(message, fetched)]


def contents(messages: Sequence[Message], fetched: Mapping[str, FetchedFile], *, signed: bool) -> list[Body]:
    """The conversation in alternating turns of user and model. All tool results of one step are one user turn.

    `signed` adds a placeholder where a step of tool calls has no signature.
    """
    tool_names = tool_names_by_call_id(messages)

    def turn(message: Message) -> tuple[str, list[Body]]:
        if is_tool_result(message):
            return "user", list(_tool_result(message, tool_names, fetched))
        if message.get("role") == "assistant":
            return "model", _model_parts(message, fetched, signed=signed)
        return "user", _parts(message, fetched)

    return merge_turns(
        (turn(message) for message in messages if not is_system(message)),
        "parts",
        lambda part: "functionResponse" in part,
    )


def _parts(message: Message, fetched: Mapping[str, FetchedFile]) -> list[Body]:
    return [
        {"text": part.text} if isinstance(part, Text) else _media_part(part.with_fetched_data(fetched))
        for part in parts_of(message)
    ]


def _media_part(media: Media) -> Body:
    if media.url:
        return {"fileData": {"fileUri": media.url}}
    if media.kind == "image":
        refuse_unsupported_image(media.media_type, IMAGE_TYPES)
    return {"inlineData": {"mimeType": media.media_type, "data": media.data}}


def _model_parts(message: Message, fetched: Mapping[str, FetchedFile], *, signed: bool) -> list[Body]:
    """The parts of an assistant message, each with the signature that it came with."""
    signatures = {
        str(detail.get("id") or ""): detail["data"]
        for detail in reasoning_details_of(message, REASONING_FORMAT)
        if detail.get("type") == "reasoning.encrypted" and detail.get("data")
    }
    parts = _parts(message, fetched)
    if signature := signatures.get(""):
        if not parts:
            parts.append({"text": ""})
        parts[-1]["thoughtSignature"] = signature
    for number, media in enumerate(made_images(message)):
        part = _media_part(media.with_fetched_data(fetched))
        if signature := signatures.get(image_id(number)):
            part["thoughtSignature"] = signature
        parts.append(part)
    for number, call in enumerate(tool_calls_of(message)):
        part = {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        if signature := signatures.get(call.id) or (NO_SIGNATURE if signed and number == 0 else ""):
            part["thoughtSignature"] = signature
        parts.append(part)
    return parts


def _tool_result(message: Message, tool_names: Mapping[str, str], fetched: Mapping[str, FetchedFile]) -> Iterator[Body]:
    """A tool result, which must be an object, followed by its attachments."""
    call_id = str(message.get("tool_call_id") or message.get("name") or "")
    text = text_of(message)
    try:
        response = decoded(text)
    except ValueError:
        response = text
    if not isinstance(response, dict):
        response = {"result": response}
    name = tool_names.get(call_id) or str(message.get("name") or call_id)
    yield {"functionResponse": {"id": call_id, "name": name, "response": response}}
    yield from (part for part in _parts(message, fetched) if "text" not in part)
