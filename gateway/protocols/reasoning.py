"""`reasoning_details`: that of plain reasoning, and details in protocols that have one opaque string for them. Pure.

A detail of another provider (a signature of Gemini's, encrypted reasoning of OpenAI's) travels to the caller as text
and comes back unchanged in a later request.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

__all__ = ["detail_in", "plain_detail", "text_for", "text_of_details"]

_PREFIX = "or1."


def plain_detail(text: str) -> dict[str, Any]:
    """The detail of reasoning that a provider sends as text alone."""
    return {"type": "reasoning.text", "text": text, "id": None, "format": "unknown", "index": 0}


def text_of_details(details: Iterable[Mapping[str, Any]]) -> str:
    """The text of the details, or their summaries."""
    return "".join([str(detail.get("text") or detail.get("summary") or "") for detail in details])


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
