"""Running analytics queries on the rollups, within bounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from activity.sums import rollups
from activity.sums.rollups import Stretch
from activity.usage import Sums
from billing.models import CreditAccount
from common.clock import window_start
from common.errors import InvalidRequest

from .measures import GRANULARITIES, Dimension, Metric

__all__ = ["LONGEST", "MOST_READ", "Answer", "Query", "Row", "run"]

#: The longest range of a query without granularity.
LONGEST = timedelta(days=1830)
#: Rows of the rollups that a query may add up: about 2 µs each.
MOST_READ = 50_000


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query. `start` and `end` are whole UTC hours; an empty `granularity` does not divide them.

    `allowed` and `excluded` restrict stored values by column; a column that is in neither is not restricted.
    `order_by` is "date", a metric or a dimension.
    """

    metrics: Sequence[Metric]
    dimensions: Sequence[Dimension]
    start: datetime
    end: datetime
    granularity: str
    order_by: Metric | Dimension | str
    descending: bool
    limit: int
    group_limit: int | None = None
    allowed: dict[str, set[Any]] = field(default_factory=dict)
    excluded: dict[str, set[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the start of its bucket (that of the query's range without granularity), a stored value for each
    dimension, and sums, of which only those that the query's metrics need are filled in."""

    bucket: datetime
    values: tuple[Any, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows in order, and whether `limit` left some out."""

    rows: list[Row]
    truncated: bool


def run(query: Query, account: CreditAccount) -> Answer:
    """Return the rows of a query, read in two short queries.

    Raises InvalidRequest for a query that would read more than the bounds allow.
    """
    longest = GRANULARITIES[query.granularity].longest if query.granularity else LONGEST
    if query.end - query.start > longest + timedelta(hours=1):
        raise InvalidRequest(
            f"time_range may span {longest.days:,} days{_by(query.granularity)}. "
            "Shorten it, or use a coarser granularity."
        )
    rows = _ordered(_rows(query, account), query)
    if query.group_limit is not None and query.dimensions:
        rows = list(_first_of_each(rows, query.group_limit))
    return Answer(rows[: query.limit], truncated=len(rows) > query.limit)


def _by(granularity: str) -> str:
    return f" with granularity {granularity}" if granularity else ""


def _rows(query: Query, account: CreditAccount) -> list[Row]:
    columns = [dimension.column for dimension in query.dimensions if dimension.column]
    needed = ("requests", *sorted({name for metric in query.metrics for name in metric.columns} - {"requests"}))
    total = not columns and not query.granularity
    found = _sums(query, account, columns, needed)
    if total and not found:
        found = [(query.start, (), (0,) * len(needed))]
    return [
        Row(bucket, values, Sums(**dict(zip(needed, added, strict=True))))
        for bucket, values, added in found
        if total or added[0]  # a request whose process died counts nothing
    ]


def _sums(
    query: Query, account: CreditAccount, columns: Sequence[str], needed: Sequence[str]
) -> list[tuple[datetime, tuple[Any, ...], tuple[int, ...]]]:
    """Return (bucket, values of `columns`, the sums `needed`), each bucket and values once."""
    if any(not values for values in query.allowed.values()):
        return []
    conditions = {f"{column}__in": sorted(values) for column, values in query.allowed.items()}
    conditions |= {f"{column}__not_in": sorted(values) for column, values in query.excluded.items()}
    stretch = Stretch(account, _edges(query), query.granularity)
    until = rollups.rolled_until(account)
    found = rollups.bounded_sums_by(MOST_READ, stretch, until, needed, columns, conditions)
    if found is None:
        raise InvalidRequest(
            f"This query adds up more than {MOST_READ:,} rows of usage. Shorten time_range, use a coarser granularity, "
            "or name fewer dimensions and fields of filters."
        )
    return found


def _edges(query: Query) -> list[datetime]:
    """Return the edges of what may be read from one row: weeks, because months must not reach over them."""
    edges = [query.start]
    if query.granularity == "week":
        week = window_start("weekly", query.start) + timedelta(days=7)
        while week < query.end:
            edges.append(week)
            week += timedelta(days=7)
    return [*edges, query.end]


def _ordered(rows: list[Row], query: Query) -> list[Row]:
    """Return the rows in order. Equal ones are ordered by time, newest first, their first metric and their values."""
    rows.sort(key=lambda row: tuple(str(value) for value in row.values))
    rows = _by_metric(rows, query.metrics[0], descending=True)
    if isinstance(query.order_by, Metric):
        rows.sort(key=lambda row: row.bucket, reverse=True)
        return _by_metric(rows, query.order_by, descending=query.descending)
    rows.sort(key=lambda row: row.bucket, reverse=query.descending or query.order_by != "date")
    stored = [dimension for dimension in query.dimensions if dimension.column]
    for place, dimension in enumerate(stored):
        if dimension is query.order_by:
            rows.sort(key=lambda row: row.values[place], reverse=query.descending)
    return rows


def _by_metric(rows: list[Row], metric: Metric, *, descending: bool) -> list[Row]:
    """Return the rows ordered by a metric, those without it last."""
    figures = [(metric.value(row.sums), row) for row in rows]
    known = [(figure, row) for figure, row in figures if figure is not None]
    known.sort(key=lambda each: each[0], reverse=descending)
    return [row for _, row in known] + [row for figure, row in figures if figure is None]


def _first_of_each(rows: Sequence[Row], most: int) -> Iterator[Row]:
    """Yield the first `most` rows of each combination of values."""
    taken: dict[tuple[Any, ...], int] = {}
    for row in rows:
        taken[row.values] = taken.get(row.values, 0) + 1
        if taken[row.values] <= most:
            yield row
