"""The end of an organization's account: nothing is charged any more, and its cards are removed at the provider."""

import logging
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import Organisation
from accounts.organisations import signals
from billing.models import CreditAccount, Purchase, SavedCard
from billing.notifications import low_balance
from billing.providers.types import ProviderError

from . import auto_top_up, cards

__all__ = ["connect_signals"]

logger = logging.getLogger(__name__)

State = Purchase.State


def connect_signals() -> None:
    """Act on deleted organizations."""
    signals.organisation_deleted.connect(_on_organisation_deleted, dispatch_uid="billing.organisation-deleted")


def _on_organisation_deleted(organisation: Organisation, **_: Any) -> None:
    """Turn off auto top-up and alerts. Refused while a payment is outstanding: its credits would be lost."""
    account = CreditAccount.objects.select_for_update().filter(organisation=organisation).first()
    if account is None:
        return
    if Purchase.objects.filter(account=account, state__in=(State.CREATED, State.OPEN, State.PROCESSING)).exists():
        raise signals.Refused(
            "A payment is still in progress. Finish or cancel it on the Credits page, then delete the organization."
        )
    auto_top_up.turn_off(account)
    low_balance.turn_off(account)
    for card in SavedCard.objects.filter(account=account).exclude(state=SavedCard.State.REMOVED):
        transaction.on_commit(partial(_remove, card), robust=True)


def _remove(card: SavedCard) -> None:
    try:
        cards.remove(card)
    except ProviderError:
        logger.error("card %s of a deleted organization is left at the provider: remove it there", card.pk)
