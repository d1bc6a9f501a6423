"""`reasoning_details` in protocols that have one opaque string for them. Pure.

A detail of another provider (a signature of Gemini's, encrypted reasoning of OpenAI's) travels to the caller as text
and comes back unchanged in a later request.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

__all__ = ["detail_in", "text_for"]

_PREFIX = "or1."


def text_for(detail: dict[str, Any]) -> str:
    """The detail as opaque text."""
    return _PREFIX + urlsafe_b64encode(msgspec.json.encode(detail)).decode()


def detail_in(text: str) -> dict[str, Any] | None:
    """The detail in a text of `text_for`; None if it is another text."""
    if not text.startswith(_PREFIX):
        return None
    try:
        detail = msgspec.json.decode(urlsafe_b64decode(text.removeprefix(_PREFIX)))
    except (binascii.Error, ValueError):
        return None
    return detail if isinstance(detail, dict) else None
