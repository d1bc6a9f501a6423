"""Credits granted or taken by an operator, with a reason, in the admin or by `manage.py grant_credits`.

Grants never expire and do not count as purchases, so they raise no limit that depends on purchases.
"""

from django.db import transaction

from accounts.models import User
from billing.models import Adjustment, CreditAccount, LedgerEntry
from common.money import PicoUsd

from . import ledger

__all__ = ["ReferenceUsed", "adjust"]


class ReferenceUsed(Exception):
    """The reference was used before for another amount or another account. Nothing was changed."""


@transaction.atomic
def adjust(
    account: CreditAccount, amount: PicoUsd, *, operator: User, reason: str, reference: str
) -> tuple[Adjustment, bool]:
    """Grant `amount` (pico-USD), or take it if it is negative. Returns the adjustment, and whether it is new.

    Repeating a reference returns the first adjustment. ReferenceUsed if that was for another amount or account;
    ValueError for an amount of zero, or if more is taken than is available.
    """
    kind = LedgerEntry.Kind.GRANT if amount > 0 else LedgerEntry.Kind.ADJUSTMENT
    move = ledger.add if amount > 0 else ledger.take
    entry = move(account, PicoUsd(abs(amount)), kind=kind, reference=f"operator:{reference}", note=reason)
    if (entry.account_id, entry.amount) != (account.pk, amount):
        raise ReferenceUsed(f"{reference!r} was used before, for something else.")
    # The account's row is locked, so no other process creates the same adjustment.
    return Adjustment.objects.get_or_create(
        entry=entry, defaults={"operator": operator, "operator_email": operator.email, "reason": reason}
    )
