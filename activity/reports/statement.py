"""The balance of a month: opening balance, what the ledger and the requests changed, closing balance.

Credits are counted on the day of their ledger entry, a request in the hour in which it began. A request that begins in
one month and ends in the next belongs to the first, so that the statement agrees with the usage above it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Sum

from activity.sums import rollups
from activity.sums.rollups import Stretch
from billing.models import CreditAccount, LedgerEntry

from .spans import Month

__all__ = ["Line", "Statement", "first_month", "statement_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of ledger entries: how many, and their sum in signed pico-USD."""

    label: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's balance in pico-USD: `opening` plus `credits` minus `usage` is `closing`.

    `fees` are cents that were paid on top of the purchased credits.
    """

    opening: int
    lines: list[Line]  # add up to `credits`
    credits: int
    usage: int
    closing: int
    fees: int


def statement_of(account: CreditAccount, month: Month, usage: int) -> Statement:
    """Return the account's statement of that month; `usage` are the pico-USD spent in it."""
    mine = LedgerEntry.objects.filter(account=account)
    before = mine.filter(created_at__lt=month.start).aggregate(sum=Sum("amount", default=0))["sum"]
    within = mine.filter(created_at__gte=month.start, created_at__lt=month.end)
    found = within.order_by("kind").values("kind").annotate(count=Count("pk"), sum=Sum("amount"))
    sums = {row["kind"]: (row["count"], int(row["sum"])) for row in found}
    lines = [Line(kind.label, *sums[kind.value]) for kind in LedgerEntry.Kind if kind.value in sums]
    fees = within.filter(kind=LedgerEntry.Kind.PURCHASE).aggregate(sum=Sum("purchase__fee_cents", default=0))["sum"]
    opening = int(before) - _spent_before(account, month.start)
    added = sum(line.amount for line in lines)
    return Statement(opening, lines, added, usage, opening + added - usage, int(fees))


def first_month(account: CreditAccount) -> Month:
    """Return the month in which the account was opened, or had its first credits or usage if that was earlier."""
    entry = LedgerEntry.objects.filter(account=account).aggregate(first=Min("created_at"))["first"]
    moments = [account.created_at, entry, rollups.first_hour(account)]
    return Month.of(min(moment for moment in moments if moment is not None))


def _spent_before(account: CreditAccount, end: datetime) -> int:
    ever = Stretch.whole(account, rollups.NEVER, end)
    return sum(cost for _, _, (cost,) in rollups.sums_by(ever, rollups.rolled_until(account), ("cost",)))
