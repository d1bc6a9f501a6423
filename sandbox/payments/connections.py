"""Connections that can be cut: the answer was on its way and never arrived."""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(H11Protocol):
    """uvicorn's protocol, which remembers the transport of each connection."""

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        if self.client is not None:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        if self.client is not None:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


class Dropped(Response):
    """No answer at all: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection of this request."""
        _OPEN[tuple(scope["client"])].abort()
        # Let the server notice before it asks why nothing was sent.
        await asyncio.sleep(0)
