"""Refusals, in the shapes that providers use."""

from typing import Any

import msgspec

__all__ = ["MALFORMED", "Refusal", "error_body", "error_json", "refusal_of"]

#: The errors of reading a malformed request, whatever is wrong with it.
MALFORMED = (ValueError, RecursionError, OverflowError)

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_MESSAGES = {
    401: "Incorrect API key provided.",
    402: "Insufficient balance. Please add credits to your account.",
    403: "Your account may not use this model.",
    404: "The model does not exist or you do not have access to it.",
    408: "The request took too long.",
    429: "Rate limit reached. Please slow down and try again.",
    500: "The server had an error while processing your request.",
    502: "Bad gateway.",
    503: "The engine is currently overloaded, please try again later.",
    529: "Overloaded.",
}


class Refusal(msgspec.Struct, frozen=True):
    """An answer with an error status."""

    status: int
    message: str = ""
    code: str | None = None
    retry_after: float | None = None  # seconds
    reasons: tuple[str, ...] = ()  # of moderation

    @property
    def text(self) -> str:
        return self.message or _MESSAGES.get(self.status, "The request could not be processed.")


def refusal_of(wrong: Exception) -> Refusal:
    """The refusal of a malformed request, for one of the errors in `MALFORMED`."""
    if isinstance(wrong, RecursionError):
        return Refusal(400, "The request is nested too deeply.")
    return Refusal(400, str(wrong) or "The request is malformed.")


def error_body(refusal: Refusal, shape: str) -> tuple[str, bytes]:
    """(content type, body) of `refusal` in a dialect's `shape` of errors."""
    if shape == "text":
        return "text/plain; charset=utf-8", refusal.text.encode()
    if shape == "html":
        page = f"<html><head><title>{refusal.status}</title></head><body><h1>{refusal.text}</h1></body></html>"
        return "text/html", page.encode()
    return "application/json", msgspec.json.encode(error_json(refusal, shape))


def error_json(refusal: Refusal, shape: str) -> Any:
    """The same as JSON, also for dialects that answer with text: errors within a stream are always JSON."""
    kind = _KINDS.get(refusal.status, "server_error")
    if shape == "message":
        return {"message": refusal.text, "code": refusal.code or kind}
    if shape == "detail":
        return {"detail": refusal.text}
    if shape == "flat":
        return {"object": "error", "message": refusal.text, "type": kind, "param": None, "code": refusal.code}
    if shape == "list":
        return [{"error": {"code": refusal.status, "message": refusal.text, "status": (refusal.code or kind).upper()}}]
    moderation = {"metadata": {"reasons": refusal.reasons}} if refusal.reasons else {}
    return {"error": {"message": refusal.text, "type": kind, "param": None, "code": refusal.code or kind, **moderation}}
