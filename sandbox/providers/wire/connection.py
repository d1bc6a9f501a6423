"""The connection itself: a server protocol that lets an answer break it, and notices when the client has."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

__all__ = ["Wire", "WireProtocol", "wire_of"]

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

# An awaited event costs more than a sleep: below this many seconds the end of the connection is looked at afterwards.
_SHORT = 0.05


class WireProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which hands each request its `Wire`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.wire = Wire()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.wire.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.wire.lost.set()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"sandbox.wire": {"wire": self.wire}}


class Wire:
    """One client's connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        return self.lost.is_set() or self.transport.is_closing()

    async def wait(self, seconds: float) -> None:
        """Returns after `seconds`, or as soon as the client has gone."""
        if seconds <= 0:
            return
        if seconds < _SHORT:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.lost.wait(), seconds)

    async def reset(self) -> None:
        """Ends the connection with a TCP reset: bytes that the client has not read are lost."""
        linger = struct.pack("ii", 1, 0)
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()
        await self.lost.wait()

    async def close(self) -> None:
        """Ends the connection after the bytes sent so far, even in the middle of a response."""
        self.transport.close()
        await self.lost.wait()


def wire_of(scope: Scope) -> Wire:
    """The connection of a request."""
    wire: Wire = scope["extensions"]["sandbox.wire"]["wire"]
    return wire
