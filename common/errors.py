"""Errors of the API.

ApiError                        status  error_type
├── InvalidRequest              400     invalid_request
│   ├── ModelNotFound           400     not_found
│   └── ContextLengthExceeded   400     context_length_exceeded
├── NotAuthenticated            401     authentication
├── PaymentRequired             402     payment_required
├── PermissionDenied            403     permission_denied
│   └── ModerationRefused       403     content_policy_violation
├── NotFound                    404     not_found
│   └── NoEndpoints             404     not_found
├── MethodNotAllowed            405     invalid_request
├── RequestTimeout              408     timeout
├── Conflict                    409     precondition_failed
├── Gone                        410     not_found
├── PayloadTooLarge             413     payload_too_large
├── UnsupportedMediaType        415     invalid_request
├── Unprocessable               422     unprocessable
├── RateLimited                 429     rate_limit_exceeded
├── InternalError               500     server
├── ProviderUnavailable         502     provider_unavailable
├── TemporarilyUnavailable      503     provider_overloaded
├── ServiceUnavailable          503     server
└── ProviderTimeout             504     timeout

`envelope()` is the only place that turns an error into JSON:
`{"error": {"code": <HTTP status>, "message": ..., "metadata": {"error_type": ...}}}`.
"""

from typing import Any

__all__ = [
    "ApiError",
    "Conflict",
    "ContextLengthExceeded",
    "Gone",
    "InternalError",
    "InvalidRequest",
    "MethodNotAllowed",
    "ModelNotFound",
    "ModerationRefused",
    "NoEndpoints",
    "NotAuthenticated",
    "NotFound",
    "PayloadTooLarge",
    "PaymentRequired",
    "PermissionDenied",
    "ProviderTimeout",
    "ProviderUnavailable",
    "RateLimited",
    "RequestTimeout",
    "ServiceUnavailable",
    "TemporarilyUnavailable",
    "Unprocessable",
    "UnsupportedMediaType",
]


class ApiError(Exception):
    """Base class: an HTTP status and a message for the caller, with the remedy if there is one.

    `metadata` is merged into `error.metadata`, `availability` becomes `error.availability`, and `headers` are added to
    the response.
    """

    status = 500
    error_type = "unmapped"

    def __init__(
        self,
        message: str,
        *,
        metadata: dict[str, Any] | None = None,
        availability: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata or {}
        self.availability = availability
        self.headers = headers or {}
        self.routing: dict[str, Any] | None = None  # the routing decisions, if the caller requested them

    def envelope(self) -> dict[str, Any]:
        """Return the JSON body: `{"error": {"code", "message", "metadata", "availability"?}}`."""
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "metadata": {"error_type": self.error_type, **self.metadata},
        }
        if self.availability is not None:
            error["availability"] = self.availability
            error |= {"error_type": self.error_type, "http_status": self.status}
        body: dict[str, Any] = {"error": error}
        if self.routing is not None:
            body["openrouter_metadata"] = self.routing
        return body


class InvalidRequest(ApiError):
    """The body or a parameter is malformed."""

    status = 400
    error_type = "invalid_request"


class ModelNotFound(InvalidRequest):
    """The catalog has no model with this ID."""

    error_type = "not_found"


class ContextLengthExceeded(InvalidRequest):
    """The prompt exceeds the model's context window."""

    error_type = "context_length_exceeded"


class NotAuthenticated(ApiError):
    """The key is missing, unknown, disabled or expired."""

    status = 401
    error_type = "authentication"


class PaymentRequired(ApiError):
    """The account's credits or the key's spend limit do not cover the request."""

    status = 402
    error_type = "payment_required"


class PermissionDenied(ApiError):
    """The caller is authenticated but not allowed to do this."""

    status = 403
    error_type = "permission_denied"


class ModerationRefused(PermissionDenied):
    """A provider's moderation rejected the prompt."""

    error_type = "content_policy_violation"


class NotFound(ApiError):
    """The resource does not exist, or the caller may not see it."""

    status = 404
    error_type = "not_found"


class NoEndpoints(NotFound):
    """The model exists, but none of its endpoints matches the request's constraints."""


class MethodNotAllowed(ApiError):
    """The path exists, but not for this method. `headers` name those that it has in `Allow`."""

    status = 405
    error_type = "invalid_request"


class RequestTimeout(ApiError):
    """The request took longer than the platform allows."""

    status = 408
    error_type = "timeout"


class Conflict(ApiError):
    """The resource was changed by another request, or exists already."""

    status = 409
    error_type = "precondition_failed"


class Gone(ApiError):
    """This part of the API was removed."""

    status = 410
    error_type = "not_found"


class PayloadTooLarge(ApiError):
    """The body is larger than the platform accepts."""

    status = 413
    error_type = "payload_too_large"


class UnsupportedMediaType(ApiError):
    """The body has an encoding that the platform does not decode. `headers` name those that it does."""

    status = 415
    error_type = "invalid_request"


class Unprocessable(ApiError):
    """The request is well-formed, but its values are invalid."""

    status = 422
    error_type = "unprocessable"


class RateLimited(ApiError):
    """The platform's rate limit, or that of every provider, is exceeded."""

    status = 429
    error_type = "rate_limit_exceeded"


class InternalError(ApiError):
    """An error of this site. The message reveals nothing about the cause."""

    status = 500
    error_type = "server"

    def __init__(self) -> None:
        super().__init__("Internal Server Error")


class ProviderUnavailable(ApiError):
    """Every attempted provider failed or sent an invalid response."""

    status = 502
    error_type = "provider_unavailable"


class TemporarilyUnavailable(ApiError):
    """No provider can serve the request at the moment."""

    status = 503
    error_type = "provider_overloaded"


class ServiceUnavailable(ApiError):
    """The site's own database or Redis is not available at the moment. Nothing was charged."""

    status = 503
    error_type = "server"
    retry_after = 5  # seconds

    def __init__(self) -> None:
        super().__init__(
            "This service is temporarily unavailable. Try again in a few seconds.",
            headers={"Retry-After": str(self.retry_after)},
        )


class ProviderTimeout(ApiError):
    """The provider did not respond in time."""

    status = 504
    error_type = "timeout"
