"""Credits that an operator grants, or takes away, with a reason: in the admin and by `manage.py grant_credits`.

Grants never expire and are not "bought": they raise no limit that depends on purchases.
"""

from django.db import transaction

from accounts.models import User
from billing.models import Adjustment, CreditAccount, LedgerEntry
from common.money import PicoUsd

from . import ledger

__all__ = ["ReferenceUsed", "adjust"]


class ReferenceUsed(Exception):
    """The reference stands for another amount, or for another account: nothing was moved."""


@transaction.atomic
def adjust(
    account: CreditAccount, amount: PicoUsd, *, operator: User, reason: str, reference: str
) -> tuple[Adjustment, bool]:
    """Grant `amount` (pico-USD), or take it when it is negative; what was done, and whether it was done now.

    The same reference does it once. ReferenceUsed when it was used for something else; ValueError when more is taken
    than is available, or for an amount of zero.
    """
    kind = LedgerEntry.Kind.GRANT if amount > 0 else LedgerEntry.Kind.ADJUSTMENT
    move = ledger.add if amount > 0 else ledger.take
    entry = move(account, PicoUsd(abs(amount)), kind=kind, reference=f"operator:{reference}", note=reason)
    if (entry.account_id, entry.amount) != (account.pk, amount):
        raise ReferenceUsed(f"{reference!r} was used before, for something else.")
    # The account's row is locked: nobody else is writing this entry's row.
    return Adjustment.objects.get_or_create(
        entry=entry, defaults={"operator": operator, "operator_email": operator.email, "reason": reason}
    )
