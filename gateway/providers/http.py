"""The HTTP client for providers: httpx's interface over aiohttp's connections, two transports per event loop.

aiohttp relays a request for about a quarter of the CPU time of httpx's own transport. The transport is called without
an `httpx.AsyncClient` around it, which saves another tenth: cookies, redirects and authentication are not needed here.
To change the transport, change this file only.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from functools import cache, partial
from typing import cast

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from django.conf import settings
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from .failures import ProviderFailure

__all__ = ["MAX_ERROR_BYTES", "UpstreamResponse", "close", "post"]

#: The most bytes of an error response that are read.
MAX_ERROR_BYTES = 64 * 1024

#: The most bytes of a response that are read at a time: more than ever wait. The transport's own 16 KiB would cut and
#: join the packets of a large response, such as embeddings, again and again.
AiohttpResponseStream.CHUNK_SIZE = 4 * 1024 * 1024

#: The bytes of a response that may wait before reading from the network pauses. Little of a stream, whose reader may be
#: slow. Much of a response in one piece, which is read as fast as it arrives: each pause costs CPU.
_BUFFERED = {True: 64 * 1024, False: 1024 * 1024}

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0)

_CONNECTION_ERRORS = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)

_transports: dict[tuple[asyncio.AbstractEventLoop, bool], AiohttpTransport] = {}  # by loop and "streamed"


class UpstreamResponse:
    """A response whose status and headers have arrived, and whose body is still arriving."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = response.headers

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives; ProviderFailure when the connection breaks or stays idle for too long."""
        # Although we request none. A lookup in httpx's headers finds out their character encoding first.
        compressed = any(name.lower() == b"content-encoding" for name, _ in self.headers.raw)
        stream = self._response.aiter_bytes() if compressed else cast(httpx.AsyncByteStream, self._response.stream)
        try:
            async for chunk in stream:
                yield chunk
        except _CONNECTION_ERRORS as error:
            if _timed_out(error):
                raise ProviderFailure(504, "The provider stopped responding.", error_type="timeout") from error
            raise ProviderFailure(502, "The connection to the provider was lost.") from error

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body, or its first `limit` bytes."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if limit is not None and len(body) >= limit:
                break
        return bytes(body[:limit])

    async def close(self) -> None:
        await cast(httpx.AsyncByteStream, self._response.stream).aclose()


class _Post(httpx.Request):
    """A POST with what the transport reads of it.

    httpx's own parses the URL and normalizes the headers, which aiohttp does again. It also adds Host and
    Content-Length, which it leaves to aiohttp here.
    """

    def __init__(self, url: str, headers: dict[str, str], content: bytes, timeout: dict[str, float]) -> None:
        self.method = "POST"
        self.url = cast(httpx.URL, url)
        self.headers = cast(httpx.Headers, headers)
        self._content = content
        self.extensions = {"timeout": timeout}


async def post(
    url: str, *, headers: dict[str, str], content: bytes, idle_seconds: float | None = None, streamed: bool = True
) -> UpstreamResponse:
    """The response to a POST, as soon as its status is known; ProviderFailure when there is none.

    `idle_seconds` is how long nothing may arrive; PROVIDER_IDLE_SECONDS by default. A response that is not `streamed`
    is one piece.
    """
    request = _Post(url, headers, content, _timeout(idle_seconds))
    try:
        return UpstreamResponse(await _transport(streamed).handle_async_request(request))
    except _CONNECTION_ERRORS as error:
        if _timed_out(error):
            raise ProviderFailure(504, "The provider did not respond in time.", error_type="timeout") from error
        raise ProviderFailure(502, "The provider could not be reached.") from error


def _timeout(idle_seconds: float | None) -> dict[str, float]:
    idle = idle_seconds or settings.PROVIDER_IDLE_SECONDS
    connect = settings.PROVIDER_CONNECT_SECONDS
    return {"connect": connect, "read": idle, "write": idle, "pool": connect}


def _timed_out(error: BaseException) -> bool:
    # The transport reports a refused connection as a timeout too. Its cause tells them apart.
    return isinstance(error.__cause__ or error, TimeoutError)


async def close() -> None:
    """Close this event loop's connections."""
    for streamed in (True, False):
        if transport := _transports.pop((asyncio.get_running_loop(), streamed), None):
            await transport.aclose()


def _transport(streamed: bool) -> AiohttpTransport:
    key = asyncio.get_running_loop(), streamed
    transport = _transports.get(key)
    if transport is None:
        for old in [known for known in _transports if known[0].is_closed()]:
            del _transports[old]
        session = partial(_session, _BUFFERED[streamed])
        transport = _transports[key] = AiohttpTransport(verify=_tls(), limits=_LIMITS, client=session)
    return transport


@cache
def _tls() -> ssl.SSLContext:
    """Return the context of all connections: reading the authorities' certificates takes 20 ms."""
    return httpx.create_ssl_context()


class _Connection(ResponseHandler):
    """aiohttp's connection, without its attempt to go on parsing after each chunk that is read, paused or not.

    A packet of a stream has many chunks: their attempts were a thirtieth of the CPU time of a stream.
    """

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)


def _session(buffered: int) -> aiohttp.ClientSession:
    # No cookies are stored: a provider's cookie must not travel from one caller's request to another's.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
    connector._factory = partial(_Connection, loop=asyncio.get_running_loop())  # type: ignore[assignment]
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=buffered)
