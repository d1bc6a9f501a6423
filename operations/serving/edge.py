"""The outermost ASGI application: gives each request and socket its ID, and each response the security headers;
answers probes, and counts.

While the process is stopping, it refuses new requests (`shutdown.py`).
"""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec
from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import TemporarilyUnavailable
from common.naming import ids
from common.telemetry import logs, metrics
from common.web.http import security_headers
from gateway.asgi import PATHS as INFERENCE_PATHS
from gateway.completions import InferenceService

from .probes import Probes
from .shutdown import RETRY_AFTER_SECONDS, Shutdown

__all__ = ["Edge"]

log = logging.getLogger(__name__)

Networks = Sequence[IPv4Network | IPv6Network]

#: IDs that are taken over: as most proxies and clients write them. Anything else could forge log lines.
_WELL_FORMED = re.compile(rb"[A-Za-z0-9_.:-]{8,128}")

#: The label of a path, by how it begins.
_SURFACES = (
    ("/api/", "api"),
    ("/static/", "static"),
    ("/webhooks/", "webhook"),
    ("/admin/", "admin"),
    ("/ws/", "socket"),
)

#: Methods of requests that have a body.
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Seconds for which the rest of a refused body is read.
LINGER_SECONDS = 2.0

_requests = cache(metrics.HTTP_REQUESTS.labels)
_seconds = cache(metrics.HTTP_SECONDS.labels)

#: For the responses that are not Django's.
_SECURITY = tuple((name.lower().encode(), value.encode()) for name, value in security_headers().items())

_STOPPING = msgspec.json.encode(TemporarilyUnavailable("This server is restarting. Try again in a moment.").envelope())
_STOPPING_HEADERS = (
    (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
    (b"connection", b"close"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After, X-Request-Id"),
)


class Edge:
    """Wraps `app`. A trusted proxy's `X-Request-Id` is kept, so that its log and ours agree; any other is replaced."""

    def __init__(self, app: ASGIApp, trusted_proxies: Networks = (), service: InferenceService | None = None) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies
        self._open = 0  # HTTP requests whose answer is not complete
        if service is None:
            self.shutdown = Shutdown(lambda: self._open > 0)
        else:  # the chat's answers are no HTTP requests
            self.shutdown = Shutdown(lambda: self._open > 0 or service.is_serving, service.refuse_new)
        self._probes = Probes(self.shutdown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = self._given_id(scope) or ids.request_id()
        context = logs.begin(request_id=request_id)
        exchange = _Exchange(scope, receive, send, request_id)
        try:
            if scope["path"] in self._probes.paths and scope["type"] == "http":
                await self._probes(scope, receive, exchange.send)
            elif self.shutdown.stopping:
                await exchange.refuse(503, _STOPPING, _STOPPING_HEADERS)
            else:
                await self._serve(scope, receive, exchange)
        finally:
            logs.end(context)

    async def _serve(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        is_http = scope["type"] == "http"
        self._open += is_http
        try:
            has_body = is_http and scope["method"] in _WITH_BODY
            await self._app(scope, exchange.receive if has_body else receive, exchange.send)
        except Exception as error:
            if exchange.status:
                raise
            # The message may quote the request.
            log.error("a request failed: %s at %s", type(error).__name__, logs.place(error))
            await exchange.refuse(500, b"Internal Server Error")
        finally:
            self._open -= is_http
            surface = _surface(scope["path"])
            _requests(surface, exchange.status).inc()
            if is_http:
                _seconds(surface).observe(time.perf_counter() - exchange.began)

    def _given_id(self, scope: Scope) -> str:
        """The ID that a trusted proxy has given the request, or an empty string."""
        if not self._trusted_proxies or not scope.get("client"):
            return ""
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        if not _WELL_FORMED.fullmatch(given):
            return ""
        try:
            peer = ip_address(scope["client"][0])
        except ValueError:  # a Unix socket
            return ""
        return given.decode("ascii") if any(peer in network for network in self._trusted_proxies) else ""


def _surface(path: str) -> str:
    if path in INFERENCE_PATHS:
        return "inference"
    return next((surface for start, surface in _SURFACES if path.startswith(start)), "page")


class _Exchange:
    """One request or socket: adds the ID to its answer, and remembers the status.

    A body that is refused before all of it has arrived is read for a while: if the server closed the connection then,
    the client would still be sending, and its system would throw the answer away (RFC 9112, 9.6).
    """

    __slots__ = ("_body_is_left", "_header", "_receive", "_scope", "_send", "began", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body_is_left: bool | None = None  # None: nothing of it was read
        self._header = (b"x-request-id", request_id.encode("ascii"))
        self.status = 0  # HTTP status; 0 before the answer has begun
        self.began = time.perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        self._body_is_left = message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self.status >= 400 and message["type"] == "http.response.body" and not message.get("more_body"):
            await self._end_refusal(message)
            return
        if not self.status:
            kind = message["type"]
            if kind in {"http.response.start", "websocket.http.response.start"}:
                self.status = message["status"]
                headers = list(message.get("headers", ()))
                given = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, self._header, *(one for one in _SECURITY if one[0] not in given)]
            elif kind == "websocket.accept":
                self.status = 101
                message["headers"] = [*message.get("headers", ()), self._header]
            elif kind == "websocket.close":
                await self.refuse(403, b"")
                return
        await self._send(message)

    async def _end_refusal(self, message: Message) -> None:
        """Send the end of an answer that refuses the request, after the rest of its body."""
        if self.status != 408 and self._may_be_sending():
            await self._send({**message, "more_body": True})
            message = {"type": message["type"], "body": b"", "more_body": False}
            left = 2 * settings.MAX_REQUEST_BYTES
            try:
                async with asyncio.timeout(LINGER_SECONDS):
                    while left > 0 and (part := await self._receive()).get("more_body"):
                        left -= len(part.get("body", b""))
            except TimeoutError:
                pass
        await self._send(message)

    def _may_be_sending(self) -> bool:
        """Whether a part of the request's body may be on its way."""
        if self._body_is_left is not None:
            return self._body_is_left
        return (
            self._scope["type"] == "http"
            and self._scope["method"] in _WITH_BODY
            and any(
                name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
                for name, value in self._scope["headers"]
            )
        )

    async def refuse(self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Answer a request that no application has answered, or a socket before its handshake."""
        is_socket = self._scope["type"] == "websocket"
        if is_socket and "websocket.http.response" not in self._scope.get("extensions", {}):
            self.status = 403
            await self._send({"type": "websocket.close", "code": 1000})
            return
        kind = "websocket.http.response" if is_socket else "http.response"
        content_type = (b"content-type", b"application/json" if body.startswith(b"{") else b"text/plain")
        length = (b"content-length", str(len(body)).encode())
        await self.send({"type": f"{kind}.start", "status": status, "headers": [content_type, length, *headers]})
        await self.send({"type": f"{kind}.body", "body": body, "more_body": False})
