"""The fields that requests of tasks other than chat share: embeddings and rerank."""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest

from .chat_completions.body import CHAT_FIELDS, ProviderPreferences

__all__ = ["TaskBody", "common_fields", "invalid", "read_body"]

#: Fields that only a chat has. They were not checked, and mean nothing here.
_UNREAD = CHAT_FIELDS - {"model", "models", "preset", "provider", "user", "session_id"}

T = TypeVar("T", bound="TaskBody")

ModelName = Annotated[str, Meta(min_length=1, max_length=300)]


class TaskBody(msgspec.Struct, kw_only=True):
    """The shared fields that are checked. Those that no task reads go to the provider unread."""

    model: ModelName
    models: Annotated[list[ModelName], Meta(max_length=50)] | None = None
    preset: Annotated[str, Meta(max_length=64)] | None = None
    provider: ProviderPreferences | None = None
    user: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    stream: bool | None = None


def read_body(raw: dict[str, Any], body: type[T]) -> T:
    """The checked fields of a body. Raises InvalidRequest, which names the place and reason of the first fault."""
    try:
        checked = msgspec.convert(raw, body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    if checked.stream:
        raise invalid("this response is not streamed; leave `stream` out", "$.stream")
    return checked


def common_fields(raw: dict[str, Any], checked: TaskBody) -> dict[str, Any]:
    """The fields of a ChatRequest that have the same meaning for every task."""
    return {
        "body": {name: value for name, value in raw.items() if name not in _UNREAD},
        "model": checked.model,
        "models": tuple(checked.models or ()),
        "stream": False,
        "max_tokens": None,
        "provider": checked.provider or ProviderPreferences(),
        "reasoning": None,
        "user": checked.user or "",
        "session_id": checked.session_id or "",
        "is_text_completion": False,
    }


def invalid(message: str, place: str) -> InvalidRequest:
    """The error for a fault at a place of the body, a JSON path."""
    return InvalidRequest(f"Invalid request parameters: {message} - at `{place}`")
