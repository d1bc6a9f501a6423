"""Errors of providers: six shapes of JSON, plain text or HTML, each read into a ProviderFailure."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.protocols.json_text import decoded

from . import http
from .failures import ProviderFailure
from .moderation import Moderation

__all__ = ["failure_from_body", "failure_from_response"]

#: The status behind the error types of Anthropic and Google, which come without a number inside a stream.
_STATUSES = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "RESOURCE_EXHAUSTED": 429, "INTERNAL": 500, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip

#: The status of a provider that rejects our key.
KEY_REJECTED = 401

_CONTEXT_LENGTH_ERROR = re.compile(
    r"maximum context length|prompt is too long|exceed(s|ed)? (the )?context|exceeds the maximum number of tokens",
    re.IGNORECASE,
)

#: Wordings of a 403 that refuses the prompt. Without one, a 403 is about our account.
_MODERATION_ERROR = re.compile(r"flagged|moderation|usage (guidelines|polic)|content polic|safety", re.IGNORECASE)


async def failure_from_response(response: http.UpstreamResponse) -> ProviderFailure:
    """The failure in a response whose status is not 200."""
    try:
        body = await response.read(http.MAX_ERROR_BYTES)
    except ProviderFailure as broken:
        return broken
    try:
        reported = decoded(body)
    except ValueError:
        reported = None
    status = response.status if response.status >= 400 else 502
    failure = failure_from_body(reported, default_status=status)
    if failure.status != KEY_REJECTED:
        failure.status = status
    if (header := _seconds(response.headers.get("retry-after", ""))) is not None:
        failure.retry_after = header
    return failure


def failure_from_body(error: Any, default_status: int) -> ProviderFailure:
    """The failure in decoded JSON of any of the shapes that providers use. `default_status` is for those without."""
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict) and isinstance(error.get("error"), dict | str):
        error = error["error"]
    message, code = "Provider returned error", ""
    details: dict[str, Any] = {}
    metadata: Any = None
    if isinstance(error, str):
        message = error
    elif isinstance(error, dict):
        message = str(error.get("message") or error.get("detail") or message)
        code = str(error.get("code") or error.get("type") or error.get("status") or "")
        details = _merged_details(error.get("details"))
        metadata = error.get("metadata")
    status = int(code) if code.isdigit() and 400 <= int(code) < 600 else _STATUSES.get(code, default_status)
    if details.get("reason") == "API_KEY_INVALID":
        status = KEY_REJECTED  # Google sends 400 here, which would blame the caller
    moderation = _moderation(f"{code} {message}", metadata) if status == 403 else None
    return ProviderFailure(
        status,
        message[:4000],
        error_type=_error_type(status, code, message, moderation),
        retry_after=_seconds(str(details.get("retryDelay", "")).removesuffix("s")),
        moderation=moderation,
    )


def _error_type(status: int, code: str, message: str, moderation: Moderation | None) -> str:
    """The error type of our own API."""
    if "context_length" in code or _CONTEXT_LENGTH_ERROR.search(message):
        return "context_length_exceeded"
    if moderation is not None or "content_filter" in code or "content_policy" in code:
        return "content_policy_violation"
    if status == 429:
        return "rate_limit_exceeded"
    if status in {503, 529}:
        return "provider_overloaded"
    return "provider_unavailable"


def _moderation(text: str, metadata: Any) -> Moderation | None:
    """The moderation result in a 403; None when the 403 is about something else, such as our account."""
    fields = metadata if isinstance(metadata, Mapping) else {}
    reasons = fields.get("reasons")
    if not isinstance(reasons, list):
        return Moderation() if _MODERATION_ERROR.search(text) else None
    return Moderation(tuple(str(reason)[:200] for reason in reasons[:20]), str(fields.get("flagged_input") or ""))


def _merged_details(details: Any) -> dict[str, Any]:
    """Google's `details` of an error, a list of objects, as one object."""
    merged: dict[str, Any] = {}
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping):
            merged |= detail
    return merged


def _seconds(value: str) -> float | None:
    """The number of seconds in a text, from 0 to an hour; None when it is not a number."""
    try:
        return max(0.0, min(float(value), 3600.0))
    except ValueError:
        return None
