"""HTTP towards providers: one transport per process, httpx's interface over aiohttp's connections.

aiohttp relays a request for about a quarter of the CPU that httpx's own transport takes, and the transport is asked
without an `httpx.AsyncClient` around it, whose cookies, redirects and authentication nobody wants here: another
tenth. Swap the transport here and nowhere else.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import cast

import aiohttp
import httpx
from django.conf import settings
from httpx_aiohttp import AiohttpTransport

from .failures import ProviderFailure

__all__ = ["UpstreamResponse", "close", "post"]

#: The most of an error body that is read, in bytes.
ERROR_BODY_BYTES = 64 * 1024

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0)

_BROKEN = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)

_transports: dict[asyncio.AbstractEventLoop, AiohttpTransport] = {}


class UpstreamResponse:
    """A provider's answer whose status has come and whose body is still coming."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = response.headers

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives; ProviderFailure when the connection breaks or falls silent."""
        compressed = "content-encoding" in self.headers  # nobody asked for it
        stream = self._response.aiter_bytes() if compressed else cast(httpx.AsyncByteStream, self._response.stream)
        try:
            async for chunk in stream:
                yield chunk
        except _BROKEN as error:
            if _timed_out(error):
                raise ProviderFailure(504, "The provider stopped sending.", error_type="timeout") from error
            raise ProviderFailure(502, "The connection to the provider broke.") from error

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body, or its first `limit` bytes."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if limit is not None and len(body) >= limit:
                break
        return bytes(body[:limit])

    async def close(self) -> None:
        await self._response.aclose()


async def post(url: str, *, headers: dict[str, str], content: bytes, silence: float | None = None) -> UpstreamResponse:
    """The response to a POST, as soon as its status is known; ProviderFailure when there is none.

    `silence` is how long nothing may arrive, in seconds; PROVIDER_IDLE_SECONDS when it is not given.
    """
    # As a stream that has been read: Host and Content-Length are aiohttp's work, and making them is not cheap.
    body = httpx.ByteStream(content)
    request = httpx.Request(
        "POST", _address(url), headers=headers, stream=body, extensions={"timeout": _timeout(silence)}
    )
    await request.aread()
    try:
        return UpstreamResponse(await _transport().handle_async_request(request))
    except _BROKEN as error:
        if _timed_out(error):
            raise ProviderFailure(504, "The provider did not answer in time.", error_type="timeout") from error
        raise ProviderFailure(502, "The provider could not be reached.") from error


@lru_cache(maxsize=1024)
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)


def _timeout(silence: float | None) -> dict[str, float]:
    idle = silence or settings.PROVIDER_IDLE_SECONDS
    connect = settings.PROVIDER_CONNECT_SECONDS
    return {"connect": connect, "read": idle, "write": idle, "pool": connect}


def _timed_out(error: BaseException) -> bool:
    # The transport calls a refused connection a timeout as well; only its cause can be believed.
    return isinstance(error.__cause__ or error, TimeoutError)


async def close() -> None:
    """Close this event loop's connections."""
    if transport := _transports.pop(asyncio.get_running_loop(), None):
        await transport.aclose()


def _transport() -> AiohttpTransport:
    loop = asyncio.get_running_loop()
    transport = _transports.get(loop)
    if transport is None:
        for old in [known for known in _transports if known.is_closed()]:
            del _transports[old]
        transport = _transports[loop] = AiohttpTransport(limits=_LIMITS, client=_session)
    return transport


def _session() -> aiohttp.ClientSession:
    # A jar that keeps nothing: a provider's cookie must not travel from one caller's request to another's.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
