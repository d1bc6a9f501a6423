"""Sums of several dimensions, each by itself: read together, added up by the database."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import CharField, F, Sum
from django.db.models.expressions import Case, Expression, Value, When
from django.db.models.fields import IntegerField
from django.db.models.functions import Trunc

from common.storage.replica import usage_connection

from .rollups import TABLES, Stretch, rows_of, union_of

__all__ = ["sums_apart"]


def sums_apart(
    stretch: Stretch, until: datetime, columns: Sequence[str], name: str
) -> Iterator[tuple[datetime, str, Any, int]]:
    """Yield (start, column, value, sum of `name`) for each of `columns` by itself, read in one query.

    The start is that of a UTC day, of a month if the stretch is not divided by "day", or the edge of the stretch that
    divides the day.
    """
    parts = []
    for rows in rows_of(stretch, until, columns, {}, apart=True):
        unit = next(unit for unit, table in TABLES.items() if table is rows.model)
        begins: Expression | F = F(unit)
        which: Expression | F = F("kept")
        edge: Expression = Value(0, output_field=IntegerField())
        if unit == "hour":
            begins, which = Trunc("hour", "day", tzinfo=UTC), Value("only", output_field=CharField())
            later = [When(hour__gte=moment, then=Value(at)) for at, moment in enumerate(stretch.edges) if at]
            edge = Case(*reversed(later), default=edge)
        named = rows.order_by().annotate(begins=begins, edge=edge, which=which)
        parts.append(named.values_list("begins", "edge", "which", *columns).annotate(added=Sum(name)))
    starts: dict[tuple[str, int], datetime] = {}
    for column, value, packed in _packed(union_of(parts), columns):
        for moment, edge_at, added in json.loads(packed):
            start = starts.get((moment, edge_at))
            if start is None:
                day = datetime.fromisoformat(moment).replace(tzinfo=UTC)
                start = starts[moment, edge_at] = max(day, stretch.edges[edge_at])
            yield start, column, value, added


def _packed(found: Any, columns: Sequence[str]) -> list[tuple[str, Any, str]]:
    """Return (column, value, JSON list of [start, edge, sum]): a page reads thousands of sums of a hundred values."""
    inner, parameters = found.query.sql_with_params()
    is_postgresql = connection.vendor == "postgresql"
    collect, pack = ("json_agg", "json_build_array") if is_postgresql else ("json_group_array", "json_array")
    each = " UNION ALL ".join(
        f"""SELECT {at}, CAST("{column}" AS text), CAST({collect}({pack}(begins, edge, added)) AS text) FROM (
            SELECT "{column}", begins, edge, SUM(added) AS added FROM found
            WHERE which IN ('only', '{column}') GROUP BY "{column}", begins, edge
        ) AS one GROUP BY "{column}" """  # noqa: S608 columns of our own
        for at, column in enumerate(columns)
    )
    with usage_connection().cursor() as cursor:
        cursor.execute(f"WITH found AS ({inner}) {each}", parameters)
        rows = cursor.fetchall()
    return [(columns[at], int(value) if columns[at].endswith("_id") else value, packed) for at, value, packed in rows]
