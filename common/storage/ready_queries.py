"""Queries whose SQL is made once: for a small one that runs all the time, making it takes longer than running it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Model, QuerySet

__all__ = ["ReadyQuery", "row_of"]

Row = TypeVar("Row", bound=Model)


class _Given(Expression):
    """Stands for the value that each run gives."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s", [self]


class ReadyQuery:
    """A query of `values_list` with one value that each run gives.

        names = ReadyQuery(lambda user: Membership.objects.filter(user=user).values_list("organisation__name"))
        [name for name, in names.rows(user.pk)]

    The value reaches the database as it is: a number or a text, not a model's instance.
    """

    def __init__(self, make: "Callable[[Any], QuerySet[Any, tuple[Any, ...]]]") -> None:
        self._make = make

    def rows(self, value: int | str) -> list[list[Any]]:
        """Return the rows, with the values that the fields have in Python."""
        sql, parameters, convert = self._made
        with connection.cursor() as cursor:
            cursor.execute(sql, [value if isinstance(each, _Given) else each for each in parameters])
            return convert(cursor.fetchall())

    @cached_property
    def _made(self) -> tuple[str, tuple[Any, ...], Callable[[list[Any]], list[list[Any]]]]:
        compiler = self._make(_Given()).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([expression for expression, _, _ in compiler.select])
        return sql, parameters, lambda rows: list(map(list, compiler.apply_converters(rows, converters)))


def row_of(model: type[Row], names: Sequence[str], values: Sequence[Any]) -> Row:
    """Return the model's instance whose fields have these values. Others are read when they are asked for."""
    given = dict(zip(names, values, strict=True))
    fields = [field for field in model._meta.concrete_fields if field.name in given]  # in the order of the model
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], [given[field.name] for field in fields])
