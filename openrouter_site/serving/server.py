"""Bounds on what a client sends, in the server itself: headers, abandoned bodies, large WebSocket messages.

uvicorn has no deadline for headers, and closes a WebSocket without a word when a message is too large. It asks its
configuration for the classes that serve a connection after the application has started, so `bound` gives it these,
however it was started. Other servers keep their own bounds.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Generator
from typing import Any

from django.conf import settings
from starlette.types import Receive
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from common.errors import ApiError, InvalidRequest, RequestTimeout
from common.small_queue import SmallQueue

from .writes import GatheredWrites

__all__ = ["BoundedHttp", "BoundedWebSocket", "bound"]

log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 1024
#: Bytes that may wait for a WebSocket client to take them, beside the message that is being sent: in this process, and
#: in the kernel, which would keep megabytes of its own accord.
MAX_UNSENT_BYTES = 32 * 1024
KERNEL_BYTES = 64 * 1024
#: Seconds between two looks at the connections that are receiving a request.
CHECK_SECONDS = 1.0


def bound(receive: Receive) -> None:
    """Bound the connections of the uvicorn whose lifespan this is. Call it before it listens."""
    config = getattr(getattr(receive, "__self__", None), "config", None)
    if not isinstance(config, Config):
        log.warning(
            "Only uvicorn is given a deadline for headers and a limit for chat messages. Set this server's own."
        )
        return
    if config.http_protocol_class is HttpToolsProtocol:
        config.http_protocol_class = BoundedHttp
        asyncio.get_running_loop().call_later(CHECK_SECONDS, BoundedHttp.check)
    else:
        log.warning("No deadline for request headers with this --http option. Leave it out to have one.")
    if config.ws_protocol_class is WebSocketsSansIOProtocol:
        config.ws_protocol_class = BoundedWebSocket
        # A compressed message could not be skipped: the next one refers to it. The chat's frames are short.
        config.ws_per_message_deflate = False
    else:
        config.ws_max_size = max(config.ws_max_size, 2 * settings.MAX_REQUEST_BYTES)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol, with a deadline for headers and for the rest of a body that is not read any more."""

    #: Connections that are receiving a request, with the time at which they began to.
    receiving: dict["BoundedHttp", float] = {}  # noqa: RUF012 shared on purpose

    in_headers = True
    header_bytes = 0

    @classmethod
    def check(cls) -> None:
        """Close the connections whose time is over, now and every CHECK_SECONDS."""
        loop = asyncio.get_running_loop()
        loop.call_later(CHECK_SECONDS, cls.check)
        overdue = loop.time() - settings.CLIENT_TIMEOUT_SECONDS
        for connection in [each for each, since in cls.receiving.items() if since < overdue]:
            connection.on_deadline()

    def on_deadline(self) -> None:
        """Refuse a request whose headers did not arrive; close after one that was answered before its body arrived."""
        if self.cycle is not None and not self.cycle.response_complete:
            # A response is on its way. The application bounds the body; the next request waits.
            self.receiving[self] = self.loop.time()
        elif self.in_headers and self.header_bytes:
            self.refuse(RequestTimeout("The request headers did not arrive in time. Send the request again."))
        else:
            self.transport.close()

    def refuse(self, error: ApiError) -> None:
        """Answer a request that has no headers yet, and close."""
        self.receiving.pop(self, None)
        body = json.dumps(error.envelope()).encode()
        head = STATUS_LINE[error.status] + b"content-type: application/json\r\nconnection: close\r\ncontent-length: "
        self.transport.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = GatheredWrites(transport, self.loop)  # type: ignore[assignment]
        self.receiving[self] = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.receiving.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self not in self.receiving:
            self.expire_when_idle()
        elif self.in_headers:
            self.header_bytes += len(data)
            if self.header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
                self.refuse(_TooManyHeaders(f"The request headers are larger than {MAX_HEADER_BYTES // 1024} kB."))

    def expire_when_idle(self) -> None:
        """Start uvicorn's timer again, which any data stops: the rest of an answered body, or an empty line."""
        if self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_headers, self.header_bytes = True, 0
        self.receiving[self] = self.loop.time()

    def on_headers_complete(self) -> None:
        self.in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.receiving.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if (
            self in self.receiving
        ):  # its body is still arriving: it may go on for a while, so that the client reads this
            self.receiving[self] = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        self.receiving.pop(self, None)
        self.cycle = None  # type: ignore[assignment]
        super().handle_websocket_upgrade()
        # It and its parser hold each other, and the request: without this they wait for the garbage collector.
        self.parser = self.scope = self.headers = None  # type: ignore[assignment]


class _TooManyHeaders(InvalidRequest):
    status = 431


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, which skips a message beyond MAX_REQUEST_BYTES while it arrives.

    The application receives one byte more than the limit in its place, and can answer on the open socket. It waits for
    a client that takes its messages slowly. One that takes next to nothing for CLIENT_TIMEOUT_SECONDS is cut off:
    uvicorn would wait for it for as long as the connection lasts, even after a ping without a pong.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = SmallQueue()  # type: ignore[assignment]
        self.limit: int = settings.MAX_REQUEST_BYTES
        self.size = 0  # of the message that is arriving
        self.conn.max_message_size = self.conn.max_fragment_size = None
        self._read_exact = self.conn.reader.read_exact
        self.conn.reader.read_exact = self.read_or_skip  # type: ignore[method-assign, assignment]
        self.stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        connection = self.transport.get_extra_info("socket")
        if connection is not None and connection.family != getattr(socket, "AF_UNIX", None):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self.resume_writing()
        super().connection_lost(exc)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept" and self.request:
            # uvicorn keeps them as long as the connection, 8 kB, and the parser of websockets keeps the request.
            self.request.headers.clear()
            self.request = self.response = None  # type: ignore[assignment]

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stalled = self.stalled or self.loop.call_later(settings.CLIENT_TIMEOUT_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self.stalled:
            self.stalled.cancel()
            self.stalled = None
        super().resume_writing()

    def read_or_skip(self, count: int) -> Generator[None, None, bytes | bytearray]:
        """Return `count` bytes of a frame. It keeps none beyond the limit, and returns zeros in their place."""
        if count <= self.limit:
            return (yield from self._read_exact(count))
        while count:
            arrived = min(count, max(1, len(self.conn.reader.buffer)))
            yield from self._read_exact(arrived)
            count -= arrived
        return bytes(self.limit + 1)

    def handle_text(self, event: Frame) -> None:
        self.size = 0
        super().handle_text(self.counted(event))

    def handle_bytes(self, event: Frame) -> None:
        self.size = 0
        super().handle_bytes(self.counted(event))

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(self.counted(event))

    def counted(self, frame: Frame) -> Frame:
        """Count a frame's bytes; drop them, and those before them, once the message is too large."""
        self.size += len(frame.data)
        if self.size <= self.limit:
            return frame
        self.frames = []
        return Frame(frame.opcode, b"", frame.fin)

    def send_receive_event_to_app(self) -> None:
        if self.size > self.limit:
            self.curr_msg_data_type = "text"
            self.frames = [b" " * (self.limit + 1)]
        super().send_receive_event_to_app()
