"""What goes wrong at a provider, and what the caller is told when every attempt has failed."""

from collections.abc import Sequence
from typing import Any

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
from gateway.routing.availability import availability, page_of

from .moderation import Moderation, moderation_refusal

__all__ = ["ProviderFailure", "broken_off", "refusal", "retry_pause"]


class ProviderFailure(Exception):
    """One attempt failed.

    `status` is an HTTP status: the provider's own, 502 for a broken connection or answer, 504 for silence.
    `message` is the provider's text, for the caller only: it may quote the prompt, so it is never logged.
    `retry_after` is in seconds. `moderation` is what a provider said that refused the prompt for what it is about.
    """

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


#: What a caller is told for a provider's status; for the others, among them those about our own key, 502.
_TOLD = {400: 400, 408: 504, 413: 400, 422: 400, 429: 429, 503: 503, 504: 504, 529: 503}

#: The longest that a caller is kept waiting for rate limits to pass, in seconds.
LONGEST_PAUSE = 5.0


def retry_pause(failures: Sequence[ProviderFailure]) -> float | None:
    """Seconds to wait before everybody is asked once more; None when that is not worth it."""
    if any(failure.status != 429 or failure.retry_after is None for failure in failures):
        return None
    soonest = min(failure.retry_after for failure in failures if failure.retry_after is not None)
    return soonest if soonest <= LONGEST_PAUSE else None


def refusal(
    failures: Sequence[tuple[str, ProviderFailure]], models: Sequence[str], messages: Sequence[dict[str, Any]]
) -> ApiError:
    """The error for the caller after every attempt failed: (provider name, failure) in the order tried, the ids of the
    models asked for, in that order as well, and the caller's messages.

    The last one decides, as with `models` fallbacks; when all providers were rate limited the answer
    says so and when to come back.
    """
    provider, last = failures[-1]
    if last.moderation is not None:
        return moderation_refusal(last.moderation, provider, models[-1], messages)
    metadata = {
        "provider_name": provider,
        "provider_code": last.status,
        "raw": last.message[:2000],
        "previous_errors": [
            {"provider": name, "code": failure.status, "status": failure.status} for name, failure in failures[:-1]
        ],
    }
    hints = [failure.retry_after for _, failure in failures]
    headers = {}
    if all(hint is not None for hint in hints):
        headers["Retry-After"] = str(max(1, round(min(hint for hint in hints if hint is not None))))
    statuses = {failure.status for _, failure in failures}

    def because(code: str, **details: Any) -> dict[str, Any]:
        providers = list(dict.fromkeys(name for name, _ in failures))
        return availability(code, models, page_of(models), affected_providers=providers, **details)

    retry_after = int(headers["Retry-After"]) if headers else None
    if statuses == {429}:
        return RateLimited(
            "Every provider of this model is rate limited right now. Try again shortly.",
            metadata=metadata,
            headers=headers,
            availability=because("capacity_exhausted", retry_after=retry_after),
        )
    if statuses == {404}:
        return NoEndpoints(
            "Every provider of this model says that it has it no longer. Choose another model.",
            metadata=metadata,
            availability=because("model_unavailable_upstream"),
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
        return ProviderTimeout("The provider did not answer in time. Try again.", metadata=metadata)
    if last.status in {429, 503, 529}:
        return TemporarilyUnavailable(
            "No provider can take the request right now. Try again shortly.",
            metadata=metadata,
            headers=headers,
            availability=because("temporarily_unavailable", retry_after=retry_after),
        )
    return ProviderUnavailable("Provider returned error", metadata=metadata)


def broken_off(failure: ProviderFailure) -> Failed:
    """What the caller is told of an answer that ended in its middle: the statuses are those of a refusal."""
    status = 403 if failure.moderation else _TOLD.get(failure.status, 502)
    unnamed = status == 502 and failure.status < 500  # it is about our account there
    return Failed(
        status=status,
        message=("" if unnamed else failure.message) or "The provider broke off its answer.",
        error_type=failure.error_type,
        provider_code=failure.status,
    )
