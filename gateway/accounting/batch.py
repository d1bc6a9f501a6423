"""A batch of admissions and settlements on its way through the database.

It is one transaction of two exchanges with the database, whatever its size: BEGIN travels with what is read, COMMIT
with what is written.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec
from django.db import DatabaseError, connection

from billing.spending import Spender
from gateway.models import Generation

from .rows import GenerationRow, HoldRow, HourRow, KeyRow
from .sql import Asked, as_json, fetch, ids, run, statements

__all__ = ["Batch", "Locked"]


class Locked(msgspec.Struct):
    """What a batch decides upon. The accounts are locked until its transaction ends."""

    accounts: dict[int, Spender]
    keys: dict[int, KeyRow]
    #: What the running requests of those keys hold that have a limit and want more, in pico-USD.
    held_by_keys: dict[int, int]
    #: Of the requests that end, by id: the pico-USD that were held for them. Reading has deleted the rows.
    holds: dict[str, int]
    #: Of those without a hold, by id: what was held for those that the reaper has released...
    released: dict[str, int]
    #: ...and what those cost that were settled before.
    charged: dict[str, int]


class Batch:
    """One transaction: `read`, decide, `write`, in a `with` block. `write` commits.

    A batch that only `holds` does not wait for the disk: after a crash of the database it may never have been,
    together with everything after it. Inside somebody else's transaction a batch is a part of that.
    """

    def __init__(self, *, only_holds: bool) -> None:
        self._only_holds = only_holds
        self._begins: list[Asked] = []
        self._commits: list[Asked] = []
        if not connection.in_atomic_block:
            on_postgresql = connection.vendor == "postgresql"
            self._begins = [("BEGIN" if on_postgresql else "BEGIN IMMEDIATE", [])]
            self._commits = [("COMMIT", [])]
            if on_postgresql and only_holds:
                self._begins.append(("SET LOCAL synchronous_commit = off", []))

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and self._commits:
            try:
                run([("ROLLBACK", [])])
            except DatabaseError:  # the connection is broken, or no transaction was begun
                connection.close()

    def read(
        self, accounts: Collection[int], keys: Collection[int], holding: Collection[int], ended: Collection[str]
    ) -> Locked:
        """Lock these accounts, and take the holds of the requests that have `ended`. `holding` are the keys that
        want to hold more.

        Always accounts before keys, each in id order: two batches can wait for each other, never in a circle. A hold
        changes no key, and whoever holds or spends with a key has locked its account: then it is only read.
        """
        known = statements()
        asked: list[Asked] = [*self._begins, (known.accounts, [ids(sorted(accounts))])]
        if keys:
            asked.append((known.keys if self._only_holds else known.locked_keys, [ids(sorted(keys))]))
        if ended:
            asked.append((known.end_holds, [ids(ended)]))
        found = iter(fetch(asked)[len(self._begins) :])
        locked = {row[0]: Spender(*row) for row in _aware(next(found))}
        locked_keys = {row[0]: KeyRow(*row) for row in _aware(next(found))} if keys else {}
        holds = dict(next(found)) if ended else {}
        limited = [pk for pk in holding if pk in locked_keys and locked_keys[pk].limit is not None]
        held_by_keys = _held_by(limited, [*locked])
        released, charged = _ended_before([pk for pk in ended if pk not in holds])
        return Locked(locked, locked_keys, held_by_keys, holds, released, charged)

    def write(
        self,
        locked: Locked,
        *,
        opened: Sequence[HoldRow],
        settled: Sequence[GenerationRow],
        hours: Sequence[HourRow],
    ) -> None:
        """Store the accounts and keys as they are now, insert what was opened and settled, add to the hours; commit.

        A Generation that the reaper has written is replaced.
        """
        known = statements()
        asked: list[Asked] = []
        if opened:
            asked.append((known.insert_holds, [as_json(opened)]))
        if replaced := [row.id for row in settled if row.id in locked.released]:
            asked.append((known.delete_generations, [ids(replaced)]))
        if settled:
            asked.append((known.insert_generations, [as_json(settled)]))
        asked.append((known.update_accounts, [_changes(locked.accounts.values())]))
        if spenders := {row.key_id for row in settled}.intersection(locked.keys):
            asked.append((known.update_keys, [_changes([locked.keys[key] for key in spenders if key is not None])]))
        if hours:
            asked.append((known.add_to_hours, [as_json(hours)]))
        run([*asked, *self._commits])


def _held_by(keys: list[int], accounts: list[int]) -> dict[int, int]:
    """What the running requests of these keys of these accounts hold (pico-USD)."""
    if not keys:
        return {}
    (rows,) = fetch([(statements().held_by_keys, [ids(accounts), ids(keys)])])
    return {key: int(amount) for key, amount in rows}


def _ended_before(requests: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """What was held for those of the requests that the reaper has released, and what those cost that are settled."""
    if not requests:
        return {}, {}
    (rows,) = fetch([(statements().generations, [ids(requests)])])
    released = {pk: hold for pk, state, hold, _ in rows if state == Generation.State.RELEASED}
    return released, {pk: cost for pk, _, _, cost in rows if pk not in released}


def _aware(rows: list[Any]) -> list[Any]:
    """The rows with moments in UTC, as which SQLite stores them without saying so."""
    if connection.vendor == "postgresql":
        return rows
    return [[each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in row] for row in rows]


def _changes(rows: "Iterable[Spender] | Iterable[KeyRow]") -> str:
    """What is written of them: without the rest, PostgreSQL has half as much to read."""
    return as_json([{name: getattr(row, name) for name in ("id", *row.CHANGED)} for row in rows])
