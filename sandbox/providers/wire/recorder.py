"""The requests received, for tests of clients: only with `--record`, only in memory."""

from collections import OrderedDict, deque
from typing import Any

import msgspec

__all__ = ["Record", "Recorder", "readable"]

_REQUESTS = 500  # of a session
_BYTES = 64_000_000  # of all bodies; the sessions unused for longest are forgotten first
_BODY_BYTES = 200_000  # a larger body is recorded as its size


class Record(msgspec.Struct):
    method: str
    path: str
    provider: str
    headers: dict[str, str]
    body: Any
    tokens: int = 0  # of the answer, sent so far
    finished: bool = False  # the answer was sent to its end
    disconnected: bool = False  # the client went away before the end
    status: int | None = None  # None: nothing was answered


class Recorder:
    """The latest requests of the latest sessions."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, deque[tuple[Record, int]]] = OrderedDict()
        self._bytes = 0

    def add(self, session: str, record: Record, size: int) -> None:
        """Keeps `record`, whose body had `size` bytes."""
        size = 1000 + min(size, _BODY_BYTES)
        records = self._sessions.setdefault(session, deque())
        self._sessions.move_to_end(session)
        records.append((record, size))
        self._bytes += size
        if len(records) > _REQUESTS:
            self._bytes -= records.popleft()[1]
        while self._bytes > _BYTES and len(self._sessions) > 1:
            self.clear(next(iter(self._sessions)))

    def of(self, session: str) -> list[Record]:
        """The requests of `session`, oldest first."""
        return [record for record, _ in self._sessions.get(session, ())]

    def clear(self, session: str) -> None:
        self._bytes -= sum(size for _, size in self._sessions.pop(session, ()))


def readable(body: bytes) -> Any:
    """`body` as JSON where it is JSON, else as text; a large one as its size."""
    if len(body) > _BODY_BYTES:
        return f"{len(body)} bytes"
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode("utf-8", "replace")
