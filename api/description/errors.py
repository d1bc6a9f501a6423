"""The error envelope, and the meaning of each status, for their description. `common/errors.py` writes them."""

from typing import Any

import msgspec

from common.errors import ApiError

__all__ = ["Error", "meaning_of"]


class ErrorObject(msgspec.Struct, kw_only=True):
    """`code` is the HTTP status. `availability` says why no provider could serve the request, and what would help."""

    code: int
    message: str
    metadata: dict[str, Any]
    error_type: str | None = None
    http_status: int | None = None
    availability: dict[str, Any] | None = None
    # As OpenAI's API has them.
    type: str | None = None
    param: str | None = None


class Error(msgspec.Struct, kw_only=True):
    """The body of every error."""

    error: ErrorObject
    error_type: str | None = None
    openrouter_metadata: dict[str, Any] | None = None


def meaning_of(status: int) -> str:
    """Return what an error of this HTTP status means, from the classes that have it."""
    kinds = [kind for kind in ApiError.__subclasses__() if kind.status == status]
    texts = [(kind.__doc__ or "").partition("\n")[0] for kind in kinds]
    return " ".join(texts) or "The provider is overloaded."
