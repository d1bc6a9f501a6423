"""Static files, served before Django: a page of the chat has a hundred, and Django's middleware takes 3 ms for each.

WhiteNoise finds them and decides on the response, with the settings that it has as middleware of Django.
"""

import asyncio
from contextlib import nullcontext

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import Response

from common.web.compression import negotiate
from openrouter_site.pages.headers import PageHeaders

__all__ = ["StaticFiles"]

#: Read at once, in a thread. Nearly all files are smaller.
CHUNK_BYTES = 256 * 1024


class StaticFiles:
    """Serves the files below STATIC_URL, and passes on to `app` what is none of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._whitenoise = WhiteNoiseMiddleware()
        self._page_headers = _page_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        redirected = settings.SECURE_SSL_REDIRECT and scope["scheme"] != "https"  # Django does that
        if redirected or not scope["path"].startswith(self._whitenoise.static_prefix):
            await self._app(scope, receive, send)
        elif found := await asyncio.to_thread(self._open, scope):
            await self._send(*found, send)
        else:
            await self._app(scope, receive, send)

    def _open(self, scope: Scope) -> tuple[Response, bytes] | None:
        """Return the response and the first chunk of its body; None if there is no such file."""
        path: str = scope["path"]
        files = self._whitenoise
        if not (file := files.find_file(path) if files.autorefresh else files.files.get(path)):
            return None
        headers = Headers(scope=scope)
        given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        # WhiteNoise would also take a coding that the client refuses (`br;q=0`).
        given["HTTP_ACCEPT_ENCODING"] = negotiate(",".join(headers.getlist("accept-encoding")))
        response = file.get_response(scope["method"], given)
        return response, response.file.read(CHUNK_BYTES) if response.file else b""

    async def _send(self, response: Response, chunk: bytes, send: Send) -> None:
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        with response.file or nullcontext():
            await send(
                {"type": "http.response.start", "status": int(response.status), "headers": headers + self._page_headers}
            )
            while len(chunk) == CHUNK_BYTES:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await asyncio.to_thread(response.file.read, CHUNK_BYTES)
            await send({"type": "http.response.body", "body": chunk})


def _page_headers() -> list[tuple[bytes, bytes]]:
    """Return the headers that the middleware of pages adds to every response."""
    request, response = HttpRequest(), HttpResponse()
    request.path = request.path_info = settings.STATIC_URL
    for middleware in (CSPMiddleware, PageHeaders, SecurityMiddleware):
        middleware(lambda _: response).process_response(request, response)
    del response["Content-Type"]
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
