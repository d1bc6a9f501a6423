"""`reasoning_details` in OpenAI's chat protocol, whose own answers have none. Pure.

Some providers send and take them back as they are. Google's version of the protocol has the signatures of Gemini's tool
calls in a field of the call, `extra_content` (https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["call_signatures", "signed_calls"]

#: The `format` of Gemini's `reasoning_details`.
GEMINI_FORMAT = "google-gemini-v1"


def call_signatures(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The signatures that these tool calls carry, as details with the IDs of their calls."""
    return [
        {"type": "reasoning.encrypted", "data": signature, "id": call.get("id"), "format": GEMINI_FORMAT, "index": 0}
        for call in calls
        if "extra_content" in call and (signature := _signature_in(call["extra_content"]))
    ]


def signed_calls(message: dict[str, Any]) -> dict[str, Any]:
    """The message with the signatures of its details in its tool calls, where they are missing."""
    calls, details = message.get("tool_calls"), message.get("reasoning_details")
    if not isinstance(calls, list) or not isinstance(details, list):
        return message
    signatures = {
        detail.get("id"): detail["data"]
        for detail in details
        if isinstance(detail, dict) and detail.get("format") == GEMINI_FORMAT and detail.get("data")
    }
    return message | {"tool_calls": [_signed(call, signatures.get(call.get("id"))) for call in calls]}


def _signed(call: dict[str, Any], signature: str | None) -> dict[str, Any]:
    if not signature or "extra_content" in call:
        return call
    return call | {"extra_content": {"google": {"thought_signature": signature}}}


def _signature_in(extra: Any) -> str:
    google = extra.get("google") if isinstance(extra, Mapping) else None
    return str(google.get("thought_signature") or "") if isinstance(google, Mapping) else ""
