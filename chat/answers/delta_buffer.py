"""Gathers deltas into one frame about every 100 ms, however many tokens arrive in that time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from chat import protocol
from gateway.events import Delta, Event

__all__ = ["DeltaBuffer"]

PAUSE_SECONDS = 0.1


class DeltaBuffer:
    """Sends the events of one answer through `send`, in order.

    The first delta is sent at once and the following ones when the pause is over. Any other event flushes the
    buffer first.
    """

    def __init__(self, answer_id: str, send: Callable[[str], Awaitable[None]]) -> None:
        self._answer_id = answer_id
        self._send = send
        self._buffered: list[Delta] = []
        self._sent_at = 0.0
        self._timer: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def put(self, event: Event) -> None:
        """Send `event`; a delta may wait for the next frame."""
        if not isinstance(event, Delta):
            await self.flush()
            await self._send(protocol.frame(self._answer_id, event))
            return
        self._buffered.append(event)
        if self._timer is None:
            pause = self._sent_at + PAUSE_SECONDS - time.monotonic()
            if pause <= 0:
                await self._send_buffered()
            else:
                self._timer = asyncio.create_task(self._send_after(pause))

    async def flush(self) -> None:
        """Send the buffered deltas now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._send_buffered()

    async def _send_after(self, pause: float) -> None:
        await asyncio.sleep(pause)
        self._timer = None  # from here on `flush` waits for the lock instead of canceling a send
        await self._send_buffered()

    async def _send_buffered(self) -> None:
        async with self._lock:
            if self._buffered:
                deltas, self._buffered = self._buffered, []
                await self._send(protocol.frame(self._answer_id, protocol.merged(deltas)))
                self._sent_at = time.monotonic()
