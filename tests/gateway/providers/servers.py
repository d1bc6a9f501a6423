"""Servers that answer byte by byte what a test says, for the connections to providers."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.providers import http

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2;name=value\r\nHe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"
#: Of that: its first chunk.
BEGUN = CHUNKED[: CHUNKED.index(b"3\r\n")]

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Provider:
    """A server that answers the requests of a connection one after another, with what `respond` does."""

    respond: Exchange
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client has closed its connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head)
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                if length < 1000:
                    self.requests[-1] += await reader.readexactly(length)
                await self.respond(reader, writer)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def provider(respond: Exchange, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Provider, None]:
    served = Provider(respond)
    async with await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        served.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/chat?a=b"
        try:
            yield served
        finally:
            await http.close()


def sends(*parts: bytes, close: bool = False) -> Exchange:
    """Respond with these bytes, each in a packet of its own."""

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.002 if len(parts) > 1 else 0)
        if close:
            writer.close()

    return respond


async def post(url: str, **options: Any) -> http.UpstreamResponse:
    return await http.post(url, headers={"Authorization": "Bearer é"}, content=b"{}", **options)


async def body_of(served: Provider, **options: Any) -> bytes:
    response = await post(served.url, **options)
    try:
        return await response.read()
    finally:
        await response.close()
