"""The named statements of `postgresql.sql` and `sqlite.sql`."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

__all__ = ["Statement", "Statements", "load", "on_postgresql", "statements"]

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_PARAMETER = re.compile(r"^-- param: (\w+) (\S+)\n", re.MULTILINE)
_COMMENT = re.compile(r" *-- .*$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One statement, without comments and final semicolon.

    `source` is the text of the file, `parameters` are the (name, type) pairs of its values in order.
    """

    name: str
    source: str
    parameters: tuple[tuple[str, str], ...]

    @functools.cached_property
    def text(self) -> str:
        """The statement with a %s for each value."""
        return self._with_marks("%s" for _ in self.parameters)

    @property
    def prepare(self) -> str:
        """PostgreSQL's PREPARE of this statement."""
        marks = (f"${number}" for number, _ in enumerate(self.parameters, 1))
        types = ", ".join(type_ for _, type_ in self.parameters)
        return f"PREPARE {self.name} ({types}) AS {self._with_marks(marks)}"

    @functools.cached_property
    def execute(self) -> str:
        """PostgreSQL's EXECUTE of this statement once it is prepared, with a %s for each value."""
        return f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.parameters))})"

    def _with_marks(self, marks: Iterable[str]) -> str:
        text = self.source
        for (name, _), mark in zip(self.parameters, marks, strict=True):
            text = re.sub(rf":'?{name}\b'?", mark, text)
        return text


@dataclass(frozen=True)
class Statements:
    """Every statement of a batch."""

    lock_accounts: Statement
    read_keys: Statement
    lock_keys: Statement
    delete_holds: Statement
    sum_holds_by_key: Statement
    read_members: Statement
    lock_members: Statement
    sum_holds_by_member: Statement
    read_budgets: Statement
    lock_budgets: Statement
    read_generations: Statement
    delete_generations: Statement
    insert_holds: Statement
    insert_generations: Statement
    update_accounts: Statement
    update_keys: Statement
    update_members: Statement
    update_budgets: Statement
    add_to_hours: Statement
    add_to_classified_days: Statement
    reopen_usage: Statement
    add_to_spend: Statement
    read_own_key_months: Statement
    sum_own_key_shares: Statement
    add_to_own_key_months: Statement


def load(vendor: str) -> Statements:
    """The statements for "postgresql" or "sqlite". TypeError when one is missing or unknown."""
    text = (Path(__file__).parent / f"{vendor}.sql").read_text()
    _, *parts = _NAME.split(text)  # a name and a body by turns
    return Statements(**{name: _parse(name, body) for name, body in zip(parts[::2], parts[1::2], strict=True)})


def _parse(name: str, body: str) -> Statement:
    parameters = tuple(_PARAMETER.findall(body))
    return Statement(name, _COMMENT.sub("", body).strip().removesuffix(";"), parameters)


@functools.cache
def on_postgresql() -> bool:
    """Whether this process's database is PostgreSQL. Asking Django's connection each time takes ten calls."""
    return connection.vendor == "postgresql"


@functools.cache
def statements() -> Statements:
    """The statements for this process's database, read once."""
    return load(connection.vendor)
