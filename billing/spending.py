"""The public interface of `billing` for other apps.

Balances change in two places: `billing/credits/ledger.py` (credits) and the settlement of requests (usage and holds),
which locks the rows of `account_of` and then calls `report_low_balance`.
"""

import logging
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import msgspec
from django.core.cache import cache
from django.db import transaction

from accounts.models import Organisation

from . import tasks
from .models import AccountBalances, CreditAccount

if TYPE_CHECKING:
    from celery.app.task import Task

__all__ = ["AccountRow", "account_of", "report_low_balance"]

logger = logging.getLogger(__name__)

#: Seconds until an account whose balance stays low is reported again.
REPORT_INTERVAL = 20


class AccountRow(msgspec.Struct, AccountBalances):
    """The columns of a locked account that settlement reads, amounts in pico-USD. It writes those in `CHANGED`."""

    CHANGED: ClassVar = ("usage", "held")

    id: int
    credits: int
    usage: int
    held: int
    frozen_reason: str
    auto_top_up_below: int | None
    alert_below: int | None
    alerted_at: datetime | None
    limits_members: bool = False  # whether a member of its organization has a spend limit
    has_budgets: bool = False  # whether its organization has a guardrail with a budget


def account_of(organisation: Organisation) -> CreditAccount:
    """Return the organization's credit account, which is created empty on first use."""
    account, _ = CreditAccount.objects.get_or_create(organisation=organisation)
    return account


def report_low_balance(account: CreditAccount | AccountRow) -> None:
    """Start auto top-up or the low-balance alert in the background if a charge made the balance low.

    Costs two comparisons while the balance is high. Never fails: periodic tasks check every minute as well.
    """
    if account.needs_auto_top_up:
        _start_on_commit(tasks.charge_auto_top_up, account.id)
    if account.needs_alert:
        _start_on_commit(tasks.alert_low_balance, account.id)


def _start_on_commit(task: "Task[[int], None]", account_id: int) -> None:
    transaction.on_commit(lambda: _start(task, account_id))


def _start(task: "Task[[int], None]", account_id: int) -> None:
    try:
        if cache.add(f"{task.name}:{account_id}", 1, REPORT_INTERVAL):
            task.delay(account_id)
    except Exception:  # the cache or the broker is down
        logger.warning("%s of account %s is left to the periodic task", task.name, account_id, exc_info=True)
