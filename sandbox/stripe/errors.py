"""Answers that are not a success, each with its HTTP status and the fields of Stripe's error object.

StripeError
├── InvalidRequest      400, or 404 when the address itself names something that does not exist
│   └── InvalidParameter    refused before anything was executed: never remembered for an idempotency key
├── Unauthenticated     401
├── CardDeclined        402
└── KeyInUse            409: a twin with the same idempotency key is still being executed
"""

from typing import Any

from sandbox.payments.errors import ProviderError

Json = dict[str, Any]


class StripeError(ProviderError):
    """The request is answered with this status and error object."""

    type = "invalid_request_error"

    def __init__(self, message: str, *, status: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status or self.status
        self.fields: Json = {name: value for name, value in fields.items() if value is not None}
        self.fields["message"] = message

    def body(self) -> Json:
        """The JSON answer."""
        error = dict(sorted(self.fields.items()))
        if "code" in error:
            error["doc_url"] = documentation(error["code"])
        error["type"] = self.type
        return {"error": error}


class InvalidRequest(StripeError):
    """The request makes no sense in the present state."""


class InvalidParameter(InvalidRequest):
    """A parameter is unknown, missing or malformed."""


class IdempotencyMismatch(StripeError):
    """The idempotency key was first used with other parameters."""

    type = "idempotency_error"


class Unauthenticated(StripeError):
    """No key, or one that this sandbox does not accept."""

    status = 401


class CardDeclined(StripeError):
    """The bank said no. `kept` when the attempt itself is on record, as a failed charge is."""

    status = 402
    type = "card_error"

    def __init__(self, message: str, *, kept: bool = False, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.kept = kept


class KeyInUse(StripeError):
    """Another request with this idempotency key is being executed."""

    status = 409


class Crashed(StripeError):
    """The provider's own fault."""

    status = 500
    type = "api_error"


def failure(message: str, status: int) -> StripeError:
    """A failure with any status, on request."""
    if status in (400, 415):
        return InvalidRequest(message, status=status)
    return Crashed(message, status=status, code="rate_limit" if status == 429 else None)


def missing(kind: str, identifier: str, param: str = "id") -> InvalidRequest:
    """The error for an id that names nothing: 404 in the address, 400 in a parameter."""
    label = {"payment_method": "PaymentMethod", "setup_intent": "setupintent"}.get(kind, kind)
    return InvalidRequest(
        f"No such {label}: '{identifier}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )


def documentation(code: str) -> str:
    """The address of Stripe's explanation of this error code."""
    return f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"
