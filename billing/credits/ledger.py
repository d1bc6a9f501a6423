"""The ledger: the only module that changes an account's `credits`.

Every change is one append-only entry with a unique (kind, reference). Requesting the same change again returns the
existing entry and changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import CreditAccount, LedgerEntry, Lot, Purchase
from common.money import PicoUsd

__all__ = ["CREDITING_KINDS", "PURCHASE_KINDS", "add", "claw_back", "restore", "take", "unspent", "unspent_by_purchase"]

LOT_PAGE_SIZE = 50

#: Entries that count towards `purchased`: purchases, and everything that takes them back or restores them.
PURCHASE_KINDS = frozenset(
    {
        LedgerEntry.Kind.PURCHASE,
        LedgerEntry.Kind.REFUND,
        LedgerEntry.Kind.REFUND_REVERSAL,
        LedgerEntry.Kind.DISPUTE,
        LedgerEntry.Kind.DISPUTE_REVERSAL,
    }
)

#: Entries that add a lot to the credit line.
CREDITING_KINDS = frozenset(
    {LedgerEntry.Kind.PURCHASE, LedgerEntry.Kind.GRANT, LedgerEntry.Kind.PROMOTION, LedgerEntry.Kind.TRANSFER_IN}
)


@transaction.atomic
def add(
    account: CreditAccount,
    amount: PicoUsd,
    *,
    kind: LedgerEntry.Kind,
    reference: str,
    purchase: Purchase | None = None,
    note: str = "",
    expires_at: datetime | None = None,
) -> LedgerEntry:
    """Add `amount` (pico-USD, positive) to the account as a new lot at the end of its credit line.

    Returns the entry; if (kind, reference) exists already, even in another account, the existing entry. Locks the
    account's row until the surrounding transaction ends; the `account` passed in is not updated. ValueError if the
    amount is not positive.
    """
    if amount <= 0:
        raise ValueError(f"credits are added in positive amounts, not {amount}")
    # Lock before the look-up; otherwise two concurrent retries would both find nothing.
    locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
    if existing := _find(kind, reference):
        return existing
    try:
        with transaction.atomic():
            entry = _record(locked, amount, kind=kind, reference=reference, purchase=purchase, note=note)
    except IntegrityError:
        # The lock covers this account only: another account has just used the reference.
        if existing := _find(kind, reference):
            return existing
        raise
    Lot.objects.create(account=locked, entry=entry, purchase=purchase, amount=amount, expires_at=expires_at)
    return entry


@transaction.atomic
def take(
    account: CreditAccount,
    amount: PicoUsd,
    *,
    kind: LedgerEntry.Kind,
    reference: str,
    purchase: Purchase | None = None,
    note: str = "",
    spare: Collection[LedgerEntry.Kind] = (),
) -> LedgerEntry:
    """Take `amount` (pico-USD, positive) off the unspent credits of the account.

    The purchase's own lot is shortened first, then the newest lots, except those that entries of a kind in `spare`
    added. Returns the entry; if (kind, reference) exists already, the existing entry. ValueError if `amount` exceeds
    what is available, or is not positive.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
    if existing := _find(kind, reference):
        return existing
    if not 0 < amount <= locked.available:
        raise ValueError(f"{amount} cannot be taken: {locked.available} is available")
    remaining: int = amount
    for lot in _own_then_newest(locked, purchase):
        part = 0 if lot.entry.kind in spare else min(remaining, unspent(lot))
        _resize(lot, -part)
        remaining -= part
        if not remaining:
            break
    if remaining:
        raise ValueError(f"{amount} cannot be taken: {remaining} of it is credits to be spared")
    return _record(locked, -amount, kind=kind, reference=reference, purchase=purchase, note=note)


@transaction.atomic
def claw_back(lot: Lot, amount: PicoUsd, *, kind: LedgerEntry.Kind, reference: str, note: str = "") -> LedgerEntry:
    """Take `amount` (pico-USD) off this lot even if it is spent; the balance may become negative.

    The account must be frozen; otherwise the database refuses a negative balance. Returns the entry; if (kind,
    reference) exists already, the existing entry.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=lot.account_id)
    if existing := _find(kind, reference):
        return existing
    if not 0 < amount <= lot.amount:
        raise ValueError(f"{amount} cannot be taken off a lot of {lot.amount}")
    _resize(lot, -amount)
    return _record(locked, -amount, kind=kind, reference=reference, purchase=lot.purchase, note=note)


@transaction.atomic
def restore(taken: LedgerEntry, *, kind: LedgerEntry.Kind, reference: str, note: str = "") -> LedgerEntry:
    """Undo a `take` or `claw_back`: return its amount to the purchase's own lot, then to the newest shortened lots.

    Returns the entry; if (kind, reference) exists already, the existing entry. ValueError if the lots have not been
    shortened by that amount.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=taken.account_id)
    if existing := _find(kind, reference):
        return existing
    amount = -taken.amount
    remaining = amount
    for lot in _own_then_newest(locked, taken.purchase):
        part = min(remaining, lot.entry.amount - lot.amount)
        _resize(lot, part)
        remaining -= part
        if not remaining:
            break
    if amount <= 0 or remaining:
        raise ValueError(f"entry {taken.pk} did not take {amount} off its account's lots")
    return _record(locked, amount, kind=kind, reference=reference, purchase=taken.purchase, note=note)


def unspent(lot: Lot, *, keep_held: bool = True) -> PicoUsd:
    """The part of the lot (pico-USD) that is not spent and, with `keep_held`, not on hold.

    Lots are spent in the order they were credited, so this is the part beyond the account's position on the credit
    line. The result is valid while the account's row is locked.
    """
    account = CreditAccount.objects.get(pk=lot.account_id)
    position = account.usage + (account.held if keep_held else 0)
    before = Lot.objects.filter(account=account, pk__lt=lot.pk).aggregate(sum=Sum("amount"))["sum"] or 0
    return PicoUsd(min(lot.amount, max(0, before + lot.amount - position)))


def unspent_by_purchase(account: CreditAccount, purchases: Iterable[Purchase]) -> dict[UUID, PicoUsd]:
    """For each purchase the part of its lot (pico-USD) that is neither spent nor on hold, in one query."""
    before = Lot.objects.filter(account=account, pk__lt=OuterRef("pk")).order_by().values("account")
    lots = Lot.objects.filter(account=account, purchase__in=purchases).annotate(
        before=Coalesce(Subquery(before.annotate(sum=Sum("amount")).values("sum")), 0)
    )
    position = account.usage + account.held
    return {
        lot.purchase_id: PicoUsd(min(lot.amount, max(0, lot.before + lot.amount - position)))
        for lot in lots
        if lot.purchase_id
    }


def _own_then_newest(account: CreditAccount, purchase: Purchase | None) -> Iterator[Lot]:
    """The purchase's own lot, then the others from newest to oldest, fetched in pages: few are usually needed."""
    lots = Lot.objects.filter(account=account).select_related("entry").order_by("-pk")
    own = list(lots.filter(purchase=purchase)) if purchase else []
    yield from own
    others = lots.exclude(pk__in=[lot.pk for lot in own])
    while page := list(others[:LOT_PAGE_SIZE]):
        yield from page
        others = others.filter(pk__lt=page[-1].pk)


def _resize(lot: Lot, by: int) -> None:
    if by:
        lot.amount += by
        lot.save(update_fields=["amount"])


def _record(
    locked: CreditAccount,
    amount: int,
    *,
    kind: LedgerEntry.Kind,
    reference: str,
    purchase: Purchase | None,
    note: str,
) -> LedgerEntry:
    """Write the entry and update the account's totals. The account's row must be locked."""
    entry = LedgerEntry.objects.create(
        account=locked,
        kind=kind,
        reference=reference,
        amount=amount,
        credits_after=locked.credits + amount,
        purchase=purchase,
        note=note,
    )
    locked.credits += amount
    if kind in PURCHASE_KINDS:
        locked.purchased += amount
    if locked.alerted_at is not None and locked.has_recovered:
        locked.alerted_at = None
    locked.save(update_fields=["credits", "purchased", "alerted_at"])
    return entry


def _find(kind: LedgerEntry.Kind, reference: str) -> LedgerEntry | None:
    return LedgerEntry.objects.filter(kind=kind, reference=reference).first()
