"""Providers' errors: six shapes of JSON, plain text or HTML, all made into one ProviderFailure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from . import http
from .failures import ProviderFailure
from .moderation import Moderation

__all__ = ["failure_from", "failure_of"]

#: The status behind Anthropic's types of errors and Google's: within a stream they come without a number.
_STATUSES = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "RESOURCE_EXHAUSTED": 429, "INTERNAL": 500, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip

#: The status of a provider that does not accept our key.
NO_KEY = 401

_TOO_LONG = re.compile(
    r"maximum context length|prompt is too long|exceed(s|ed)? (the )?context|exceeds the maximum number of tokens",
    re.IGNORECASE,
)

#: How providers say with 403 that it is the prompt, not our key, which is not let in.
_FLAGGED = re.compile(r"flagged|moderation|usage (guidelines|polic)|content polic|safety", re.IGNORECASE)


async def failure_of(response: http.UpstreamResponse) -> ProviderFailure:
    """The failure that a response other than an answer is."""
    try:
        body = await response.read(http.ERROR_BODY_BYTES)
    except ProviderFailure as broken:
        return broken
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    status = response.status if response.status >= 400 else 502
    failure = failure_from(decoded, default_status=status)
    if failure.status != NO_KEY:
        failure.status = status
    if (header := _seconds(response.headers.get("retry-after", ""))) is not None:
        failure.retry_after = header
    return failure


def failure_from(error: Any, default_status: int) -> ProviderFailure:
    """A failure from any of the shapes that providers use for errors."""
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
        details = _details(error.get("details"))
        metadata = error.get("metadata")
    status = int(code) if code.isdigit() and 400 <= int(code) < 600 else _STATUSES.get(code, default_status)
    if details.get("reason") == "API_KEY_INVALID":
        status = NO_KEY  # Google calls it an invalid argument, which would be the caller's fault
    error_type = "provider_unavailable"
    moderation = _moderation(f"{code} {message}", metadata) if status == 403 else None
    if "context_length" in code or _TOO_LONG.search(message):
        error_type = "context_length_exceeded"
    elif moderation is not None or "content_filter" in code or "content_policy" in code:
        error_type = "content_policy_violation"
    elif status == 429:
        error_type = "rate_limit_exceeded"
    elif status in {503, 529}:
        error_type = "provider_overloaded"
    retry_after = _seconds(str(details.get("retryDelay", "")).removesuffix("s"))
    return ProviderFailure(
        status, message[:4000], error_type=error_type, retry_after=retry_after, moderation=moderation
    )


def _moderation(words: str, metadata: Any) -> Moderation | None:
    """What moderation says, None when these words of a refusal are about something else, such as our account."""
    said = metadata if isinstance(metadata, Mapping) else {}
    reasons = said.get("reasons")
    if not isinstance(reasons, list):
        return Moderation() if _FLAGGED.search(words) else None
    return Moderation(tuple(str(reason)[:200] for reason in reasons[:20]), str(said.get("flagged_input") or ""))


def _details(details: Any) -> dict[str, Any]:
    """Google's details of an error, a list of objects, as one."""
    merged: dict[str, Any] = {}
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping):
            merged |= detail
    return merged


def _seconds(value: str) -> float | None:
    try:
        return max(0.0, min(float(value), 3600.0))
    except ValueError:
        return None
