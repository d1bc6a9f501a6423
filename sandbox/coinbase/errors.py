"""Answers that are not a success."""

import uuid

from sandbox.payments.errors import ProviderError
from sandbox.payments.store import Json


class ApiError(ProviderError):
    """The request is answered with this status, type and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def body(self) -> Json:
        """The JSON answer."""
        return {"correlationId": uuid.uuid4().hex, "errorMessage": str(self), "errorType": self.kind}


def failure(message: str, status: int) -> ApiError:
    """A failure with any status, on request."""
    return ApiError(status, "invalid_request" if status < 500 else "internal_server_error", message)


def invalid(message: str) -> ApiError:
    """Something in the request is wrong."""
    return ApiError(400, "invalid_request", message)


def not_found(identifier: str) -> ApiError:
    """There is no such checkout."""
    return ApiError(404, "not_found", f"There is no checkout {identifier}.")


def unauthorized(message: str) -> ApiError:
    """The token is missing or worthless."""
    return ApiError(401, "unauthorized", message)
