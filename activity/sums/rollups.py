"""Reading usage from the coarsest tables that fit: months and days where they exist, hours at the edges.

A bucket of the reader's time zone is made of the whole UTC months and days inside it and of hours for the rest, so no
hour is missing or counted twice, in any zone. Zones that are off by half an hour cannot divide an hour: it belongs to
the bucket in which it begins.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Expression, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.fields import DateTimeField
from django.db.models.functions import Trunc

from billing.models import CreditAccount
from common.clock import hour_of, window_start
from common.storage.replica import usage_connection
from gateway.models import UsageDay, UsageHour, UsageMonth, UsageRollup

from .picks import usage_where

__all__ = [
    "TABLES",
    "Added",
    "Stretch",
    "bounded_sums_by",
    "countable",
    "distinct",
    "exists",
    "first_hour",
    "hours_with",
    "rolled_until",
    "rows_of",
    "sums_by",
    "union_of",
]

#: The tables from coarse to fine, each with the column of its time.
TABLES: dict[str, Any] = {"month": UsageMonth, "day": UsageDay, "hour": UsageHour}
#: Requests that a page reads to divide hours into minutes.
MOST_COUNTED = 50_000
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: Sums of one bucket and combination of values: first hour of the bucket, the values, the sums.
Added = tuple[datetime, tuple[Any, ...], tuple[int, ...]]
_Range = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an account's time, divided at `edges`: the start of each bucket, and the end of the last.

    `bucket` names their unit ("hour", "day", "week", "month"), empty for a single bucket; `zone` is theirs.
    """

    account: CreditAccount
    edges: Sequence[datetime]
    bucket: str = ""
    zone: tzinfo = UTC

    @classmethod
    def whole(cls, account: CreditAccount, start: datetime, end: datetime) -> "Stretch":
        """The undivided time from `start` to before `end`."""
        return cls(account, (start, end))


def rolled_until(account: CreditAccount) -> datetime:
    """Return the end of the account's days that are added up."""
    return UsageRollup.objects.filter(account=account).values_list("until", flat=True).first() or NEVER


def sums_by(stretch: Stretch, until: datetime, sums: Sequence[str], *columns: str, **conditions: Any) -> list[Added]:
    """Return (first hour of the bucket, values of `columns`, the `sums`), each bucket and values once.

    Read in one query. `until` comes from `rolled_until`; `conditions` restrict columns of `DIMENSIONS`, as in `filter`
    or by `COLUMN__not_in`.
    """
    found = bounded_sums_by(None, stretch, until, sums, columns, conditions)
    return found[0] if found else []


def bounded_sums_by(
    most: int | None,
    stretch: Stretch,
    until: datetime,
    sums: Sequence[str],
    columns: Sequence[str],
    where: Mapping[str, Any],
) -> tuple[list[Added], int] | None:
    """Return the same as `sums_by`, and how many rows were added up.

    None if these would be more than `most`, and no more than that are read.

    One statement adds up the rows of all tables, and what thousands of rows have in common is converted once.
    """
    bucket = ["bucket"] if stretch.bucket else []  # one that all rows have in common costs a tenth of the query
    parts = [rows.order_by().values_list(*bucket, *columns, *sums) for rows in rows_of(stretch, until, columns, where)]
    found = union_of(parts) if most is None else union_of(parts)[: most + 1]
    try:
        inner, parameters = found.query.sql_with_params()
    except EmptyResultSet:  # a condition that no row can meet, such as one of no keys
        return [], 0
    groups = [f'"{name}"' for name in (*bucket, *columns)]
    values = [*(f'CAST("{name}" AS text)' for name in bucket), *(f'"{name}"' for name in columns)]
    shown = ", ".join([*values, *(f'CAST(SUM("{name}") AS bigint)' for name in sums)])
    group_by = f"GROUP BY {', '.join(groups)}" if groups else "HAVING COUNT(*) > 0"
    with usage_connection().cursor() as cursor:
        cursor.execute(
            f"SELECT {shown}, COUNT(*) FROM ({inner}) AS found {group_by}",  # noqa: S608 columns of our own
            parameters,
        )
        rows = cursor.fetchall()
    read = sum(row[-1] for row in rows)
    if most is not None and read > most:
        return None
    first, last = len(bucket), len(values)
    if not bucket:
        start = _whole_hour(stretch.edges[0].astimezone(UTC))
        return [(start, row[:last], row[last:-1]) for row in rows], read
    zone = UTC if stretch.bucket == "hour" else stretch.zone  # an hour is a moment as it is stored
    starts = {written: _read(written, zone) for written in {row[0] for row in rows}}
    return [(starts[row[0]], row[first:last], row[last:-1]) for row in rows], read


def distinct(stretch: Stretch, until: datetime, *columns: str) -> list[set[Any]]:
    """Return the values that occur, in each column; read in one query."""
    parts = [
        rows.order_by().values_list(*columns).distinct() for rows in rows_of(stretch, until, columns, {}, apart=True)
    ]
    return [set(values) for values in zip(*union_of(parts), strict=True)] or [set() for _ in columns]


def exists(account: CreditAccount, **conditions: Any) -> bool:
    """Whether the account ever made such a request; `conditions` restrict columns of `DIMENSIONS`."""
    ever = Stretch.whole(account, NEVER, datetime(9999, 1, 1, tzinfo=UTC))
    parts = [rows.order_by().values_list("pk") for rows in rows_of(ever, rolled_until(account), (), conditions)]
    return bool(union_of(parts)[:1])


def hours_with(
    stretch: Stretch, until: datetime, enough: int, *, newest_first: bool, **conditions: Any
) -> list[tuple[datetime, datetime]]:
    """Return ranges of whole hours in which such requests were made, oldest first, read in at most three queries.

    They are the newest of the stretch, or the oldest, that hold `enough` requests; all of them if they hold fewer.
    The hour at which the stretch begins or ends, whichever comes first in that order, is not counted, because a page
    may begin in the middle of it.
    """
    start, end = stretch.edges[0], stretch.edges[-1]
    ranges: list[_Range] = [(start, end)]
    for unit in ("month", "day", "hour") if end - start > timedelta(days=45) else ("day", "hour"):
        parts = rows_of(Stretch(stretch.account, (start, end), unit), until, (), conditions, ranges=ranges)
        counts: Counter[datetime] = Counter()
        for bucket, requests in union_of(
            [rows.order_by().values_list("bucket").annotate(requests=Sum("requests")) for rows in parts]
        ):
            counts[bucket.astimezone(UTC)] += int(requests)
        chosen, total = [], 0
        for begins in sorted(counts, reverse=newest_first):
            ends = _next(begins, unit)
            chosen.append((max(begins, start), min(ends, end)))
            total += 0 if (ends >= end if newest_first else begins <= start) else counts[begins]
            if total >= enough:
                break
        if not chosen:
            return []
        ranges = _joined(sorted(chosen))
    return ranges


def countable(account: CreditAccount, start: datetime, end: datetime) -> bool:
    """Whether the account made at most `MOST_COUNTED` requests in these hours, which may be read one by one."""
    hours = UsageHour.objects.filter(account=account, hour__gte=hour_of(start), hour__lt=end)
    return (hours.aggregate(sum=Sum("requests"))["sum"] or 0) <= MOST_COUNTED


def first_hour(account: CreditAccount) -> datetime | None:
    """Return the start of the account's first hour, day or month with usage; None if there is none."""
    mine: list[QuerySet[Any]] = [UsageHour.objects.order_by("hour").values("hour")]
    for unit, table in (("month", UsageMonth), ("day", UsageDay)):
        for kept in ("only", "all"):  # one by one: then each is the first entry of an index
            mine.append(table.objects.filter(kept=kept).order_by(unit).values(unit))
    firsts = [Subquery(rows.filter(account=OuterRef("pk"))[:1]) for rows in mine]
    moments = CreditAccount.objects.filter(pk=account.pk).values_list(*firsts).get()
    return min((moment for moment in moments if moment is not None), default=None)


def union_of(parts: Sequence[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    """Return the rows of all parts, which have the same columns."""
    return parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]


def rows_of(
    stretch: Stretch,
    until: datetime,
    columns: Iterable[str],
    conditions: Mapping[str, Any],
    *,
    apart: bool = False,
    ranges: Sequence[_Range] = (),
) -> list[QuerySet[Any]]:
    """Return the rows of each table that make up the stretch, or these `ranges` of it.

    They have every one of `columns` and the columns of `conditions` together, or if `apart`, in rows of their own;
    those of a divided stretch have their `bucket` too.
    """
    parts = []
    for unit, times in _tables(ranges or [*pairwise(stretch.edges)], stretch.bucket, until).items():
        within = Q(*(Q(**{f"{unit}__gte": start, f"{unit}__lt": end}) for start, end in times), _connector=Q.OR)
        rows: QuerySet[Any] = TABLES[unit].objects.filter(within & usage_where(conditions), account=stretch.account)
        if unit != "hour":
            rows = rows.filter(kept__in=_kept(columns, conditions, apart=apart))
        parts.append(rows.annotate(bucket=_bucket(stretch, unit)) if stretch.bucket else rows)
    return parts


def _kept(columns: Iterable[str], conditions: Mapping[str, Any], *, apart: bool) -> list[str]:
    """Return the kinds of rows to read: the fewest that have these columns."""
    names = {*columns, *(name.partition("__")[0] for name in conditions)} or {"source"}
    return [*(sorted(names) if apart or len(names) == 1 else ["all"]), "only"]


def _bucket(stretch: Stretch, unit: str) -> Expression | F:
    if stretch.bucket == "hour" or (stretch.bucket == unit and stretch.zone is UTC):
        return F(unit)
    return Trunc(unit, stretch.bucket, output_field=DateTimeField(), tzinfo=stretch.zone)


def _read(bucket: str, zone: tzinfo) -> datetime:
    """Return the first hour of a bucket as databases write it: as a moment, or as the wall clock of its zone."""
    moment = datetime.fromisoformat(bucket)
    return _whole_hour((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))


def _tables(buckets: Iterable[_Range], unit: str, until: datetime) -> dict[str, list[_Range]]:
    """Return what to read from each table for buckets of that unit, as ranges that do not touch."""
    found: dict[str, list[_Range]] = {}
    for start, end in buckets:
        for table, begins, ends in _divided(_whole_hour(start), _whole_hour(end), unit, until):
            found.setdefault(table, []).append((begins, ends))
    return {table: _joined(found[table]) for table in TABLES if table in found} or {"hour": [(NEVER, NEVER)]}


def _divided(start: datetime, end: datetime, unit: str, until: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Divide one bucket into ranges of `TABLES` that are not coarser than its unit."""
    first_day, last_day = _ceiling(start, "daily"), min(window_start("daily", end), until)
    if first_day >= last_day or unit == "hour":
        first_day = last_day = start
    first_month, last_month = _ceiling(first_day, "monthly"), window_start("monthly", last_day)
    if first_month >= last_month or unit == "day":
        first_month = last_month = first_day
    pieces = (
        ("hour", start, first_day),
        ("day", first_day, first_month),
        ("month", first_month, last_month),
        ("day", last_month, last_day),
        ("hour", last_day, end),
    )
    yield from (piece for piece in pieces if piece[1] < piece[2])


def _joined(ranges: Iterable[_Range]) -> list[_Range]:
    """Return ordered ranges, those that touch as one."""
    joined: list[_Range] = []
    for begins, ends in ranges:
        if joined and joined[-1][1] == begins:
            begins, _ = joined.pop()
        joined.append((begins, ends))
    return joined


def _next(start: datetime, unit: str) -> datetime:
    """Return the end of the UTC hour, day or month that begins at `start`."""
    if unit == "month":
        return window_start("monthly", start + timedelta(days=32))
    return start + (timedelta(hours=1) if unit == "hour" else timedelta(days=1))


def _ceiling(moment: datetime, interval: str) -> datetime:
    start = window_start(interval, moment)
    return start if start == moment else _next(start, {"daily": "day", "monthly": "month"}[interval])


def _whole_hour(moment: datetime) -> datetime:
    hour = hour_of(moment)
    return hour if hour == moment else hour + timedelta(hours=1)
