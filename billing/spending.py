"""The door of `billing`: what other apps may ask about an organisation's money.

Balances change in three places only: `billing/ledger.py` (credits), and the settlement of requests
(usage and holds), which locks the rows that `account_of` names and then calls `spent`.
"""

import logging

from django.core.cache import cache
from django.db import transaction

from accounts.models import Organisation

from . import tasks
from .models import CreditAccount

__all__ = ["account_of", "spent"]

logger = logging.getLogger(__name__)

#: An account that stays low is reported again after so many seconds.
REPORT_EVERY = 20


def account_of(organisation: Organisation) -> CreditAccount:
    """The organisation's credit account, opened empty on first use."""
    account, _ = CreditAccount.objects.get_or_create(organisation=organisation)
    return account


def spent(account: CreditAccount) -> None:
    """Something was charged to the account: if that made its balance low, auto top-up runs in the background.

    Costs a comparison while the balance is high. Never fails: the clock looks every minute as well.
    """
    low = account.top_up_below is not None and account.balance < account.top_up_below
    if low and cache.add(f"top-up:{account.pk}", 1, REPORT_EVERY):
        transaction.on_commit(lambda: _ask_for_top_up(account.pk))


def _ask_for_top_up(account_id: int) -> None:
    try:
        tasks.top_up.delay(account_id)
    except Exception:  # the broker is away
        logger.warning("auto top-up of account %s is left to the clock", account_id, exc_info=True)
