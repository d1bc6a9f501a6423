"""The clock's second part: the ranks of every period, computed from the days. So a page reads only what it shows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import transaction

from activity.models import App, Standing
from common.clock import utc_now

from .periods import PERIODS, Period
from .sums import Totals, between, by_bucket, largest_first, of_apps, of_models, of_uses, totals

__all__ = ["CHARTED", "NO_USE", "PERIODS_BEFORE", "compute"]

#: Ranks whose tokens over time are kept for the chart.
CHARTED = 9
#: The key of requests without a use whose app has none.
NO_USE = "none"
#: Periods before, whose mean a trending app exceeds.
PERIODS_BEFORE = 3

_FIELDS = ("key", "app_id", "day", "tokens", "requests", "now", "before", "gain", "values")
_Values = Mapping[Any, Sequence[int]]


def compute(*, changed: bool) -> None:
    """Write the ranks of all periods, if the days have `changed` or a new one has begun."""
    today = utc_now().date()
    if changed or not Standing.objects.filter(day=today).exists():
        uses = {app.pk: app.used_for for app in App.objects.exclude(use="", categories=[], sent_categories=[])}
        for period in PERIODS.values():
            _compute(period, today, uses)


def _compute(period: Period, today: date, uses: Mapping[int, str]) -> None:
    models = _read(of_models(), ("model",), period, today)
    wanted = _rows(Standing.Kind.MODEL, *_merged(models, lambda key: key[0]), period, today)
    authors = _merged(models, lambda key: key[0].partition("/")[0])
    wanted += _rows(Standing.Kind.AUTHOR, *authors, period, today)
    apps = _read(of_apps(), ("app_id", "use"), period, today)
    wanted += _rows(Standing.Kind.APP, *_merged(apps, lambda key: key[0]), period, today, _earlier(period, today))
    others = _read(of_uses(), ("use",), period, today)
    both = [*apps[0], *others[0]], {**apps[1], **others[1]}
    by_use = _merged(both, lambda key: key[-1] or uses.get(key[0]) or NO_USE)
    wanted += _rows(Standing.Kind.USE, *by_use, period, today)
    with transaction.atomic():
        _write(period, wanted)


def _read(rows: Any, columns: Sequence[str], period: Period, today: date) -> tuple[list[Totals], _Values]:
    return totals(rows, columns, period.days, today), by_bucket(rows, columns, period, today)


def _earlier(period: Period, today: date) -> dict[int, int]:
    """Return the tokens of apps in the periods before, by ID."""
    first = period.first(today)
    start = first - PERIODS_BEFORE * period.days * timedelta(days=1)
    return {each.key[0]: each.tokens for each in between(of_apps(), ("app_id",), start, first - timedelta(days=1))}


def _merged(
    found: tuple[Iterable[Totals], _Values], key_of: Callable[[Any], Any]
) -> tuple[list[Totals], dict[Any, list[int]]]:
    """Return the sums by another key, the largest first, and their tokens over time."""
    sums: dict[Any, Totals] = {}
    for each in found[0]:
        sums.setdefault(key_of(each.key), Totals(key_of(each.key))).add(each)
    values: dict[Any, list[int]] = {}
    for key, mine in found[1].items():
        known = values.get(key_of(key), [0] * len(mine))
        values[key_of(key)] = [one + other for one, other in zip(known, mine, strict=True)]
    return largest_first(sums.values()), values


def _rows(
    kind: Standing.Kind,
    found: Sequence[Totals],
    over_time: _Values,
    period: Period,
    today: date,
    earlier: Mapping[int, int] | None = None,
) -> list[Standing]:
    """Return the rows of one ranking: the sum of all, and then each."""
    everything = Totals("")
    for each in found:
        everything.add(each)
    columns = zip([0] * period.buckets, *over_time.values(), strict=True)
    rows = []
    for rank, each in enumerate([everything, *found]):
        values = over_time.get(each.key, []) if rank else [sum(column) for column in columns]
        is_app = kind == Standing.Kind.APP and rank
        rows.append(
            Standing(
                period=period.name,
                kind=kind,
                rank=rank,
                key="" if is_app else each.key,
                app_id=each.key if is_app else None,
                day=today,
                tokens=each.tokens,
                requests=each.requests,
                now=each.now,
                before=each.before,
                gain=each.tokens * PERIODS_BEFORE - (earlier or {}).get(each.key, 0) if is_app else 0,
                values=values if rank <= CHARTED else [],
            )
        )
    return rows


def _write(period: Period, wanted: Sequence[Standing]) -> None:
    """Make `wanted` the rows of the period. Only rows that differ are written."""
    stored = {
        (row.kind, row.rank): row
        for row in Standing.objects.select_for_update().filter(period=period.name).order_by("pk")
    }
    changed = []
    for row in wanted:
        known = stored.pop((row.kind, row.rank), None)
        if known is None or any(getattr(known, name) != getattr(row, name) for name in _FIELDS):
            changed.append(row)
    Standing.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
    Standing.objects.bulk_create(
        changed,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["period", "kind", "rank"],
        update_fields=["key", "app", *_FIELDS[2:]],
    )
