"""The connections of a process: opened when they are needed, and kept for the next request."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache, partial
from socket import SOCK_STREAM
from typing import NamedTuple

import aiohappyeyeballs
import httpx

from .connection import Connection, Place, Unused

__all__ = ["ConnectionPool"]

#: Seconds after which the next address of a host is tried beside the one before (RFC 8305).
NEXT_ADDRESS_SECONDS = 0.25

_NOT_IN_HEADERS = re.compile(r"[\r\n\0]")


class _Target(NamedTuple):
    """Where a URL leads, and the beginning of a request to it."""

    place: Place
    start: str


@lru_cache(maxsize=1024)
def _target(url: str) -> _Target:
    """Raises httpx.InvalidURL, and httpx.UnsupportedProtocol for anything but http and https."""
    parsed = httpx.URL(url)
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise httpx.UnsupportedProtocol(f"not an http or https URL: {url}")
    is_encrypted = parsed.scheme == "https"
    host, path = parsed.netloc.decode("ascii"), parsed.raw_path.decode("ascii")
    start = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: model-gateway\r\n"
    port = parsed.port or (443 if is_encrypted else 80)
    return _Target(Place(parsed.raw_host.decode("ascii"), port, is_encrypted), start)


class ConnectionPool:
    """The connections of one event loop. Each serves one request at a time and is kept for the next."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._unused: dict[Place, Unused] = {}
        self._is_closed = False

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
        *,
        connect_seconds: float,
        idle_seconds: float,
        max_buffered: int,
    ) -> Connection:
        """Send a request; return its connection once the status and the headers of the response are known.

        `idle_seconds` is how long nothing may arrive, `max_buffered` how many bytes of the body wait for their reader
        before the provider has to. Raises TimeoutError when it takes too long, OSError when the provider cannot be
        reached or does not speak HTTP, and ValueError for a header with a line break.
        """
        target = _target(url)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if len(_NOT_IN_HEADERS.findall(lines)) != 2 * len(headers):
            raise ValueError("a header has a line break or a null character")
        head = f"{target.start}{lines}Content-Length: {len(content)}\r\n\r\n".encode()
        connection = self._take(target.place) or await self._connect(target.place, connect_seconds)
        try:
            connection.send(head, content, idle_seconds, max_buffered)
            await connection.started()
        except BaseException:
            connection.abort()
            raise
        return connection

    def release(self, connection: Connection) -> None:
        """Keep the connection for the next request, or close it if its response is not complete."""
        if connection.is_reusable and not self._is_closed:
            connection.rest(self._unused.setdefault(connection.place, {}))
        else:
            connection.abort()

    def close(self) -> None:
        """Close the connections that are not in use, and the others when they are released."""
        self._is_closed = True
        for unused in self._unused.values():
            for connection in unused:
                connection.abort()
        self._unused.clear()

    def _take(self, place: Place) -> Connection | None:
        unused = self._unused.get(place)
        while unused:
            connection, _ = unused.popitem()
            if connection.is_fresh:
                return connection
            connection.abort()
        return None

    async def _connect(self, place: Place, seconds: float) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            addresses = await loop.getaddrinfo(place.host, place.port, type=SOCK_STREAM)
            connected = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
            try:
                _, connection = await loop.create_connection(
                    partial(Connection, loop, place),
                    sock=connected,
                    ssl=self._tls if place.is_encrypted else None,
                    server_hostname=place.host if place.is_encrypted else None,
                )
            except BaseException:
                connected.close()
                raise
        return connection
