"""Telling whether a text is JSON, and reading what programs and models write as JSON. Pure."""

import re
from typing import Any

import msgspec

from common.errors import InvalidRequest

__all__ = ["decoded", "is_json", "read_object"]


def is_json(text: bytes | str) -> bool:
    """Whether the text is one whole JSON value. It is not kept."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # one too deep for any reader is none
        return False
    return True


_decoder = msgspec.json.Decoder()

#: The escapes of a JSON text: a pair of surrogates, half of one, or any other escape, whose second character is passed
#: over with it.
_ESCAPES = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
_ESCAPE, _BYTES_ESCAPE = re.compile(_ESCAPES, re.DOTALL), re.compile(_ESCAPES.encode(), re.DOTALL)


def decoded(text: bytes | str) -> Any:
    """The value of a JSON text, with U+FFFD for each half of a surrogate pair that stands alone.

    Programs in JavaScript cut texts between the two halves of an emoji, and write the half as an escape. Providers
    refuse it. Raises ValueError for what is not JSON, or has too many levels.
    """
    try:
        try:
            return _decoder.decode(text)
        except msgspec.DecodeError:
            if (whole := _without_halves(text)) == text:
                raise
            return _decoder.decode(whole)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _without_halves(text: bytes | str) -> bytes | str:
    if isinstance(text, str):
        return _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text)
    return _BYTES_ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def read_object(body: bytes | dict[str, Any], example: str) -> dict[str, Any]:
    """The JSON object in a body: bytes, whatever their Content-Type, or a decoded object.

    Raises InvalidRequest, with `example` for what is not an object.
    """
    raw: Any = body
    if isinstance(body, bytes):
        try:
            raw = decoded(body)
        except ValueError as error:
            raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidRequest(f"The body must be a JSON object, for example {example}.")
    return raw
