"""The clock's part of usage: adding up the hours of days that are over.

An account's days are written one at a time, each in a transaction that holds the account's lock, as settlement does:
nothing can settle in a day between reading its hours and saying that they are added up.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Cast, Coalesce

from billing.models import CreditAccount
from common.clock import utc_now, window_start
from gateway.models import UsageDay, UsageHour, UsageMonth, UsageRollup
from gateway.models.usage import DIMENSIONS, SUMS

__all__ = ["roll_up"]

#: A day is added up this long after its end, when few requests of it are still running.
PATIENCE = timedelta(hours=1)
#: Rows of a day or month from which it gets rows by one dimension each as well.
MANY = 50
ACCOUNTS_PER_QUERY = 1000
DAY = timedelta(days=1)
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

_ADDED = {f"sum_{name}": Cast(Sum(name), BigIntegerField()) for name in SUMS}


def roll_up(most: int | None = None) -> int:
    """Add up the days that are over, of at most `most` accounts and days; return their number.

    Hours that are older than the tables of days and months are added up by the same calls, oldest first. They stay:
    days and months outlive them if they are deleted one day. What deletes hours must leave those from `until` of
    their account on, and as many days before it as a request may take to settle.
    """
    ended = window_start("daily", utc_now() - PATIENCE)
    written = 0
    for account in _behind(ended):
        while written != most and _roll_up_a_day(account, ended):
            written += 1
        if written == most:
            break
    return written


def _behind(ended: datetime) -> Iterator[int]:
    """Yield the accounts that have hours to add up."""
    hours = UsageHour.objects.filter(
        account=OuterRef("pk"), hour__gte=Coalesce(OuterRef("usage_rollup__until"), BEFORE_ALL), hour__lt=ended
    )
    accounts = CreditAccount.objects.filter(Exists(hours)).order_by("pk").values_list("pk", flat=True)
    last = 0
    while page := list(accounts.filter(pk__gt=last)[:ACCOUNTS_PER_QUERY]):
        yield from page
        last = page[-1]


@transaction.atomic
def _roll_up_a_day(account_id: int, ended: datetime) -> bool:
    """Add up the account's oldest day that is not yet; False when there is none before `ended`."""
    CreditAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account_id)
    hours = UsageHour.objects.filter(account=account_id, hour__lt=ended)
    until = UsageRollup.objects.filter(account=account_id).values_list("until", flat=True).first()
    if until is not None:
        hours = hours.filter(hour__gte=until)
    first = hours.order_by("hour").values_list("hour", flat=True).first()
    if first is None:
        return False
    day = window_start("daily", first)
    begin, end = until or day, day + DAY
    UsageDay.objects.filter(account=account_id, day__gte=begin, day__lt=end).delete()
    _write(UsageDay, account_id, "day", day, hours.filter(hour__lt=end))
    _write_months(account_id, begin, end)
    UsageRollup.objects.update_or_create(account_id=account_id, defaults={"until": end})
    return True


def _write_months(account_id: int, begin: datetime, end: datetime) -> None:
    """Write the months that ended between `begin` and `end`; days between them are empty, except the last."""
    first, now = window_start("monthly", begin), window_start("monthly", end)
    if first == now:
        return
    UsageMonth.objects.filter(account=account_id, month__gte=first, month__lt=now).delete()
    wide = UsageDay.objects.filter(account=account_id, kept__in=(UsageDay.Kept.ONLY, UsageDay.Kept.ALL))
    for month in {first, window_start("monthly", end - DAY)} - {now}:
        days = wide.filter(day__gte=month, day__lt=window_start("monthly", month + 31 * DAY))
        _write(UsageMonth, account_id, "month", month, days)


def _write(
    table: type[UsageDay | UsageMonth],
    account_id: int,
    column: str,
    start: datetime,
    parts: "QuerySet[UsageHour] | QuerySet[UsageDay]",
) -> None:
    """Insert the rows of one day or month that add up `parts`.

    In the order of the index that they are read by: then neighbors in it are neighbors in the table as well, and a
    query reads each page of the table once.
    """
    kept = table.Kept
    rows = [dict(row) for row in parts.order_by(*DIMENSIONS).values(*DIMENSIONS).annotate(**_ADDED)]
    many = len(rows) >= MANY
    divided: list[tuple[str, dict[str, Any]]] = [(kept.ALL if many else kept.ONLY, row) for row in rows]
    if many:
        divided += [(name, row) for name in DIMENSIONS for row in _by(name, rows)]
    made: Any = table.objects
    made.bulk_create(
        [
            table(
                account_id=account_id,
                kept=name,
                **{column: start},
                **{dimension: row[dimension] for dimension in DIMENSIONS if dimension in row},
                **{each: row[f"sum_{each}"] for each in SUMS},
            )
            for name, row in divided
        ],
        batch_size=1000,
    )


def _by(dimension: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows added up by one dimension."""
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        sums = found.get(row[dimension])
        if sums is None:
            found[row[dimension]] = {dimension: row[dimension], **{name: row[name] for name in _ADDED}}
        else:
            for name in _ADDED:
                sums[name] += row[name]
    return list(found.values())
