"""`reasoning_details`: that of plain reasoning, and details in protocols that have one opaque string for them. Pure.

A detail of another provider (a signature of Gemini's, encrypted reasoning of OpenAI's) travels to the caller as text
and comes back unchanged in a later request.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

__all__ = [
    "Detail", "add_pieces", "detail_in", "details_in", "plain_detail", "text_for", "text_for_all", "text_of_details",
    "well_formed",
]  # fmt: skip

_PREFIX = "or1."

#: The types of the details that we pack.
_TYPES = frozenset({"reasoning.text", "reasoning.summary", "reasoning.encrypted"})


class Detail(msgspec.Struct):
    """The fields that details have, whatever their type. The names and types of all others are the provider's."""

    type: str
    format: str | None = None
    id: str | None = None
    index: int | None = None
    text: str | None = None
    signature: str | None = None
    summary: str | None = None
    data: str | None = None


def well_formed(details: Iterable[Any]) -> list[dict[str, Any]]:
    """Those of a provider's details that are of the documented types."""
    return [detail for detail in details if _is_detail(detail)]


def _is_detail(value: Any) -> bool:
    try:
        msgspec.convert(value, Detail)
    except msgspec.ValidationError:
        return False
    return True


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
    except (binascii.Error, ValueError, RecursionError):
        return None
    return detail if _is_detail(detail) else None


def text_for_all(details: list[dict[str, Any]]) -> str:
    """These details as opaque text."""
    return _PREFIX + urlsafe_b64encode(msgspec.json.encode(details)).decode()


def details_in(text: str) -> list[dict[str, Any]] | None:
    """The details in a text of `text_for_all`; None if it is another text.

    Raises ValueError if it begins like one and is no list of details: the text passes through the caller's hands.
    """
    if not text.startswith(_PREFIX):
        return None
    try:
        details: list[dict[str, Any]] = msgspec.json.decode(urlsafe_b64decode(text.removeprefix(_PREFIX)))
        checked = msgspec.convert(details, list[Detail])
    except (binascii.Error, RecursionError) as error:
        raise ValueError(str(error)) from error
    if not all(detail.type in _TYPES for detail in checked):
        raise ValueError("a detail of an unknown type")
    return details


def add_pieces(known: list[Any], details: list[Any]) -> None:
    """Add the details of one delta to those before. A block of reasoning comes in pieces: its text is concatenated."""
    first, *rest = details
    if known and _continues(known[-1], first):
        pieces = [name for name in ("text", "summary") if isinstance(first.get(name), str)]
        joined = {name: (known[-1].get(name) or "") + first[name] for name in pieces}
        known[-1] = {**known[-1], **first, **joined}
    else:
        known.append(first)
    known += rest


def _continues(known: Any, detail: Any) -> bool:
    """Whether this piece of reasoning belongs to the same block as the one before it. A signature ends a block."""
    if not isinstance(known, dict) or not isinstance(detail, dict) or "signature" in known:
        return False
    if detail.get("type") not in {"reasoning.text", "reasoning.summary"}:
        return False
    return all(known.get(name) == detail.get(name) for name in ("type", "format", "index"))
