"""The steps of a stream: bytes, pauses, gates, and the end of the connection."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from sandbox.providers.wire.connection import Wire

__all__ = ["Cut", "Frame", "Hold", "Pause", "Step", "in_pieces"]


class Frame(NamedTuple):
    """Bytes to send. `tokens` of the answer are in them."""

    data: bytes
    tokens: int = 0
    kind: str = "token"  # or "start", "comment", "finish", "usage", "error", "done", "piece"


class Pause(NamedTuple):
    """Send the bytes so far, then wait."""

    seconds: float


class Hold(NamedTuple):
    """Send the bytes so far, then wait at a gate."""

    wait: Callable[[Wire], Awaitable[None]]


class Cut(NamedTuple):
    """Break the connection here."""

    reset: bool = False  # with a TCP reset; otherwise it just ends, early


Step = Frame | Pause | Hold | Cut

# How long after the first half of a packet the second half follows, in seconds, and how many packets are split.
_SPLIT_PAUSE = 0.002
_SPLITS = 12


def in_pieces(steps: Iterator[Step]) -> Iterator[Step]:
    """The same bytes in packets that end inside characters, inside lines and inside line ends."""
    splits = 0
    for number, step in enumerate(steps):
        at = _cut_in(step.data, number) if isinstance(step, Frame) and splits < _SPLITS else 0
        if not at or not isinstance(step, Frame):
            yield step
            continue
        splits += 1
        yield Frame(step.data[:at], kind="piece")
        yield Pause(_SPLIT_PAUSE)
        yield Frame(step.data[at:], step.tokens, step.kind)


def _cut_in(data: bytes, number: int) -> int:
    """The place to cut `data`: in its first character of several bytes, else a fixed one by `number`; 0 for none."""
    if not data.isascii():
        return next(at for at, byte in enumerate(data) if byte > 127) + 1
    return (0, 3, 0, len(data) // 2, len(data) - 1)[number % 5]
