"""The SQL of a batch, each statement a fixed text with few values: rows as one JSON text, ids as one list.

The one place, migrations aside, that speaks SQL itself. Through the ORM the same work took three times the CPU of
everything else that a request needs. PostgreSQL prepares the statements once for each connection, which takes a quarter
of its work away.
"""

import functools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from billing.models import CreditAccount
from billing.spending import Spender
from gateway.models import Generation, Hold, UsageHour
from keys.models import ApiKey

from .rows import GenerationRow, HoldRow, HourRow, KeyRow

__all__ = ["Asked", "Statement", "Statements", "as_json", "fetch", "ids", "run", "statements"]


@dataclass(frozen=True)
class Statement:
    """`text` has a %s for each value; `types` are the values' types in PostgreSQL."""

    name: str
    text: str
    types: tuple[str, ...]

    @property
    def preparing(self) -> str:
        marks = (f"${number}" for number, _ in enumerate(self.types, 1))
        return f"PREPARE {self.name} ({', '.join(self.types)}) AS {self.text % tuple(marks)}"

    @functools.cached_property
    def executing(self) -> str:
        return f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})"


@dataclass(frozen=True)
class Statements:
    """Everything that a batch asks of the database."""

    accounts: Statement  # ids; locks them
    keys: Statement  # ids
    locked_keys: Statement  # ids
    end_holds: Statement  # ids of requests: deletes them, yields (id, amount)
    held_by_keys: Statement  # ids of accounts, ids of keys: yields (key, sum)
    generations: Statement  # ids: yields (id, state, hold, cost)
    delete_generations: Statement  # ids
    insert_holds: Statement  # the rest: rows
    insert_generations: Statement
    update_accounts: Statement
    update_keys: Statement
    add_to_hours: Statement


#: A statement, or a text that takes no values, and the values.
Asked = tuple[Statement | str, Sequence[str]]


def run(asked: Sequence[Asked]) -> None:
    """Have the statements carried out. PostgreSQL gets them all in one exchange.

    Raises ImproperlyConfigured when there is a pooler that nobody has told us of.
    """
    if connection.vendor == "postgresql":
        _exchange(asked)
    else:
        _one_by_one(asked)


def fetch(asked: Sequence[Asked]) -> list[list[Any]]:
    """The same, with the rows that each statement yields."""
    if connection.vendor != "postgresql":
        return _one_by_one(asked)
    cursor = _exchange(asked)
    found = []
    while True:
        # Asking for its description would make one.
        found.append([] if cursor.rownumber is None else cursor.fetchall())
        if not cursor.nextset():
            return found


def ids(values: Iterable[int] | Iterable[str]) -> str:
    """The value that names these rows in a statement."""
    text = as_json(list(values))
    # Our ids have no character that the two would escape differently. psycopg's own array takes ten times as long.
    return f"{{{text[1:-1]}}}" if connection.vendor == "postgresql" else text


def as_json(rows: Sequence[Any]) -> str:
    """The value that stands for these rows in a statement."""
    return msgspec.json.encode(rows).decode()


# --- Prepared on a connection -------------------------------------------------------------------------

_LOST = "PostgreSQL mixes up prepared statements. If a pooler stands in front of it, set DATABASE_POOLER=true."

#: A batch looks rows up by their ids. The planner, who cannot know how many ids a list will have, would rather read
#: the whole table while that is small; and a plan for any values need not be made again.
_PLANNING = (
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


class _Session(threading.local):
    """A thread's connection and the one cursor on it that all its batches use: Django's takes twice as long."""

    connection: Any = None
    cursor: Any = None


_session = _Session()


def _exchange(asked: Sequence[Asked]) -> Any:
    """The cursor, before the first statement's rows."""
    connection.ensure_connection()
    pooler = settings.DATABASE_POOLER
    with connection.wrap_database_errors:
        try:
            if _session.connection is not connection.connection:
                cursor = connection.connection.cursor()
                if not pooler:
                    each = [getattr(statements(), name) for name in Statements.__dataclass_fields__]
                    cursor.execute("; ".join([*_PLANNING, *(statement.preparing for statement in each)]))
                _session.connection, _session.cursor = connection.connection, cursor
            text = _plain if pooler else _executing
            return _session.cursor.execute(
                "; ".join([text(statement) for statement, _ in asked]),
                [value for _, values in asked for value in values],
            )
        except (InvalidSqlStatementName, DuplicatePreparedStatement) as error:
            raise ImproperlyConfigured(_LOST) from error


def _one_by_one(asked: Sequence[Asked]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        return [cursor.execute(_plain(statement), values).fetchall() for statement, values in asked]


def _plain(statement: Statement | str) -> str:
    return statement if isinstance(statement, str) else statement.text


def _executing(statement: Statement | str) -> str:
    return statement if isinstance(statement, str) else statement.executing


# --- The texts ----------------------------------------------------------------------------------------


@functools.cache
def statements() -> Statements:
    return Statements(
        accounts=_reading("lock_accounts", CreditAccount, Spender, lock=True),
        keys=_reading("read_keys", ApiKey, KeyRow),
        locked_keys=_reading("lock_keys", ApiKey, KeyRow, lock=True),
        end_holds=Statement(
            "end_holds", f"DELETE FROM {_table(Hold)} WHERE {_among('id', 'text')} RETURNING id, amount", ("text[]",)
        ),
        held_by_keys=Statement(
            "held_by_keys",
            f"SELECT key_id, sum(amount) FROM {_table(Hold)}"
            f" WHERE {_among('account_id', 'bigint')} AND {_among('key_id', 'bigint')} GROUP BY key_id",
            ("bigint[]", "bigint[]"),
        ),
        generations=Statement(
            "read_generations",
            f"SELECT id, state, hold, cost FROM {_table(Generation)} WHERE {_among('id', 'text')}",
            ("text[]",),
        ),
        delete_generations=Statement(
            "delete_generations", f"DELETE FROM {_table(Generation)} WHERE {_among('id', 'text')}", ("text[]",)
        ),
        insert_holds=_inserting("insert_holds", Hold, HoldRow),
        insert_generations=_inserting("insert_generations", Generation, GenerationRow),
        update_accounts=_updating("update_accounts", CreditAccount, Spender),
        update_keys=_updating("update_keys", ApiKey, KeyRow),
        add_to_hours=_inserting("add_to_hours", UsageHour, HourRow, then=_adding()),
    )


def _among(column: str, type_: str) -> str:
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::{type_}[])"
    return f"{column} IN (SELECT value FROM json_each(%s))"


def _reading(name: str, model: type[models.Model], row: type[msgspec.Struct], *, lock: bool = False) -> Statement:
    columns = ", ".join(f'"{field.name}"' for field in msgspec.structs.fields(row) if field.required)
    # SQLite has one writer anyway. Rows that refer to these may be inserted meanwhile.
    lock_text = " FOR NO KEY UPDATE" if lock and connection.vendor == "postgresql" else ""
    where = f"WHERE {_among('id', 'bigint')} ORDER BY id{lock_text}"
    return Statement(name, f"SELECT {columns} FROM {_table(model)} {where}", ("bigint[]",))


def _inserting(name: str, model: type[models.Model], row: type[msgspec.Struct], then: str = "") -> Statement:
    names = ", ".join(f'"{name}"' for name in row.__struct_fields__)
    # "WHERE true" tells SQLite that an ON CONFLICT after it does not belong to a join.
    source = _rows(model, row, row.__struct_fields__)
    text = f"INSERT INTO {_table(model)} ({names}) SELECT {names} FROM {source} AS new WHERE true{then}"
    return Statement(name, text, ("json",))


def _adding() -> str:
    table, identity = _table(UsageHour), HourRow.IDENTITY
    sums = [name for name in HourRow.__struct_fields__ if name not in identity]
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return f" ON CONFLICT ({', '.join(identity)}) DO UPDATE SET {added}"


def _updating(name: str, model: type[models.Model], row: "type[Spender] | type[KeyRow]") -> Statement:
    table, columns = _table(model), ("id", *row.CHANGED)
    changes = ", ".join(f'"{name}" = new."{name}"' for name in row.CHANGED)
    if connection.vendor == "postgresql":
        types = {field.attname: field.rel_db_type(connection) for field in model._meta.concrete_fields}
        source = f"json_to_recordset(%s) AS new ({', '.join(f'{name} {types[name]}' for name in columns)})"
    else:
        source = f"{_rows(model, row, columns)} AS new"
    return Statement(name, f"UPDATE {table} SET {changes} FROM {source} WHERE {table}.id = new.id", ("json",))


def _rows(model: type[models.Model], row: type[msgspec.Struct], columns: Sequence[str]) -> str:
    """A table made of a JSON list of objects, with the model's column types. Defaults need not be in the list."""
    defaults = _defaults(row)
    if connection.vendor == "postgresql":
        base = f"json_populate_record(NULL::{_table(model)}, '{defaults}')"
        return f"json_populate_recordset({base}, %s)"
    columns_of = ", ".join(_extracted(model, name) for name in columns)
    return f"(SELECT {columns_of} FROM (SELECT json_patch('{defaults}', value) AS value FROM json_each(%s)))"


def _defaults(row: type[msgspec.Struct]) -> str:
    fields = msgspec.structs.fields(row) if row.__struct_config__.omit_defaults else ()
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
