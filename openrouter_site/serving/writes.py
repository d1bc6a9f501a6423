"""One write to the network where a response has several in one step of the event loop."""

import asyncio
from typing import Any

__all__ = ["GatheredWrites"]

#: Bytes that are gathered at most before they are written.
MAX_GATHERED_BYTES = 64 * 1024


class GatheredWrites:
    """A transport whose writes wait for the end of the event loop's step, so that they go out together.

    uvloop asks the kernel to send with every write: the events of a stream that arrived together took as many calls,
    and a short response took two. They were a quarter of the CPU time of a stream.
    """

    __slots__ = ("_loop", "_parts", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Write the bytes at the end of the step, or now if they are many."""
        if len(data) > MAX_GATHERED_BYTES:
            self.flush()
            self._transport.write(data)
            return
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write now what has been gathered."""
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            if not self._transport.is_closing():
                self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Close the connection once everything is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
