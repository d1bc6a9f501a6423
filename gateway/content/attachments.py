"""Leaving large files and images out of what is stored. Pure."""

from typing import Any

__all__ = ["without_large"]


def without_large(message: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    """Return a message in which a note stands for each attachment of more than `max_bytes`. Texts stay whole.

    Attachments are the strings in the parts of its content that are no text, and its images.
    """
    content, images = message.get("content"), message.get("images")
    if isinstance(content, list):
        message = message | {"content": [_part(each, max_bytes) for each in content]}
    if images:
        message = message | {"images": _short(images, max_bytes)}
    return message


def _part(part: Any, max_bytes: int) -> Any:
    is_text = isinstance(part, str) or (isinstance(part, dict) and isinstance(part.get("text"), str))
    return part if is_text else _short(part, max_bytes)


def _short(value: Any, max_bytes: int) -> Any:
    """The JSON value with a note for each string that is too long."""
    if isinstance(value, dict):
        return {name: _short(each, max_bytes) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each, max_bytes) for each in value]
    if isinstance(value, str) and len(value) > max_bytes:
        kind = value[5:].partition(";")[0] if value.startswith("data:") else "data"
        return f"[Not stored: {kind[:60]}, {len(value):,} bytes as sent]"
    return value
