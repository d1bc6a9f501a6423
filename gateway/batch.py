"""A batch of admissions and settlements on its way through the database, and the few statements that it takes.

The one place, migrations aside, that speaks SQL itself. A batch is one transaction of two exchanges with the database,
whatever its size: BEGIN travels with what is read, COMMIT with what is written. Each statement takes all of its rows
as one JSON text, so that its own text is always the same. Through the ORM the same work took three times the CPU of
everything else that a request needs.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any

import msgspec
from django.db import DatabaseError, connection, models

from billing.models import CreditAccount
from billing.spending import Spender
from keys.models import ApiKey

from .models import Generation, Hold, UsageHour
from .rows import GenerationRow, HoldRow, HourRow, KeyRow

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
        self._begins: list[_Statement] = []
        self._commits: list[_Statement] = []
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
                _run([("ROLLBACK", [])])
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
        statements = [*self._begins, _reading(CreditAccount, Spender, accounts, lock=True)]
        first = len(self._begins)
        if keys:
            statements.append(_reading(ApiKey, KeyRow, keys, lock=not self._only_holds))
        if ended:
            where = f"WHERE id IN ({_marks(ended)})"
            statements.append((f"DELETE FROM {_table(Hold)} {where} RETURNING id, amount", list(ended)))
        found = iter(_run(statements)[first:])
        locked = {row[0]: Spender(*row) for row in _aware(next(found))}
        locked_keys = {row[0]: KeyRow(*row) for row in _aware(next(found))} if keys else {}
        holds = dict(next(found)) if ended else {}
        limited = [pk for pk in holding if pk in locked_keys and locked_keys[pk].limit is not None]
        held_by_keys = _held_by(limited, locked)
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
        statements: list[_Statement] = []
        if opened:
            statements.append(_insert(Hold, opened))
        if replaced := [row.id for row in settled if row.id in locked.released]:
            statements.append((f"DELETE FROM {_table(Generation)} WHERE id IN ({_marks(replaced)})", replaced))
        if settled:
            statements.append(_insert(Generation, settled))
        statements.append(_update(CreditAccount, [*locked.accounts.values()]))
        if spenders := {row.key_id for row in settled}.intersection(locked.keys):
            statements.append(_update(ApiKey, [locked.keys[key] for key in spenders if key is not None]))
        if hours:
            statements.append(_add(UsageHour, hours))
        _run([*statements, *self._commits])


_Statement = tuple[str, list[Any]]


def _reading(model: type[models.Model], row: type[msgspec.Struct], ids: Collection[int], lock: bool) -> _Statement:
    # SQLite has one writer anyway. Rows that refer to these may be inserted meanwhile.
    lock_text = " FOR NO KEY UPDATE" if lock and connection.vendor == "postgresql" else ""
    columns = ", ".join(f'"{field.name}"' for field in _fields(row) if field.required)
    where = f"WHERE id IN ({_marks(ids)}) ORDER BY id{lock_text}"
    return f"SELECT {columns} FROM {_table(model)} {where}", sorted(ids)


def _held_by(keys: Collection[int], accounts: Collection[int]) -> dict[int, int]:
    """What the running requests of these keys of these accounts hold (pico-USD)."""
    if not keys:
        return {}
    where = f"WHERE account_id IN ({_marks(accounts)}) AND key_id IN ({_marks(keys)}) GROUP BY key_id"
    (rows,) = _run([(f"SELECT key_id, sum(amount) FROM {_table(Hold)} {where}", [*accounts, *keys])])
    return {key: int(amount) for key, amount in rows}


def _ended_before(ids: Collection[str]) -> tuple[dict[str, int], dict[str, int]]:
    """What was held for those of the requests that the reaper has released, and what those cost that are settled."""
    if not ids:
        return {}, {}
    (rows,) = _run([(f"SELECT id, state, hold, cost FROM {_table(Generation)} WHERE id IN ({_marks(ids)})", [*ids])])
    released = {pk: hold for pk, state, hold, _ in rows if state == Generation.State.RELEASED}
    return released, {pk: cost for pk, _, _, cost in rows if pk not in released}


def _aware(rows: list[Any]) -> list[Any]:
    """The rows with moments in UTC, as which SQLite stores them without saying so."""
    if connection.vendor == "postgresql":
        return rows
    return [[each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in row] for row in rows]


def _insert(model: type[models.Model], rows: Sequence[msgspec.Struct]) -> _Statement:
    return _inserting(model, type(rows[0])), [_json(rows)]


def _update(model: type[models.Model], rows: "Sequence[Spender] | Sequence[KeyRow]") -> _Statement:
    return _updating(model, type(rows[0])), [_json(rows)]


def _add(model: type[models.Model], rows: Sequence[HourRow]) -> _Statement:
    return f"{_inserting(model, HourRow)} {_adding(model)}", [_json(rows)]


# --- The texts of the statements ----------------------------------------------------------------------


@cache
def _inserting(model: type[models.Model], row: type[msgspec.Struct]) -> str:
    names = ", ".join(f'"{name}"' for name in row.__struct_fields__)
    # "WHERE true" tells SQLite that an ON CONFLICT after it does not belong to a join.
    source = _rows(model, row, row.__struct_fields__)
    return f"INSERT INTO {_table(model)} ({names}) SELECT {names} FROM {source} AS new WHERE true"


@cache
def _adding(model: type[models.Model]) -> str:
    table, identity = _table(model), HourRow.IDENTITY
    sums = [name for name in HourRow.__struct_fields__ if name not in identity]
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return f"ON CONFLICT ({', '.join(identity)}) DO UPDATE SET {added}"


@cache
def _updating(model: type[models.Model], row: "type[Spender] | type[KeyRow]") -> str:
    table, columns = _table(model), ("id", *row.CHANGED)
    changes = ", ".join(f'"{name}" = new."{name}"' for name in row.CHANGED)
    if connection.vendor == "postgresql":
        types = {field.attname: field.rel_db_type(connection) for field in model._meta.concrete_fields}
        source = f"json_to_recordset(%s) AS new ({', '.join(f'{name} {types[name]}' for name in columns)})"
    else:
        source = f"{_rows(model, row, columns)} AS new"
    return f"UPDATE {table} SET {changes} FROM {source} WHERE {table}.id = new.id"


def _rows(model: type[models.Model], row: type[msgspec.Struct], columns: Sequence[str]) -> str:
    """A table made of a JSON list of objects, with the model's column types. Defaults need not be in the list."""
    defaults = _defaults(row)
    if connection.vendor == "postgresql":
        base = f"json_populate_record(NULL::{_table(model)}, '{defaults}')"
        return f"json_populate_recordset({base}, %s)"
    columns_of = ", ".join(_extracted(model, name) for name in columns)
    return f"(SELECT {columns_of} FROM (SELECT json_patch('{defaults}', value) AS value FROM json_each(%s)))"


@cache
def _fields(row: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(row)


def _defaults(row: type[msgspec.Struct]) -> str:
    fields = _fields(row) if row.__struct_config__.omit_defaults else ()
    known = {
        field.name: field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        for field in fields
        if not field.required
    }
    return msgspec.json.encode(known).decode()


def _extracted(model: type[models.Model], column: str) -> str:
    value = f"json_extract(value, '$.{column}')"
    names = {field.attname: field for field in model._meta.concrete_fields}
    if isinstance(names[column], models.DateTimeField):  # as Django writes them: no T, no Z
        value = f"replace(rtrim({value}, 'Z'), 'T', ' ')"
    return f'{value} AS "{column}"'


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table


def _marks(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _json(rows: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(rows).decode()


def _run(statements: Sequence[_Statement]) -> list[list[Any]]:
    """The rows that each statement yields. PostgreSQL gets them all in one exchange."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return [cursor.execute(sql, values).fetchall() for sql, values in statements]
        cursor.execute("; ".join(sql for sql, _ in statements), [value for _, values in statements for value in values])
        found = [_fetched(cursor)]
        while cursor.nextset():
            found.append(_fetched(cursor))
        return found


def _fetched(cursor: Any) -> list[Any]:
    return [] if cursor.rownumber is None else cursor.fetchall()  # asking for its description would make one
