"""Running analytics queries on the rollups, within bounds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from activity.sums.completed import completed
from activity.sums.kept_sums import kept_sums_by
from activity.sums.rollups import Added, Stretch
from activity.usage import Sums
from billing.models import CreditAccount
from common.clock import window_start
from common.errors import InvalidRequest

from .measures import GRANULARITIES, Dimension, Figure, Metric

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


class Row(NamedTuple):
    """One row: the start of its bucket (that of the query's range without granularity), a stored value for each
    dimension, and the figures of the query's metrics, then that of another metric in `order_by`."""

    bucket: datetime
    values: tuple[Any, ...]
    figures: tuple[Figure, ...]


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
    metrics = _figures(query)
    needed = ("requests", *sorted({name for metric in metrics for name in metric.columns} - {"requests"}))
    total = not columns and not query.granularity
    found = _sums(query, account, columns, needed)
    if total and not found:
        found = [(query.start, (), (0,) * len(needed))]
    rows = []
    for bucket, values, added in found:
        if total or added[0]:  # a request whose process died counts nothing
            sums = Sums(**dict(zip(needed, added, strict=True)))
            rows.append(Row(bucket, values, tuple([metric.value(sums) for metric in metrics])))
    return rows


def _figures(query: Query) -> Sequence[Metric]:
    """Return the metrics of a row's figures."""
    order = query.order_by
    return (*query.metrics, order) if isinstance(order, Metric) and order not in query.metrics else query.metrics


def _sums(query: Query, account: CreditAccount, columns: Sequence[str], needed: Sequence[str]) -> list[Added]:
    """Return (bucket, values of `columns`, the sums `needed`), each bucket and values once."""
    if any(not values for values in query.allowed.values()):
        return []
    conditions = {f"{column}__in": sorted(values) for column, values in query.allowed.items()}
    conditions |= {f"{column}__not_in": sorted(values) for column, values in query.excluded.items()}
    stretch = Stretch(account, _edges(query), query.granularity)
    found = kept_sums_by(MOST_READ, stretch, completed(account), needed, columns, conditions)
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
    buckets = _places({row.bucket for row in rows})
    values = [_places({row.values[at] for row in rows}, key=str) for at in range(len(rows[0].values) if rows else 0)]
    first = _order(rows, query)

    def key(row: Row) -> tuple[Any, ...]:
        names = tuple([places[value] for places, value in zip(values, row.values, strict=True)])
        return first(row), -buckets[row.bucket], _figure(row.figures[0], descending=True), names

    return sorted(rows, key=key)


def _order(rows: list[Row], query: Query) -> Callable[[Row], Any]:
    """Return the key of the order that the query asks for."""
    asked, sign = query.order_by, -1 if query.descending else 1
    if isinstance(asked, Metric):
        figure = _figures(query).index(asked)
        return lambda row: _figure(row.figures[figure], descending=query.descending)
    stored = [dimension for dimension in query.dimensions if dimension.column]
    if asked in stored:
        at = stored.index(asked)
        places = _places({row.values[at] for row in rows})
        return lambda row: sign * places[row.values[at]]
    if asked == "date":
        dates = _places({row.bucket for row in rows})
        return lambda row: sign * dates[row.bucket]
    return lambda row: 0


def _places(values: set[Any], key: Callable[[Any], Any] | None = None) -> dict[Any, int]:
    return {value: place for place, value in enumerate(sorted(values, key=key))}


def _figure(figure: Figure, *, descending: bool) -> tuple[bool, Any]:
    """Return the key that orders rows by a figure, those without it last."""
    return (True, 0) if figure is None else (False, -figure if descending else figure)


def _first_of_each(rows: Sequence[Row], most: int) -> Iterator[Row]:
    """Yield the first `most` rows of each combination of values."""
    taken: dict[tuple[Any, ...], int] = {}
    for row in rows:
        taken[row.values] = taken.get(row.values, 0) + 1
        if taken[row.values] <= most:
            yield row
