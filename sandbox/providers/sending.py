"""Puts an answer on the wire, at a pace, and notices when nobody listens any more."""

import asyncio
import zlib
from collections.abc import Iterator, Sequence

from sandbox.providers.pace import Pace
from sandbox.providers.recorder import Record
from sandbox.providers.steps import Frame, Hold, Pause, Step
from sandbox.providers.wire import Send, Wire

__all__ = ["send_body", "send_steps"]

Header = tuple[bytes, bytes]

# Without a pace, events are gathered into packets of about this many bytes.
_PACKET = 16_384


async def send_body(
    send: Send, status: int, content_type: str, body: bytes, extra: Sequence[Header] = (), *, only: int | None = None
) -> None:
    """Sends a response in one piece; `only` so many bytes of the body that was promised."""
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", str(len(body)).encode("ascii")),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:only], "more_body": only is not None})


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
    packer = zlib.compressobj(wbits=31) if (b"content-encoding", b"gzip") in headers else None
    clock = asyncio.get_running_loop().time
    due = clock() + pace.first
    packet: list[bytes] = []
    size = tokens = 0
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})

    async def flush() -> None:
        nonlocal size, tokens
        if packet:
            data = b"".join(packet)
            if packer:
                data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            await send({"type": "http.response.body", "body": data, "more_body": True})
            if record:
                record.tokens += tokens
            packet.clear()
            size = tokens = 0

    for step in steps:
        if isinstance(step, Frame):
            if step.tokens:
                now = clock()
                if due > now:
                    await flush()
                    await wire.wait(due - now)
                due += pace.each * step.tokens
            packet.append(step.data)
            size += len(step.data)
            tokens += step.tokens
            if apart or size > _PACKET:
                await flush()
                await asyncio.sleep(0)
        elif isinstance(step, Pause):
            await flush()
            await wire.wait(step.seconds)
            due += step.seconds
        elif isinstance(step, Hold):
            await flush()
            await step.wait(wire)
            due = max(due, clock())
        else:
            await flush()
            await (wire.reset() if step.reset else wire.close())
            return
        if wire.is_lost:
            if record:
                record.disconnected = True
            return
    await flush()
    await send({"type": "http.response.body", "body": packer.flush() if packer else b""})
    if record:
        record.finished = not wire.is_lost
        record.disconnected = wire.is_lost
