"""One connection to a provider: a request in one write, and its response packet by packet."""

import asyncio
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

__all__ = ["Connection", "Place", "Unused"]

#: Seconds for which an unused connection is kept.
KEEP_SECONDS = 30.0
#: A request up to this size is copied into one write.
ONE_WRITE_BYTES = 64 * 1024


class Place(NamedTuple):
    """Where connections lead."""

    host: str
    port: int
    is_encrypted: bool


#: Unused connections to the same place, the one that was used last at the end.
Unused = dict["Connection", None]


class Connection(asyncio.Protocol):
    """A connection, and the response to the request that it has sent last."""

    def __init__(self, loop: asyncio.AbstractEventLoop, place: Place) -> None:
        self.place = place
        self.status = 0  # until the headers are here
        self.headers: list[tuple[bytes, bytes]] = []
        self._loop = loop
        self._transport: asyncio.Transport
        self._parts: list[bytes] = []  # of the body, that are yet to be read
        self._buffered = 0  # bytes that have arrived since the last read
        self._is_paused = False
        self._is_complete = False
        self._is_kept = False  # the provider takes another request
        self._is_busy = False
        self._among: Unused = {}  # while it is not
        self._error: OSError | None = None
        self._changed: asyncio.Future[None] | None = None  # what the reader waits for
        self._active_at = 0.0  # on the loop's clock: when something has arrived, or the connection was returned
        self._unsent = 0  # bytes of the request, when the timer looked at it
        self._timer: asyncio.TimerHandle | None = None
        # What the parser calls: for each part of a body as little as can be.
        self.on_body = self._parts.append
        self._parser = HttpResponseParser(self)
        # Servers that end lines with LF alone, or write spaces after the size of a chunk.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    # --- A request

    def send(self, head: bytes, content: bytes, idle_seconds: float, max_buffered: int) -> None:
        """Send a request."""
        self.status, self.headers, self._is_complete, self._is_busy = 0, [], False, True
        self._is_kept, self._buffered, self._unsent = False, 0, 0
        self._idle_seconds, self._max_buffered = idle_seconds, max_buffered
        self._active_at = self._loop.time()
        self._watch(self._active_at + idle_seconds)
        if len(content) <= ONE_WRITE_BYTES:
            self._transport.write(head + content)
        else:
            self._transport.write(head)
            self._transport.write(content)

    async def started(self) -> None:
        """Wait for the status and the headers. Raises OSError when the connection is lost before, or too silent."""
        while self.status < 200:
            await self._change()

    async def read(self) -> bytes:
        """Return what has arrived of the body; nothing at its end. Raises OSError as `started` does."""
        while not self._parts:
            if self._is_complete:
                return b""
            await self._change()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        if self._is_paused:
            self._is_paused = False
            self._active_at = self._loop.time()
            self._transport.resume_reading()
        return data

    async def _change(self) -> None:
        if self._error is not None:
            raise self._error
        self._changed = self._loop.create_future()
        try:
            await self._changed
        finally:
            self._changed = None

    # --- Between requests

    @property
    def is_reusable(self) -> bool:
        """Whether the response is complete, and the provider waits for the next request."""
        if not self._is_kept or self._is_paused or self._error is not None or self._transport.is_closing():
            return False
        return not self._transport.get_write_buffer_size()

    @property
    def is_fresh(self) -> bool:
        """Whether an unused connection can be used."""
        return not self._transport.is_closing() and self._loop.time() < self._active_at + KEEP_SECONDS

    def rest(self, unused: "Unused") -> None:
        """Wait for the next request, among other unused connections to the same place."""
        self._is_busy, self._among = False, unused
        unused[self] = None
        self._parts.clear()
        self._active_at = self._loop.time()

    def abort(self) -> None:
        """Close the connection at once. A provider that supports it stops generating."""
        self._transport.abort()

    # --- Time

    def _watch(self, due: float) -> None:
        """Look at the connection by then. One timer serves all of its requests, since resetting one costs CPU time."""
        if self._timer is not None and self._timer.when() > due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._is_busy:
            unsent = self._transport.get_write_buffer_size()
            # Its reader is the slow one, or the provider does take more of the request.
            if self._is_complete or self._is_paused or unsent != self._unsent:
                self._active_at, self._unsent = now, unsent
            due = self._active_at + self._idle_seconds
        else:
            due = self._active_at + KEEP_SECONDS
        if now < due:
            self._watch(due)
            return
        if self._is_busy:
            self._fail(TimeoutError("nothing has arrived"))
        self.abort()

    # --- What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._active_at = self._loop.time()
        if not self._is_busy:  # what is it an answer to?
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(ConnectionError("not HTTP/1.1"))
            self.abort()
            return
        self._buffered += len(data)
        if self._buffered > self._max_buffered and not self._is_paused:
            if not self._parts:  # headers without end
                self._fail(ConnectionError("no body"))
                self.abort()
                return
            self._is_paused = True
            self._transport.pause_reading()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._among.pop(self, None)
        del self._parser  # they hold each other
        if exc is None and self.status and not self._has_length:
            self._is_complete = True  # the end of the connection is the end of the body
            self._tell()
        elif not self._is_complete:
            self._fail(ConnectionError("the connection was lost"))

    @property
    def _has_length(self) -> bool:
        return any(name.lower() in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)

    def _fail(self, error: OSError) -> None:
        self._error = self._error or error
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    # --- What the parser calls

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise HttpParserError("a second response to the same request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self._is_complete, self._is_kept = True, self._parser.should_keep_alive()
        else:  # 100 Continue, 103 Early Hints
            self.status, self.headers = 0, []
