"""Credits moved from a personal account to an organization: a pair of ledger entries with the same reference.

The newest credits are moved first, so a purchase whose credits have moved can no longer be refunded. Only as much as
was bought can be moved, and never the credits of a promotional code: they would outlive their expiration. Moved
credits do not count as purchases of the organization, and cannot be moved on.
A dispute of the purchase later takes only what did not move, and tells operators (`billing/payments/disputes.py`).
"""

from django.db import transaction

from billing.models import CreditAccount, LedgerEntry
from common.money import PicoUsd, format_exact_usd

from . import ledger, promotions

__all__ = ["NotMovable", "movable", "move"]

Kind = LedgerEntry.Kind


class NotMovable(Exception):
    """The credits cannot be moved; the message says why."""


def movable(account: CreditAccount) -> PicoUsd:
    """Return how much of the account (pico-USD) can be moved: what is available, but no more than was bought."""
    moved = sum(account.entries.filter(kind=Kind.TRANSFER_OUT).values_list("amount", flat=True))
    return PicoUsd(max(0, min(account.available - promotions.unspent(account), account.purchased + moved)))


@transaction.atomic
def move(source: CreditAccount, target: CreditAccount, amount: PicoUsd, *, reference: str) -> LedgerEntry:
    """Move `amount` (pico-USD) and return the entry in the source; repeated, the first one.

    NotMovable if it is more than is movable, if the reference was used for something else, or if one of the accounts
    is frozen. Only personal accounts give, and only organizations receive.
    """
    # In the order of their IDs, like every lock of two accounts.
    locked = CreditAccount.objects.select_for_update().select_related(None).order_by("pk")
    accounts = {account.pk: account for account in locked.filter(pk__in=(source.pk, target.pk))}
    giving, receiving = accounts[source.pk], accounts[target.pk]
    if earlier := LedgerEntry.objects.filter(kind=Kind.TRANSFER_OUT, reference=reference).first():
        received = LedgerEntry.objects.get(kind=Kind.TRANSFER_IN, reference=reference)
        if (earlier.account_id, received.account_id, -earlier.amount) != (source.pk, target.pk, amount):
            raise NotMovable("This form was submitted before with another amount. Reload the page.")
        return earlier
    organisation = receiving.organisation
    if giving.organisation.is_shared or not organisation.is_shared or organisation.deleted_at is not None:
        raise NotMovable("Credits can only be moved from a personal account to an organization.")
    if giving.frozen_reason or receiving.frozen_reason:
        raise NotMovable("Credits can't be moved while an account is frozen.")
    if amount > (most := movable(giving)):
        raise NotMovable(
            f"You can move up to {format_exact_usd(most)}: credits that you bought, unspent and not on hold."
        )
    taken = ledger.take(
        giving,
        amount,
        kind=Kind.TRANSFER_OUT,
        reference=reference,
        note=f"To {organisation.name}"[:200],
        spare=(Kind.PROMOTION,),
    )
    ledger.add(receiving, amount, kind=Kind.TRANSFER_IN, reference=reference, note="By an admin")
    return taken
