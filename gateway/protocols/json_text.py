"""Telling whether a text is JSON. Pure."""

import msgspec

__all__ = ["is_json"]


def is_json(text: bytes | str) -> bool:
    """Whether the text is one whole JSON value. It is not kept."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # one too deep for any reader is none
        return False
    return True
