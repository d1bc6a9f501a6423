"""Idempotency keys: the same request twice is executed once.

The first executed request with a key is remembered with its answer, whatever that was, for 24 hours; a
repetition gets the answer again. What was refused before anything was executed (bad parameters, a twin that
is still under way) is not remembered.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .store import Json, Store

REMEMBERED_FOR = 24 * 3600  # seconds


@dataclass(frozen=True)
class Answer:
    """A response, and the id of the first request when this is a repetition."""

    status: int
    body: str
    original: str | None = None


@dataclass(frozen=True)
class Slot:
    """One key of one API key, with the request that it is used for."""

    api_key: str
    key: str
    path: str
    fingerprint: str


class KeyInUse(Exception):
    """Another request with this key is being executed."""


class KeyReused(Exception):
    """The key was first used for another request, of the address `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def slot(api_key: str, key: str, path: str, parameters: Json) -> Slot | None:
    """The slot of a request; None when it has no key."""
    fingerprint = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
    return Slot(api_key, key, path, fingerprint) if key else None


class Answers:
    """The answers given so far, by slot."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Requests under way. In memory: none survives the process.
        self._running: set[tuple[str, str]] = set()

    def recall(self, slot: Slot | None) -> Answer | None:
        """The answer that this slot got before. Raises KeyInUse and KeyReused."""
        if slot is None:
            return None
        if (slot.api_key, slot.key) in self._running:
            raise KeyInUse
        self._store.execute("DELETE FROM answers WHERE created < ?", (self._store.now() - REMEMBERED_FOR,))
        rows = self._store.query(
            "SELECT * FROM answers WHERE api_key = ? AND idempotency_key = ?", (slot.api_key, slot.key)
        )
        if not rows:
            return None
        row = rows[0]
        if (row["path"], row["fingerprint"]) != (slot.path, slot.fingerprint):
            raise KeyReused(row["path"])
        return Answer(row["status"], row["body"], row["request"])

    @contextmanager
    def held(self, slot: Slot | None) -> Iterator[None]:
        """Keeps other requests of this slot out while this one is executed."""
        if slot is None:
            yield
            return
        self._running.add((slot.api_key, slot.key))
        try:
            yield
        finally:
            self._running.discard((slot.api_key, slot.key))

    def remember(self, slot: Slot | None, request: str, answer: Answer) -> Answer:
        """The same answer, which repetitions will get as well."""
        if slot is not None:
            self._store.execute(
                "INSERT INTO answers (api_key, idempotency_key, path, fingerprint, request, status, body, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (slot.api_key, slot.key, slot.path, slot.fingerprint, request)  # noqa: RUF005 one line is too long
                + (answer.status, answer.body, self._store.now()),
            )
        return answer
