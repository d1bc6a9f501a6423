"""Bodies of Django's requests: read whole, within a size and a time, before Django sees the request.

Django itself would wait for a slow body without end, and spool one of any size to the disk.
"""

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.paths import in_api, json_error
from common.errors import ApiError
from common.web.bodies import read_body
from openrouter_site.pages.errors import plain_context

__all__ = ["WholeBodies"]

_TITLES = {408: "The request took too long", 413: "Too large to send"}


class WholeBodies:
    """The application `app`, whose requests have their whole body, decoded. Others are refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _has_body(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        except ApiError as error:
            refusal = _refusal(scope["path"], error)
            response = Response(refusal.content, refusal.status_code, dict(refusal.items()))
            await response(scope, receive, send)
        except ClientDisconnect:
            pass
        else:
            await self._app(_of_length(scope, len(body)), _Replay(body, receive), send)


class _Replay:
    """`receive` of a request whose body has been read."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or await self._receive()


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _of_length(scope: Scope, length: int) -> Scope:
    """Return the scope with the headers of a body that is neither encoded nor chunked."""
    described = {b"content-length", b"content-encoding", b"transfer-encoding"}
    headers = [(name, value) for name, value in scope["headers"] if name not in described]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


def _refusal(path: str, error: ApiError) -> HttpResponse:
    if in_api(path):
        return json_error(error)
    context = {**plain_context(), "title": _TITLES.get(error.status, "Bad request"), "text": error.message}
    page = render_to_string("request_refused.html", context)
    return HttpResponse(page, status=error.status, headers=error.headers)
