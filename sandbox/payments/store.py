"""Everything a stand-in knows, in one SQLite file of its own.

One process, one connection, one thread: every operation runs between two awaits, so nothing ever sees a
half-made change. A change, the events it causes, their due deliveries and the answer remembered for its
idempotency key are committed together, so that killing the process loses either all of it or nothing.

An object is the JSON that the API shows. Fields whose names begin with an underscore are the sandbox's
own notes (a card number's behavior, a signing secret) and never leave it: see `public`.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

# To be raised with every change of the schema.
_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS answers (
    api_key TEXT NOT NULL, idempotency_key TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
    request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, created REAL NOT NULL,
    PRIMARY KEY (api_key, idempotency_key)
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    state TEXT NOT NULL, queued REAL NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL REFERENCES deliveries (id),
    at REAL NOT NULL, seconds REAL NOT NULL, status INTEGER, error TEXT
);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """A stand-in's memory and clock. `address` is where its own pages are reached."""

    def __init__(self, path: Path | None, address: str) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.address = address
        self.after_commit: Callable[[], None] = lambda: None
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._forget_another_schema()
        self._connection.executescript(_SCHEMA)
        self._clock_offset = float(self.setting("clock_offset", 0))

    def _forget_another_schema(self) -> None:
        """Empty a file that another version of the sandbox has written: there is nothing of value in it."""
        if self.query("PRAGMA user_version")[0][0] == _VERSION:
            return
        for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            self._connection.execute(f"DROP TABLE {row['name']}")
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    # --- Clock ------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970 on the sandbox's own clock, which can be ahead of the machine's."""
        return time.time() + self._clock_offset

    def timestamp(self) -> int:
        """Whole seconds, as objects carry them."""
        return int(self.now())

    def advance_clock(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self._clock_offset += seconds
        self.set_setting("clock_offset", self._clock_offset)

    # --- Transactions -----------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept together, or not at all. Never await inside."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self.after_commit()

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a statement."""
        return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows; how many it changed."""
        return self._connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # --- Objects ----------------------------------------------------------------------------------

    def insert(self, kind: str, body: Json) -> Json:
        """A new object; its body has an id."""
        self._connection.execute(
            "INSERT INTO objects (id, kind, created, body) VALUES (?, ?, ?, ?)",
            (body["id"], kind, self.timestamp(), json.dumps(body)),
        )
        return body

    def save(self, body: Json, **changes: Any) -> Json:
        """The same object with these changes, written down."""
        body |= changes
        self._connection.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))
        return body

    def find(self, identifier: str, kind: str | None = None) -> Json | None:
        """The object with this id, or None."""
        rows = self.query("SELECT kind, body FROM objects WHERE id = ?", (identifier,))
        if not rows or (kind is not None and rows[0]["kind"] != kind):
            return None
        body: Json = json.loads(rows[0]["body"])
        return body

    def remove(self, identifier: str) -> None:
        """Forget an object."""
        self._connection.execute("DELETE FROM objects WHERE id = ?", (identifier,))

    def all(self, kind: str, where: str = "", values: Sequence[Any] = (), limit: int = -1) -> list[Json]:
        """Every object of a kind that the extra SQL condition lets through, newest first."""
        rows = self.query(
            f"SELECT body FROM objects WHERE kind = ? {where} ORDER BY seq DESC LIMIT ?", (kind, *values, limit)
        )
        return [json.loads(row["body"]) for row in rows]

    def sequence(self, identifier: str, kind: str) -> int | None:
        """The place of an object in the order of creation, for paging; None when there is no such object."""
        rows = self.query("SELECT seq FROM objects WHERE id = ? AND kind = ?", (identifier, kind))
        return int(rows[0]["seq"]) if rows else None

    # --- Settings and timers ----------------------------------------------------------------------

    def setting(self, name: str, default: Any) -> Any:
        """A remembered value."""
        rows = self.query("SELECT value FROM settings WHERE name = ?", (name,))
        return json.loads(rows[0]["value"]) if rows else default

    def set_setting(self, name: str, value: Any) -> None:
        """Remember a value."""
        self._connection.execute(
            "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def set_timer(self, due: float, action: str, subject: str) -> None:
        """Have `action` carried out on the object `subject` at a moment of the sandbox's clock."""
        self._connection.execute("INSERT INTO timers (due, action, subject) VALUES (?, ?, ?)", (due, action, subject))

    def take_due_timer(self) -> tuple[str, str] | None:
        """The earliest due (action, subject), taken off the list; None when nothing is due."""
        rows = self.query(
            "SELECT id, action, subject FROM timers WHERE due <= ? ORDER BY due, id LIMIT 1", (self.now(),)
        )
        if not rows:
            return None
        self._connection.execute("DELETE FROM timers WHERE id = ?", (rows[0]["id"],))
        return rows[0]["action"], rows[0]["subject"]


def public(body: Json) -> Json:
    """The object as the API shows it."""
    return {name: value for name, value in body.items() if not name.startswith("_")}
