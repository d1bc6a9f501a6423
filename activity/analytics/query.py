"""Running analytics queries on the rollups, within bounds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from activity.sums.completed import completed
from activity.sums.kept_sums import kept_sums_by
from activity.sums.rollups import Added, Stretch
from billing.models import CreditAccount
from common.clock import window_start
from common.errors import InvalidRequest

from .measures import GRANULARITIES, Dimension, Figure, Metric

__all__ = ["LONGEST", "MOST_READ", "Answer", "Query", "run"]

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
class Answer:
    """Rows in order, as columns that are equally long, and whether `limit` left some out.

    `buckets` are their starts (that of the query's range without granularity), `values` what is stored of each
    dimension that has a column, and `figures` those of each of the query's metrics.
    """

    buckets: Sequence[datetime]
    values: Sequence[Sequence[Any]]
    figures: Sequence[Sequence[Any]]
    truncated: bool


def run(query: Query, account: CreditAccount) -> Answer:
    """Return the answer to a query, read in two short queries.

    Raises InvalidRequest for a query that would read more than the bounds allow.
    """
    longest = GRANULARITIES[query.granularity].longest if query.granularity else LONGEST
    if query.end - query.start > longest + timedelta(hours=1):
        raise InvalidRequest(
            f"time_range may span {longest.days:,} days{_by(query.granularity)}. "
            "Shorten it, or use a coarser granularity."
        )
    stored = [dimension for dimension in query.dimensions if dimension.column]
    needed = ("requests", *sorted({name for metric in _metrics(query) for name in metric.columns} - {"requests"}))
    rows = _rows(query, account, stored, needed)
    buckets = [bucket for bucket, _, _ in rows]
    values = [[row[1][at] for row in rows] for at in range(len(stored))]
    figures = _figures(query, {name: [row[2][at] for row in rows] for at, name in enumerate(needed)})
    order = _order(query, buckets, dict(zip(stored, values, strict=True)), figures)
    if query.group_limit is not None and query.dimensions:
        order = list(_first_of_each(order, [row[1] for row in rows], query.group_limit))
    shown = order[: query.limit]
    return Answer(
        [buckets[place] for place in shown],
        [[column[place] for place in shown] for column in values],
        [[figures[metric.name][place] for place in shown] for metric in query.metrics],
        truncated=len(order) > query.limit,
    )


def _by(granularity: str) -> str:
    return f" with granularity {granularity}" if granularity else ""


def _metrics(query: Query) -> Sequence[Metric]:
    """Return the metrics that the answer shows or is in the order of."""
    order = query.order_by
    return (*query.metrics, order) if isinstance(order, Metric) and order not in query.metrics else query.metrics


def _rows(query: Query, account: CreditAccount, stored: Sequence[Dimension], needed: Sequence[str]) -> list[Added]:
    """Return (bucket, values of the dimensions, the sums `needed`) of the rows, in no order."""
    found = _sums(query, account, [dimension.column for dimension in stored], needed)
    if not stored and not query.granularity:
        return found or [(query.start, (), (0,) * len(needed))]
    return [row for row in found if row[2][0]]  # a request whose process died counts nothing


def _figures(query: Query, sums: Mapping[str, Sequence[int]]) -> dict[str, list[Figure]]:
    """Return the figures of each metric, in the order of the sums."""
    return {
        metric.name: list(map(metric.figure, *(sums[column] for column in metric.columns)))
        for metric in _metrics(query)
    }


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


def _order(
    query: Query,
    buckets: Sequence[datetime],
    values: Mapping[Dimension, Sequence[Any]],
    figures: Mapping[str, Sequence[Figure]],
) -> list[int]:
    """Return the places of the rows in order.

    Equal ones are ordered by time, newest first, their first metric, largest first, and their values.
    """
    asked = query.order_by
    keys: list[Iterable[Any]] = []
    if isinstance(asked, Metric):
        keys.append(_by_figure(figures[asked.name], descending=query.descending))
    elif asked == "date" and query.granularity:
        keys.append(_ranks(buckets, descending=query.descending))
    elif isinstance(asked, Dimension) and asked in values:
        keys.append(_ranks(values[asked], descending=query.descending))
    if query.granularity and asked != "date":
        keys.append(_ranks(buckets, descending=True))
    keys.append(_by_figure(figures[query.metrics[0].name], descending=True))
    keys += [map(str, column) for column in values.values()]
    return [place for *_, place in sorted(zip(*keys, range(len(buckets)), strict=True))]


def _ranks(column: Sequence[Any], *, descending: bool) -> list[int]:
    """Return for each value how many others come before it."""
    ranks = {value: rank for rank, value in enumerate(sorted(set(column), reverse=descending))}
    return [ranks[value] for value in column]


def _by_figure(figures: Iterable[Figure], *, descending: bool) -> list[float]:
    """Return numbers in the order of the figures, those without one last."""
    sign = -1 if descending else 1
    return [inf if figure is None else sign * figure for figure in figures]


def _first_of_each(order: Iterable[int], values: Sequence[tuple[Any, ...]], most: int) -> Iterator[int]:
    """Yield the first `most` places of each combination of values."""
    taken: dict[tuple[Any, ...], int] = {}
    for place in order:
        taken[values[place]] = taken.get(values[place], 0) + 1
        if taken[values[place]] <= most:
            yield place
