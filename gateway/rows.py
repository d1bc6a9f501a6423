"""The rows that admission and settlement read and write, and the few statements that do it.

The one place, migrations aside, that speaks SQL itself. A batch reads in one exchange with the database and writes in
another, whatever its size, and each statement takes all of its rows as one JSON text, so that its own text is always
the same. Through the ORM the same work took three times the CPU of everything else that a request needs.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

import msgspec
from django.db import connection, models

from billing.models import CreditAccount
from billing.spending import Spender
from keys.models import ApiKey

from .models import Generation, UsageHour

__all__ = ["GenerationRow", "HourRow", "KeyRow", "read", "write"]


class GenerationRow(msgspec.Struct, kw_only=True):
    """A `Generation` on its way into the database; the fields are described there."""

    id: str
    account_id: int
    key_id: int | None = None
    user_id: int | None = None
    source: str
    state: str = Generation.State.OPEN.value
    requested_model: str
    model: str = ""
    provider: str = ""
    endpoint: str = ""
    simulated: bool = False
    upstream_id: str = ""
    streamed: bool = False
    cancelled: bool = False
    finish_reason: str = ""
    native_finish_reason: str = ""
    error_status: int | None = None
    attempts: list[dict[str, Any]] = []
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    token_source: str = Generation.TokenSource.NONE.value
    hold: int = 0
    cost: int = 0
    write_off: int = 0
    price: dict[str, str] = {}
    discount_basis_points: int = 0
    images: int = 0
    web_search_engine: str = ""
    web_search_results: int = 0
    process_id: str = ""
    created_at: datetime
    settled_at: datetime | None = None
    latency_ms: int | None = None
    duration_ms: int | None = None
    app: str = ""
    app_title: str = ""
    user_agent: str = ""
    external_user: str = ""
    session_id: str = ""


class KeyRow(msgspec.Struct):
    """The columns of an API key that decide about a request, and those that it changes."""

    CHANGED: ClassVar = ("usage", "held", "window_usage", "window_started_at", "last_used_at")

    id: int
    disabled: bool
    deleted_at: datetime | None
    expires_at: datetime | None
    limit: int | None
    limit_reset: str
    usage: int
    held: int
    window_usage: int
    window_started_at: datetime | None
    last_used_at: datetime | None


class HourRow(msgspec.Struct):
    """What a batch adds to one `UsageHour`."""

    IDENTITY: ClassVar = ("account_id", "hour", "key_id", "user_id", "model", "provider", "app", "source")

    account_id: int
    hour: datetime
    key_id: int
    user_id: int
    model: str
    provider: str
    app: str
    source: str
    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cost: int = 0
    latency_ms: int = 0
    duration_ms: int = 0


#: Who asked for what: columns of a Generation that settlement leaves as they are.
_ASKED = {
    "id", "account_id", "key_id", "user_id", "source", "requested_model", "streamed", "created_at", "process_id",
    "app", "app_title", "user_agent", "external_user", "session_id",
}  # fmt: skip
#: Columns of a Generation that settlement completes.
_SETTLED = tuple(name for name in GenerationRow.__struct_fields__ if name not in _ASKED)


# --- Reading ------------------------------------------------------------------------------------------


def read(
    accounts: Collection[int], keys: Collection[int], generations: Collection[str], *, lasting: bool = True
) -> tuple[dict[int, Spender], dict[int, KeyRow], dict[str, tuple[str, int, int]]]:
    """The accounts and keys, locked until the transaction ends, and (state, hold, cost) of the generations.

    Always accounts before keys, each in id order: two batches can wait for each other, never in a circle.
    A transaction that need not be `lasting` does not wait for the disk: after a crash of the database it may never
    have been, together with everything after it.
    """
    statements: list[tuple[str, list[Any]]] = []
    if not lasting and connection.vendor == "postgresql":
        statements.append(("SET LOCAL synchronous_commit = off", []))
    first = len(statements)
    statements.append(_locking(CreditAccount, Spender, accounts))
    if keys:
        statements.append(_locking(ApiKey, KeyRow, keys))
    if generations:
        columns = f"id, state, hold, cost FROM {_table(Generation)}"
        statements.append((f"SELECT {columns} WHERE id IN ({_marks(generations)})", list(generations)))
    found = iter(_run(statements)[first:])
    locked = {row[0]: Spender(*map(_aware, row)) for row in next(found)}
    locked_keys = {row[0]: KeyRow(*map(_aware, row)) for row in next(found)} if keys else {}
    stored = {row[0]: row[1:] for row in next(found)} if generations else {}
    return locked, locked_keys, stored


def _locking(model: type[models.Model], row: type[msgspec.Struct], ids: Collection[int]) -> tuple[str, list[Any]]:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite has one writer anyway
    columns = ", ".join(f'"{name}"' for name in row.__struct_fields__)
    where = f"WHERE id IN ({_marks(ids)}) ORDER BY id{lock}"
    return f"SELECT {columns} FROM {_table(model)} {where}", sorted(ids)


def _aware(value: Any) -> Any:
    """SQLite stores moments in UTC without saying so."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


# --- Writing ------------------------------------------------------------------------------------------


def write(
    *,
    opened: Sequence[GenerationRow],
    finished: Sequence[GenerationRow],
    accounts: Sequence[Spender],
    keys: Sequence[KeyRow],
    hours: Sequence[HourRow],
) -> None:
    """Insert what was opened, complete what has finished, store the locked rows, add to the hours."""
    statements = []
    columns = GenerationRow.__struct_fields__
    if opened:
        statements.append((_insert(Generation, columns), [_json(opened)]))
    if finished:
        statements.append((_update(Generation, _SETTLED), [_json(finished)]))
    statements.append((_update(CreditAccount, Spender.CHANGED), [_json(accounts)]))
    if keys:
        statements.append((_update(ApiKey, KeyRow.CHANGED), [_json(keys)]))
    if hours:
        table, identity = _table(UsageHour), HourRow.IDENTITY
        sums = [name for name in HourRow.__struct_fields__ if name not in identity]
        added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
        conflict = f"ON CONFLICT ({', '.join(identity)}) DO UPDATE SET {added}"
        statements.append((f"{_insert(UsageHour, HourRow.__struct_fields__)} {conflict}", [_json(hours)]))
    _run(statements)


@cache
def _insert(model: type[models.Model], columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    # "WHERE true" tells SQLite that an ON CONFLICT after it does not belong to a join.
    return f"INSERT INTO {_table(model)} ({names}) SELECT {names} FROM {_rows(model, columns)} AS new WHERE true"


@cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> str:
    table = _table(model)
    changes = ", ".join(f'"{name}" = new."{name}"' for name in columns)
    return f"UPDATE {table} SET {changes} FROM {_rows(model, ['id', *columns])} AS new WHERE {table}.id = new.id"


def _rows(model: type[models.Model], columns: Sequence[str]) -> str:
    """A table made of a JSON list of objects, with the model's column types."""
    if connection.vendor == "postgresql":
        return f"json_populate_recordset(NULL::{_table(model)}, %s)"
    return f"(SELECT {', '.join(_extracted(model, name) for name in columns)} FROM json_each(%s))"


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


def _run(statements: Sequence[tuple[str, list[Any]]]) -> list[list[Any]]:
    """The rows that each statement yields. PostgreSQL gets them all in one exchange."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return [cursor.execute(sql, values).fetchall() for sql, values in statements]
        cursor.execute("; ".join(sql for sql, _ in statements), [value for _, values in statements for value in values])
        found = [cursor.fetchall() if cursor.description else []]
        while cursor.nextset():
            found.append(cursor.fetchall() if cursor.description else [])
        return found
