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

from .errors import IdempotencyMismatch, InvalidParameter, Json, KeyInUse
from .store import Store

REMEMBERED_FOR = 24 * 3600  # seconds


@dataclass(frozen=True)
class Answer:
    """What is sent back, and the id of the first request when this is a repetition."""

    status: int
    body: str
    original: str | None = None


@dataclass(frozen=True)
class Slot:
    """One key of one API key, and what it is being used for."""

    api_key: str
    key: str
    path: str
    fingerprint: str


def slot(api_key: str, key: str | None, path: str, parameters: Json) -> Slot | None:
    """The slot of a request; None when it has no key. Raises InvalidParameter for a key that is too long."""
    if key is None:
        return None
    if not 0 < len(key) <= 255:
        raise InvalidParameter("An idempotency key has 1 to 255 characters.")
    return Slot(api_key, key, path, hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest())


class Answers:
    """The answers given so far, by slot."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Requests under way. In memory: none survives the process.
        self._running: set[tuple[str, str]] = set()

    def recall(self, slot: Slot) -> Answer | None:
        """The answer that this slot got before.

        Raises:
            KeyInUse: a twin is still being executed.
            IdempotencyMismatch: the key was first used for something else.
        """
        if (slot.api_key, slot.key) in self._running:
            raise KeyInUse(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {slot.key}. Please try again later.",
                code="idempotency_key_in_use",
            )
        self._store.execute("DELETE FROM answers WHERE created < ?", (self._store.now() - REMEMBERED_FOR,))
        rows = self._store.query(
            "SELECT * FROM answers WHERE api_key = ? AND idempotency_key = ?", (slot.api_key, slot.key)
        )
        if not rows:
            return None
        row = rows[0]
        advice = f"Try using a key other than '{slot.key}' if you meant to execute a different request."
        if row["path"] != slot.path:
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{row['path']}' vs '{slot.path}'). {advice}"
            )
        if row["fingerprint"] != slot.fingerprint:
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                + advice
            )
        return Answer(row["status"], row["body"], row["request"])

    @contextmanager
    def held(self, slot: Slot | None) -> Iterator[None]:
        """Nobody else executes a request of this slot meanwhile."""
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
                (
                    slot.api_key,
                    slot.key,
                    slot.path,
                    slot.fingerprint,
                    request,
                    answer.status,
                    answer.body,
                    self._store.now(),
                ),
            )
        return answer
