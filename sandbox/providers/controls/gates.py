"""Gates: places at which an answer waits until a test opens them.

`X-Sandbox-Gate: <name>[:<tokens>]` holds an answer after so many tokens, or before its first one. Several gates are
separated by `;`. A gate is opened by `POST /_test/gates/<name>/open`; see README.md.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial

import msgspec

from sandbox.providers.wire.connection import Wire
from sandbox.providers.wire.steps import Cut, Frame, Hold, Step

__all__ = ["LONGEST", "GatePlace", "Gates", "held", "read_gates"]

LONGEST = 60.0  # seconds; then an unopened gate lets the answer go on
_CAPACITY = 1000  # names; the ones unused for longest are forgotten first
_MOST_TOKENS = 1_000_000


class GatePlace(msgspec.Struct, frozen=True):
    """One entry of the header: the gate, and the tokens that go out before it."""

    name: str
    after: int = 0


class _Gate:
    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0


class Gates:
    """The gates of one process, by name. All are closed until they are opened."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._gates: OrderedDict[str, _Gate] = OrderedDict()
        self._longest = longest

    def open(self, name: str) -> None:
        """Release the answers waiting at the gate, and let later ones pass."""
        self._gate(name).opened.set()

    def close(self, name: str) -> None:
        """Let later answers wait again; those waiting now wait on."""
        self._gate(name).opened.clear()

    def state(self, name: str) -> dict[str, int | bool]:
        """Answers waiting at the gate, and whether it is open."""
        gate = self._gates.get(name) or _Gate()
        return {"waiting": gate.waiting, "open": gate.opened.is_set()}

    async def wait(self, name: str, wire: Wire) -> None:
        """Return once the gate is open, the client has gone, or the longest wait is over."""
        gate = self._gate(name)
        if gate.opened.is_set() or wire.is_lost:
            return
        ends = [asyncio.ensure_future(event.wait()) for event in (gate.opened, wire.lost)]
        gate.waiting += 1
        try:
            await asyncio.wait(ends, timeout=self._longest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gate.waiting -= 1
            for end in ends:
                end.cancel()

    def _gate(self, name: str) -> _Gate:
        gate = self._gates.setdefault(name, _Gate())
        self._gates.move_to_end(name)
        while len(self._gates) > _CAPACITY:
            self._gates.popitem(last=False)
        return gate


def read_gates(value: str) -> list[GatePlace]:
    """The gates of a header; ValueError, with a sentence, for one that makes no sense."""
    return [_read(entry.strip()) for entry in value.split(";") if entry.strip()]


def _read(entry: str) -> GatePlace:
    name, colon, after = entry.partition(":")
    if not name or "/" in name:
        raise ValueError(f"{entry!r} names no gate. A gate is <name> or <name>:<tokens>, without a slash.")
    if not colon:
        return GatePlace(name)
    if not (after.isascii() and after.isdigit() and int(after) <= _MOST_TOKENS):
        raise ValueError(f"{after!r} is not a number of tokens between 0 and {_MOST_TOKENS}.")
    return GatePlace(name, int(after))


def held(steps: Iterator[Step], places: list[GatePlace], gates: Gates) -> Iterator[Step]:
    """`steps` with a `Hold` at each place; an answer with fewer tokens waits before its end."""
    due = sorted(places, key=lambda place: place.after)
    sent = 0
    for step in steps:
        while due and (_ends(step) or (sent >= due[0].after and not _precedes_tokens(step))):
            yield Hold(partial(gates.wait, due.pop(0).name))
        if isinstance(step, Frame):
            sent += step.tokens
        yield step
    for place in due:
        yield Hold(partial(gates.wait, place.name))


def _ends(step: Step) -> bool:
    return isinstance(step, Cut) or (isinstance(step, Frame) and step.kind in ("finish", "usage", "done"))


def _precedes_tokens(step: Step) -> bool:
    return isinstance(step, Frame) and not step.tokens and step.kind in ("start", "comment")
