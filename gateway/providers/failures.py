"""Failures of providers, and the errors that callers get when every attempt has failed."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from common.errors import (
    ApiError,
    ContextLengthExceeded,
    InvalidRequest,
    NoEndpoints,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    TemporarilyUnavailable,
)
from gateway.events import Failed
from gateway.routing.attempts import Attempt
from gateway.routing.availability import availability, page_of

from .moderation import Moderation, moderation_refusal

__all__ = ["ProviderFailure", "about_own_key", "api_error", "failed_event", "refuses_streams", "retry_delay"]


class ProviderFailure(Exception):
    """One attempt failed.

    `status` is an HTTP status: the provider's own, 502 for a broken connection or response, 504 for a timeout.
    `message` is the provider's text for the caller; it may quote the prompt, so it is never logged.
    `retry_after` is in seconds. `moderation` is set when the provider's moderation refused the prompt. `own_key` is a
    sentence for the caller when it is about their own key of the provider.
    """

    own_key = ""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str = "provider_unavailable",
        retry_after: float | None = None,
        moderation: Moderation | None = None,
    ) -> None:
        super().__init__(f"provider failed with {status}")
        self.status = status
        self.message = message
        self.error_type = error_type
        self.retry_after = retry_after
        self.moderation = moderation


#: (Name of the provider, its failure), in the order tried.
Failures = Sequence[tuple[str, ProviderFailure]]

#: The caller's status for a provider's. All others, among them those about our own account, become 502.
_CALLER_STATUSES = {400: 400, 408: 504, 413: 400, 422: 400, 429: 429, 503: 503, 504: 504, 529: 503}

#: The longest wait for rate limits to pass, in seconds.
MAX_RETRY_DELAY = 5.0


def retry_delay(failures: Sequence[ProviderFailure]) -> float | None:
    """Seconds to wait before all endpoints are tried once more; None when a retry is not worthwhile."""
    if any(failure.status != 429 or failure.retry_after is None for failure in failures):
        return None
    shortest = min(failure.retry_after for failure in failures if failure.retry_after is not None)
    return shortest if shortest <= MAX_RETRY_DELAY else None


#: Failures that are about the customer's account at the provider.
_OWN_KEY_PROBLEMS = {
    401: "rejected your own key",
    402: "says that the account of your own key has no credits",
    403: "doesn't allow this request with your own key",
    429: "is rate limiting your own key",
}


def about_own_key(failure: ProviderFailure, attempt: Attempt) -> ProviderFailure:
    """The failure of an attempt, in words without the key if it was on the customer's own key."""
    if attempt.own is None:
        return failure
    failure.message = failure.message.replace(attempt.own.secret, "[your key]")
    if failure.moderation is None and (problem := _OWN_KEY_PROBLEMS.get(failure.status)):
        remedy = "" if failure.status == 429 else f" Check it at {settings.SITE_URL}/settings/provider-keys"
        failure.own_key = f"{attempt.endpoint.provider_name} {problem} ({failure.status}).{remedy}"
        failure.message = failure.own_key
    return failure


def refuses_streams(failure: ProviderFailure) -> bool:
    """Whether a provider refused a request because it asks for a stream; one without a stream may succeed."""
    return failure.status in {400, 403, 405, 415, 422, 501} and "stream" in failure.message.lower()


def api_error(failures: Failures, models: Sequence[str], messages: Sequence[dict[str, Any]]) -> ApiError:
    """The caller's error after every attempt failed. `models` are the models tried, in order; `messages` the prompt.

    The last failure decides, except that a rate limit or a missing model is reported as such only when every provider
    reports it.
    """
    provider, last = failures[-1]
    if last.moderation is not None:
        return moderation_refusal(last.moderation, provider, models[-1], messages)
    metadata = _metadata(failures)
    statuses = {failure.status for _, failure in failures}
    retry_after = _retry_after(failures)
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}

    def reason(code: str, **details: Any) -> dict[str, Any]:
        providers = list(dict.fromkeys(name for name, _ in failures))
        return availability(code, models, page_of(models), affected_providers=providers, **details)

    if statuses == {429}:
        return RateLimited(
            last.own_key or "All providers of this model are rate limited. Try again shortly.",
            metadata=metadata,
            headers=headers,
            availability=reason("capacity_exhausted", retry_after=retry_after),
        )
    if statuses == {404}:
        return NoEndpoints(
            "No provider offers this model anymore. Choose another model.",
            metadata=metadata,
            availability=reason("model_unavailable_upstream"),
        )
    if last.error_type == "context_length_exceeded":
        return ContextLengthExceeded(last.message, metadata=metadata)
    if last.status in {400, 413, 422}:
        error = InvalidRequest(f"Provider returned error: {last.message[:500]}", metadata=metadata)
        error.metadata["error_type"] = (
            last.error_type if last.error_type != "provider_unavailable" else "invalid_request"
        )
        return error
    if last.status in {408, 504}:
        return ProviderTimeout("The provider did not respond in time. Try again.", metadata=metadata)
    if last.status in {429, 503, 529}:
        return TemporarilyUnavailable(
            "No provider can serve the request right now. Try again shortly.",
            metadata=metadata,
            headers=headers,
            availability=reason("temporarily_unavailable", retry_after=retry_after),
        )
    return ProviderUnavailable(last.own_key or "Provider returned error", metadata=metadata)


def _metadata(failures: Failures) -> dict[str, Any]:
    """`error.metadata`: the last failure, and the status of each one before it."""
    provider, last = failures[-1]
    return {
        "provider_name": provider,
        "provider_code": str(last.status),
        "raw": last.message[:2000],
        "previous_errors": [
            {"provider": name, "code": failure.status, "status": failure.status} for name, failure in failures[:-1]
        ],
    }


def _retry_after(failures: Failures) -> int | None:
    """Seconds until the first provider may accept requests again; None unless every provider sent a delay."""
    delays = [failure.retry_after for _, failure in failures if failure.retry_after is not None]
    return max(1, round(min(delays))) if len(delays) == len(failures) else None


def failed_event(failure: ProviderFailure) -> Failed:
    """The event that ends a response which failed after its first token. Its status is that of `api_error`."""
    status = 403 if failure.moderation else _CALLER_STATUSES.get(failure.status, 502)
    is_about_our_account = status == 502 and failure.status < 500 and not failure.own_key
    return Failed(
        status=status,
        message=("" if is_about_our_account else failure.message) or "The provider's response was interrupted.",
        error_type=failure.error_type,
        provider_code=str(failure.status),
    )
