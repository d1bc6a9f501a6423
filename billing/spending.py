"""The door of `billing`: what other apps may ask about an organisation's money.

Balances change in three places only: `billing/credits/ledger.py` (credits), and the settlement of requests
(usage and holds), which locks the rows that `account_of` names and then calls `spent`.
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

__all__ = ["Spender", "account_of", "spent"]

logger = logging.getLogger(__name__)

#: An account that stays low is reported again after so many seconds.
REPORT_EVERY = 20


class Spender(msgspec.Struct, AccountBalances):
    """The columns of an account that settlement reads under a lock, in pico-USD; it writes the CHANGED ones."""

    CHANGED: ClassVar = ("usage", "held")

    id: int
    credits: int
    usage: int
    held: int
    frozen_reason: str
    auto_top_up_below: int | None
    alert_below: int | None
    alerted_at: datetime | None


def account_of(organisation: Organisation) -> CreditAccount:
    """The organisation's credit account, opened empty on first use."""
    account, _ = CreditAccount.objects.get_or_create(organisation=organisation)
    return account


def spent(account: CreditAccount | Spender) -> None:
    """Something was charged to the account: if that made its balance low, auto top-up and the alert run in the
    background.

    Costs two comparisons while the balance is high. Never fails: the clock looks every minute as well.
    """
    if account.needs_auto_top_up:
        _report(tasks.charge_auto_top_up, account.id)
    if account.needs_alert:
        _report(tasks.alert_low_balance, account.id)


def _report(task: "Task[[int], None]", account_id: int) -> None:
    transaction.on_commit(lambda: _ask(task, account_id))


def _ask(task: "Task[[int], None]", account_id: int) -> None:
    try:
        if cache.add(f"{task.name}:{account_id}", 1, REPORT_EVERY):
            task.delay(account_id)
    except Exception:  # the cache or the broker is away
        logger.warning("%s of account %s is left to the clock", task.name, account_id, exc_info=True)
