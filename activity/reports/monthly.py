"""The report of a month: usage by model, key and member, and the statement of the balance. In UTC, like the ledger."""

from dataclasses import dataclass
from datetime import datetime

from accounts import access
from accounts.models import Organisation, User
from billing import spending

from .breakdown import Breakdown, breakdown_of
from .spans import Month, Spanned, span_between
from .statement import Statement, first_month, statement_of

__all__ = ["MonthReport", "month_report"]


@dataclass(frozen=True, slots=True)
class MonthReport:
    """Everything in the report of one month.

    `months` are those that the account has reports of, newest first. `is_running` says that the month is not over.
    Purchases, refunds and fees are for admins: `shows_ledger`.
    """

    organisation: Organisation
    month: Month
    months: list[Month]
    made_at: datetime
    breakdowns: list[Breakdown]
    statement: Statement
    shows_ledger: bool

    @property
    def is_running(self) -> bool:
        return self.made_at < self.month.end

    @property
    def previous(self) -> Month | None:
        return self.month.plus(-1) if self.month > self.months[-1] else None

    @property
    def next(self) -> Month | None:
        return self.month.plus(1) if self.month < self.months[0] else None

    @property
    def total(self) -> Breakdown:
        """A breakdown for its totals, which all of them share."""
        return self.breakdowns[0]


def month_report(organisation: Organisation, user: User, month: Month, now: datetime) -> MonthReport | None:
    """Return the report of a month for a member; None before the account's first month and in the future."""
    account = spending.account_of(organisation)
    months, first = [Month.of(now)], first_month(account)
    while months[-1] > first:
        months.append(months[-1].plus(-1))
    if not months[-1] <= month <= months[0]:
        return None
    shared = organisation.personal_of_id is None or organisation.memberships.count() > 1
    before = month.plus(-1).start.date() if now >= month.end else None  # part of a month compares with none
    span = span_between(month.start.date(), month.end.date(), before, bucket="month")
    breakdowns = [
        breakdown_of(Spanned(account=account, now=now, by=by, span=span), organisation)
        for by in ("model", "key", *(["member"] if shared else []))
    ]
    return MonthReport(
        organisation=organisation,
        month=month,
        months=months,
        made_at=now,
        breakdowns=breakdowns,
        statement=statement_of(account, month, breakdowns[0].total.cost),
        shows_ledger=access.is_admin(user, organisation),
    )
