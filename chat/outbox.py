"""Deltas leave together: one frame about every 30 ms, however many tokens a model makes in that time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.events import Delta, Event

from . import protocol

__all__ = ["Outbox"]

PAUSE_SECONDS = 0.03


class Outbox:
    """Sends one answer's events in order through `send`.

    The first delta leaves at once, the next ones when the pause is over; any other event takes
    what is waiting with it.
    """

    def __init__(self, answer_id: str, send: Callable[[str], Awaitable[None]]) -> None:
        self._answer_id = answer_id
        self._send = send
        self._waiting: list[Delta] = []
        self._sent_at = 0.0
        self._later: asyncio.Task[None] | None = None
        self._in_order = asyncio.Lock()

    async def put(self, event: Event) -> None:
        """Send `event`, or keep it for the next frame if it is a delta."""
        if not isinstance(event, Delta):
            await self.flush()
            await self._send(protocol.frame(self._answer_id, event))
            return
        self._waiting.append(event)
        if self._later is None:
            pause = self._sent_at + PAUSE_SECONDS - time.monotonic()
            if pause <= 0:
                await self._send_waiting()
            else:
                self._later = asyncio.create_task(self._send_after(pause))

    async def flush(self) -> None:
        """Send what is waiting."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        await self._send_waiting()

    async def _send_after(self, pause: float) -> None:
        await asyncio.sleep(pause)
        self._later = None  # from here on `flush` waits for the lock instead of cancelling a send
        await self._send_waiting()

    async def _send_waiting(self) -> None:
        async with self._in_order:
            if self._waiting:
                deltas, self._waiting = self._waiting, []
                await self._send(protocol.frame(self._answer_id, protocol.merged(deltas)))
                self._sent_at = time.monotonic()
