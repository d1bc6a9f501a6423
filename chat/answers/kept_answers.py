"""The frames of answers, kept for a page that loses its connection or is loaded again.

Each piece is encrypted with a key that the page made and that the server forgets with the answer, so what is kept can
be read only with the page's copy of it. It lies in Redis where there is one, so that any web process can resume the
answer, else in memory. It ends when the page has it all, or KEEP_SECONDS after the last piece.
"""

import asyncio
import base64
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

import msgspec
import redis
import redis.asyncio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common import clock

from . import shared_redis

__all__ = ["KEEP_SECONDS", "Keeper", "Kept", "Store", "kept_pieces", "key_from", "store"]

log = logging.getLogger(__name__)

#: Seconds for which an answer is kept after its last piece.
KEEP_SECONDS = 300
#: Seconds between two pieces of a running answer.
PIECE_SECONDS = 0.5
#: Seconds between two looks for more of an answer, and while Redis is away.
READ_PAUSE = 0.25
OUTAGE_PAUSE = 1.0
#: Seconds after which an answer whose process gives no sign of life counts as ended.
LIFE_SECONDS = 10.0
#: Pieces that are read at a time, so that a page that takes them slowly keeps few of them in memory.
PIECES_AT_ONCE = 40
#: Bytes of one answer, and of all answers in memory. A longer answer can't be resumed; the oldest one makes room.
MAX_BYTES = 16 * 1024 * 1024
MAX_MEMORY = 256 * 1024 * 1024

_NONCE_BYTES = 12
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str]).decode


@dataclass
class Kept:
    """Sealed pieces of an answer, and whether it is still being written."""

    pieces: list[bytes]
    is_running: bool


class Store(Protocol):
    """Where sealed pieces lie, by the name of their answer."""

    async def write(self, name: str, number: int, piece: bytes | None) -> bool:
        """Write a piece, perhaps again, or only a sign of life. Return whether a page has asked to stop the answer."""

    async def read(self, name: str, start: int) -> Kept:
        """Return the pieces from number `start` on, at most PIECES_AT_ONCE."""

    async def stop(self, name: str) -> None:
        """Ask the process that writes the answer to stop it."""

    async def remove(self, name: str) -> None:
        """Forget the answer."""


class Keeper:
    """Keeps the frames of one answer as they are sent. `stop` is called when a page on another socket asks for it.

    An outage of Redis costs the chance to resume, never the answer.
    """

    def __init__(self, name: str, key: AESGCM, stop: Callable[[], None]) -> None:
        self._name, self._key, self._stop = name, key, stop
        self._frames: list[str] = []
        self._piece: bytes | None = None  # sealed, and not known to be written
        self._count = self._bytes = 0
        self._store = store()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin. From now on the answer can be resumed."""
        await self._write()
        self._task = asyncio.create_task(self._keep())

    def add(self, frame: str) -> None:
        """Keep a frame with the next piece."""
        self._frames.append(frame)

    async def close(self) -> None:
        """Keep the rest, which ends with the answer's last frame."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._piece:  # the outage may be over
            await self._write()
        await self._write()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(PIECE_SECONDS)
            # Cut off, a piece might be written and still count as unwritten.
            if await asyncio.shield(self._write()):
                self._stop()

    async def _write(self) -> bool:
        """Write what has been added; during an outage, again at the next time. Return whether to stop the answer."""
        if self._piece is None and self._frames:
            frames, self._frames = self._frames, []
            self._piece = _sealed(self._key, self._name, self._count, frames)
            self._bytes += len(self._piece)
        try:
            if self._bytes > MAX_BYTES:
                self._frames, self._piece = [], None
                await self._store.remove(self._name)
                return False
            stop = await self._store.write(self._name, self._count, self._piece)
        except redis.RedisError as error:
            log.warning("an answer can't be resumed for now: %s", type(error).__name__)
            return False
        self._count += self._piece is not None
        self._piece = None
        return stop


def key_from(text: str) -> AESGCM:
    """Return the key that a page sent: 32 bytes in base64url, 43 characters."""
    return AESGCM(base64.urlsafe_b64decode(text + "="))


def _sealed(key: AESGCM, name: str, number: int, frames: list[str]) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, _encode(frames), f"{name} {number}".encode())


async def kept_pieces(name: str, key: AESGCM) -> AsyncGenerator[tuple[int, list[str]]]:
    """Yield the number and the frames of each piece of an answer, and of those that are added to it.

    Raises LookupError if nothing is kept, the key is another one, or the process that wrote the answer is gone.
    """
    number = 0
    while True:
        try:
            kept = await store().read(name, number)
        except redis.RedisError:
            await asyncio.sleep(OUTAGE_PAUSE)
            continue
        if not (kept.pieces or kept.is_running):
            raise LookupError(name)
        for piece in kept.pieces:
            yield number, _unsealed(key, name, number, piece)
            number += 1
        if len(kept.pieces) < PIECES_AT_ONCE:
            await asyncio.sleep(READ_PAUSE)


def _unsealed(key: AESGCM, name: str, number: int, piece: bytes) -> list[str]:
    try:
        return _decode(key.decrypt(piece[:_NONCE_BYTES], piece[_NONCE_BYTES:], f"{name} {number}".encode()))
    except InvalidTag:
        raise LookupError(name) from None


@dataclass
class _Entry:
    pieces: list[bytes] = field(default_factory=list)
    written_at: float = 0.0
    stopped: bool = False


class MemoryStore:
    """The answers of this process. A timer of the running event loop removes what has expired."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # least recently written first
        self._bytes = 0
        self._timer_loop: asyncio.AbstractEventLoop | None = None  # the loop that the timer runs on, while it does

    async def write(self, name: str, number: int, piece: bytes | None) -> bool:
        entry = self._entries.setdefault(name, _Entry())
        self._entries.move_to_end(name)
        entry.written_at = clock.monotonic()
        if piece and number == len(entry.pieces):  # else its beginning has made room
            entry.pieces.append(piece)
            self._bytes += len(piece)
        self._make_room()
        if self._timer_loop is not asyncio.get_running_loop():
            self._expire_after(KEEP_SECONDS)
        return entry.stopped

    async def read(self, name: str, start: int) -> Kept:
        self._make_room()
        entry = self._entries.get(name)
        if entry is None:
            return Kept([], is_running=False)
        return Kept(entry.pieces[start : start + PIECES_AT_ONCE], clock.monotonic() - entry.written_at < LIFE_SECONDS)

    async def stop(self, name: str) -> None:
        if entry := self._entries.get(name):
            entry.stopped = True

    async def remove(self, name: str) -> None:
        if entry := self._entries.pop(name, None):
            self._bytes -= sum(map(len, entry.pieces))

    def _expire_after(self, seconds: float) -> None:
        self._timer_loop = asyncio.get_running_loop()
        self._timer_loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._timer_loop = None
        self._make_room()
        if self._entries:
            oldest = next(iter(self._entries.values()))
            self._expire_after(max(0.0, oldest.written_at + KEEP_SECONDS - clock.monotonic()))

    def _make_room(self) -> None:
        oldest = clock.monotonic() - KEEP_SECONDS
        while self._entries:
            name, entry = next(iter(self._entries.items()))
            if self._bytes <= MAX_MEMORY and entry.written_at > oldest:
                return
            self._entries.pop(name)
            self._bytes -= sum(map(len, entry.pieces))


class RedisStore:
    """The answers of every web process."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def write(self, name: str, number: int, piece: bytes | None) -> bool:
        pieces, life, stop = _keys(name)
        async with self._redis.pipeline(transaction=False) as pipeline:
            if piece:
                pipeline.hset(pieces, str(number), piece)
            pipeline.expire(pieces, KEEP_SECONDS)
            pipeline.set(life, 1, px=int(LIFE_SECONDS * 1000))
            pipeline.exists(stop)
            return bool((await pipeline.execute())[-1])

    async def read(self, name: str, start: int) -> Kept:
        pieces, life, _ = _keys(name)
        # Whether it is written is asked first: its last piece must not come between the two answers.
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.exists(life)
            pipeline.hmget(pieces, [str(start + at) for at in range(PIECES_AT_ONCE)])
            is_running, found = await pipeline.execute()
        return Kept(list(takewhile(bool, found)), bool(is_running))

    async def stop(self, name: str) -> None:
        await self._try(self._redis.set(_keys(name)[2], 1, ex=KEEP_SECONDS))

    async def remove(self, name: str) -> None:
        await self._try(self._redis.delete(*_keys(name)))

    async def _try(self, command: Awaitable[object]) -> None:
        try:
            await command
        except redis.RedisError as error:
            log.warning("a kept answer was not changed: %s", type(error).__name__)


def _keys(name: str) -> tuple[str, str, str]:
    return f"chat-answer:{name}", f"chat-answer:{name}:life", f"chat-answer:{name}:stop"


_memory = MemoryStore()


def store() -> Store:
    """Return the store of this site."""
    client = shared_redis.client()
    return RedisStore(client) if client else _memory
