"""The ledger: the only module that changes an account's `credits`.

Every change is one append-only entry with a unique (kind, reference); asking twice for the same
change returns the first entry and moves nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import CreditAccount, LedgerEntry, Lot, Purchase
from common.money import PicoUsd

__all__ = ["BUYING", "add", "claw_back", "give_back", "take", "unspent", "unspent_by_purchase"]

LOTS_AT_ONCE = 50

#: What counts as bought: purchases, and whatever takes them back or restores them.
BUYING = frozenset(
    {
        LedgerEntry.Kind.PURCHASE,
        LedgerEntry.Kind.REFUND,
        LedgerEntry.Kind.REFUND_REVERSAL,
        LedgerEntry.Kind.DISPUTE,
        LedgerEntry.Kind.DISPUTE_REVERSAL,
    }
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
    """Put `amount` (pico-USD, positive) at the end of the account's credit line, as a new lot.

    Returns the entry; with a (kind, reference) that exists already, the first entry, whoever's it is. Locks the
    account's row until the surrounding transaction ends; the `account` passed in keeps its old numbers.
    ValueError for an amount that is not positive.
    """
    if amount <= 0:
        raise ValueError(f"credits are added in positive amounts, not {amount}")
    # The lock comes before the look-up: looked up first, two retries would both find nothing.
    locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
    if existing := _find(kind, reference):
        return existing
    try:
        with transaction.atomic():
            entry = _move(locked, amount, kind=kind, reference=reference, purchase=purchase, note=note)
    except IntegrityError:
        # Another account used the reference since: its lock is not ours, the unique constraint decided.
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
) -> LedgerEntry:
    """Take `amount` (pico-USD, positive) off the account, from the unspent end of its lots.

    The purchase's own lot comes first, then the newest lots. Returns the entry; with a (kind, reference) that
    exists already, the first entry. ValueError when less than that is available: what is spent or held cannot be
    taken.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
    if existing := _find(kind, reference):
        return existing
    if not 0 < amount <= locked.available:
        raise ValueError(f"{amount} cannot be taken: {locked.available} is available")
    left: int = amount
    for lot in _lots(locked, purchase):
        part = min(left, unspent(lot))
        _resize(lot, -part)
        left -= part
        if not left:
            break
    return _move(locked, -amount, kind=kind, reference=reference, purchase=purchase, note=note)


@transaction.atomic
def claw_back(lot: Lot, amount: PicoUsd, *, kind: LedgerEntry.Kind, reference: str) -> LedgerEntry:
    """Take `amount` (pico-USD) off this lot, spent or not: the balance may fall below zero.

    The account must be frozen, or the database refuses. Returns the entry; with a (kind, reference) that exists
    already, the first entry.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=lot.account_id)
    if existing := _find(kind, reference):
        return existing
    if not 0 < amount <= lot.amount:
        raise ValueError(f"{amount} cannot be taken off a lot of {lot.amount}")
    _resize(lot, -amount)
    return _move(locked, -amount, kind=kind, reference=reference, purchase=lot.purchase, note="")


@transaction.atomic
def give_back(taken: LedgerEntry, *, kind: LedgerEntry.Kind, reference: str, note: str = "") -> LedgerEntry:
    """Undo a `take` or `claw_back`: its amount returns to the purchase's own lot, then to the newest shortened lots.

    Returns the entry; with a (kind, reference) that exists already, the first entry.
    """
    locked = CreditAccount.objects.select_for_update().get(pk=taken.account_id)
    if existing := _find(kind, reference):
        return existing
    amount = -taken.amount
    left = amount
    for lot in _lots(locked, taken.purchase):
        part = min(left, lot.entry.amount - lot.amount)
        _resize(lot, part)
        left -= part
        if not left:
            break
    if amount <= 0 or left:
        raise ValueError(f"entry {taken.pk} did not take {amount} off its account's lots")
    return _move(locked, amount, kind=kind, reference=reference, purchase=taken.purchase, note=note)


def unspent(lot: Lot, *, keep_held: bool = True) -> PicoUsd:
    """How much of the lot (pico-USD) no request has used; with `keep_held`, none has reserved either.

    Lots are spent in the order they were credited, so this is the part of the lot that lies beyond the account's
    position on the credit line. It holds for as long as the account's row is locked.
    """
    account = CreditAccount.objects.get(pk=lot.account_id)
    position = account.usage + (account.held if keep_held else 0)
    before = Lot.objects.filter(account=account, pk__lt=lot.pk).aggregate(sum=Sum("amount"))["sum"] or 0
    return PicoUsd(min(lot.amount, max(0, before + lot.amount - position)))


def unspent_by_purchase(account: CreditAccount, purchases: Iterable[Purchase]) -> dict[UUID, PicoUsd]:
    """How much of each purchase's lot no request has used or reserved, as `unspent` says it, in one query."""
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


def _lots(account: CreditAccount, purchase: Purchase | None) -> Iterator[Lot]:
    """The purchase's own lot, then the newest: a few at a time, for the first nearly always suffice."""
    lots = Lot.objects.filter(account=account).select_related("entry").order_by("-pk")
    own = list(lots.filter(purchase=purchase)) if purchase else []
    yield from own
    others = lots.exclude(pk__in=[lot.pk for lot in own])
    while page := list(others[:LOTS_AT_ONCE]):
        yield from page
        others = others.filter(pk__lt=page[-1].pk)


def _resize(lot: Lot, by: int) -> None:
    if by:
        lot.amount += by
        lot.save(update_fields=["amount"])


def _move(
    locked: CreditAccount,
    amount: int,
    *,
    kind: LedgerEntry.Kind,
    reference: str,
    purchase: Purchase | None,
    note: str,
) -> LedgerEntry:
    """The entry of a change, and the account changed by it. The account's row must be locked."""
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
    if kind in BUYING:
        locked.purchased += amount
    if locked.alerted_at is not None and locked.has_recovered:
        locked.alerted_at = None
    locked.save(update_fields=["credits", "purchased", "alerted_at"])
    return entry


def _find(kind: LedgerEntry.Kind, reference: str) -> LedgerEntry | None:
    return LedgerEntry.objects.filter(kind=kind, reference=reference).first()
