"""Telling whether a text is JSON, and reading the object in a body. Pure."""

from typing import Any

import msgspec

from common.errors import InvalidRequest

__all__ = ["is_json", "read_object"]


def is_json(text: bytes | str) -> bool:
    """Whether the text is one whole JSON value. It is not kept."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # one too deep for any reader is none
        return False
    return True


_decoder = msgspec.json.Decoder()


def read_object(body: bytes | dict[str, Any], example: str) -> dict[str, Any]:
    """The JSON object in a body: bytes, whatever their Content-Type, or a decoded object.

    Raises InvalidRequest, with `example` for what is not an object.
    """
    raw: Any = body
    if isinstance(body, bytes):
        try:
            raw = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidRequest(f"The body must be a JSON object, for example {example}.")
    return raw
