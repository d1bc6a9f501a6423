"""The HTTP client for providers, whose failures are `ProviderFailure`s. `connections` has what it sends them over."""

import asyncio
import zlib
from functools import cache
from ssl import SSLContext

import httpx
from django.conf import settings

from .connections import Connection, ConnectionPool
from .failures import ProviderFailure

__all__ = ["MAX_ERROR_BYTES", "UpstreamResponse", "close", "post"]

#: The most bytes of an error response that are read.
MAX_ERROR_BYTES = 64 * 1024

#: The bytes of a response that may wait before reading from the network pauses. Little of a stream, whose reader may be
#: slow. Much of a response in one piece, which is read as fast as it arrives: each pause costs CPU.
_BUFFERED = {True: 64 * 1024, False: 1024 * 1024}

#: Encodings of bodies that are decoded.
_ZIPPED = frozenset({b"gzip", b"x-gzip", b"deflate"})

_pools: dict[asyncio.AbstractEventLoop, ConnectionPool] = {}


class UpstreamResponse:
    """A response whose status and headers have arrived, and whose body is still arriving."""

    def __init__(self, connection: Connection, pool: ConnectionPool) -> None:
        self._connection = connection
        self._pool = pool
        self._is_closed = False
        self._raw_headers = connection.headers
        self.status = connection.status
        self._unzip = None
        for name, value in connection.headers:
            if name.lower() == b"content-encoding" and value.lower() in _ZIPPED:  # although we request none
                self._unzip = zlib.decompressobj(zlib.MAX_WBITS | 32)  # finds out which of them it is

    @property
    def headers(self) -> httpx.Headers:
        """Its headers, with names in any case."""
        return httpx.Headers(self._raw_headers)

    async def read_chunk(self) -> bytes:
        """Return what has arrived of the body; nothing at its end. Cancelling it loses nothing.

        Raises ProviderFailure when the connection breaks or stays idle for too long.
        """
        try:
            if self._unzip is None:
                return await self._connection.read()
            while chunk := await self._connection.read():
                if unzipped := self._unzip.decompress(chunk):
                    return unzipped
            return self._unzip.flush()
        except TimeoutError as error:
            raise ProviderFailure(504, "The provider stopped responding.", error_type="timeout") from error
        except (OSError, zlib.error) as error:
            raise ProviderFailure(502, "The connection to the provider was lost.") from error

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body, or its first `limit` bytes."""
        body = bytearray()
        while chunk := await self.read_chunk():
            body += chunk
            if limit is not None and len(body) >= limit:
                break
        return bytes(body[:limit])

    async def close(self) -> None:
        """Stop reading: the connection serves the next request if the response is complete."""
        if not self._is_closed:
            self._is_closed = True
            self._pool.release(self._connection)


async def post(
    url: str, *, headers: dict[str, str], content: bytes, idle_seconds: float | None = None, streamed: bool = True
) -> UpstreamResponse:
    """The response to a POST, as soon as its status is known; ProviderFailure when there is none.

    `idle_seconds` is how long nothing may arrive; PROVIDER_IDLE_SECONDS by default. A response that is not `streamed`
    is one piece.
    """
    pool = _pool()
    try:
        connection = await pool.post(
            url,
            headers,
            content,
            connect_seconds=settings.PROVIDER_CONNECT_SECONDS,
            idle_seconds=idle_seconds or settings.PROVIDER_IDLE_SECONDS,
            max_buffered=_BUFFERED[streamed],
        )
    except TimeoutError as error:
        raise ProviderFailure(504, "The provider did not respond in time.", error_type="timeout") from error
    except (OSError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ProviderFailure(502, "The provider could not be reached.") from error
    return UpstreamResponse(connection, pool)


async def close() -> None:
    """Close this event loop's connections."""
    if pool := _pools.pop(asyncio.get_running_loop(), None):
        pool.close()


def _pool() -> ConnectionPool:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        for old in [known for known in _pools if known.is_closed()]:
            del _pools[old]
        pool = _pools[loop] = ConnectionPool(_tls())
    return pool


@cache
def _tls() -> SSLContext:
    """Return the context of all connections: reading the authorities' certificates takes 20 ms."""
    return httpx.create_ssl_context()
