"""Puts an answer on the wire, at a pace, and notices when the client has gone."""

import asyncio
import zlib
from collections.abc import Iterator, Sequence

from sandbox.providers.wire.connection import Send, Wire
from sandbox.providers.wire.pace import Pace
from sandbox.providers.wire.recorder import Record
from sandbox.providers.wire.steps import Frame, Hold, Pause, Step

__all__ = ["send_body", "send_steps"]

Header = tuple[bytes, bytes]

# Without a pace, events are gathered into packets of about this many bytes.
_PACKET = 16_384


async def send_body(
    send: Send, status: int, content_type: str, body: bytes, extra: Sequence[Header] = (), *, only: int | None = None
) -> None:
    """Sends a response in one piece; `only` so many bytes of the announced body."""
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", str(len(body)).encode("ascii")),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:only], "more_body": only is not None})


class _Packets:
    """Gathers bytes into packets, and counts the tokens sent in them."""

    def __init__(self, send: Send, record: Record | None, *, compressed: bool) -> None:
        self.size = 0
        self._send = send
        self._record = record
        self._packer = zlib.compressobj(wbits=31) if compressed else None
        self._gathered: list[bytes] = []
        self._tokens = 0

    def add(self, frame: Frame) -> None:
        self._gathered.append(frame.data)
        self.size += len(frame.data)
        self._tokens += frame.tokens

    async def flush(self) -> None:
        """Sends the bytes gathered so far."""
        if not self._gathered:
            return
        data = b"".join(self._gathered)
        if self._packer:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        if self._record:
            self._record.tokens += self._tokens
        self._gathered.clear()
        self.size = self._tokens = 0

    async def end(self) -> None:
        """Sends the rest, and ends the response."""
        await self.flush()
        await self._send({"type": "http.response.body", "body": self._packer.flush() if self._packer else b""})


async def send_steps(
    steps: Iterator[Step],
    send: Send,
    wire: Wire,
    pace: Pace,
    headers: Sequence[Header],
    *,
    apart: bool = False,
    record: Record | None = None,
) -> None:
    """Sends a stream step by step. `apart` gives each event a packet of its own, even without a pace."""
    packets = _Packets(send, record, compressed=(b"content-encoding", b"gzip") in headers)
    clock = asyncio.get_running_loop().time
    due = clock() + pace.first
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
    for step in steps:
        if isinstance(step, Frame):
            if step.tokens:
                now = clock()
                if due > now:
                    await packets.flush()
                    await wire.wait(due - now)
                due += pace.each * step.tokens
            packets.add(step)
            if apart or packets.size > _PACKET:
                await packets.flush()
                await asyncio.sleep(0)
        elif isinstance(step, Pause):
            await packets.flush()
            await wire.wait(step.seconds)
            due += step.seconds
        elif isinstance(step, Hold):
            await packets.flush()
            await step.wait(wire)
            due = max(due, clock())
        else:
            await packets.flush()
            await (wire.reset() if step.reset else wire.close())
            return
        if wire.is_lost:
            if record:
                record.disconnected = True
            return
    await packets.end()
    if record:
        record.finished = not wire.is_lost
        record.disconnected = wire.is_lost
