"""The transaction history: every ledger entry, and the purchases that brought none."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from billing.models import CreditAccount, LedgerEntry, Purchase, Refund
from billing.payments import refunds
from common.money import pico_from_cents

__all__ = ["Cause", "Line", "causes", "page_of"]

PAGE_SIZE = 20
#: The moment of a line, the table that it is from, and its row's key there.
Key = tuple[datetime, str, str]
_OF_REFUNDS = {LedgerEntry.Kind.REFUND.value, LedgerEntry.Kind.REFUND_REVERSAL.value}
#: State -> the look of its chip.
_LOOKS = {Purchase.State.REVIEW.value: "warn", Purchase.State.FAILED.value: "bad"}
_LOOKS_OF_REFUNDS = {Refund.State.SUCCEEDED.value: "ok", Refund.State.FAILED.value: "bad"}


@dataclass(frozen=True)
class Cause:
    """A ledger entry and what it was for, in words."""

    entry: LedgerEntry
    refund: Refund | None

    @property
    def is_purchase(self) -> bool:
        return self.entry.kind == LedgerEntry.Kind.PURCHASE

    @property
    def title(self) -> str:
        purchase = self.entry.purchase
        if self.is_purchase and purchase and purchase.source == Purchase.Source.AUTO_TOP_UP:
            return purchase.get_source_display()
        return self.entry.get_kind_display()

    @property
    def text(self) -> str:
        """Who paid with what, why it was granted, or which purchase it goes back to."""
        purchase = self.entry.purchase
        if self.entry.note or purchase is None:
            return self.entry.note
        if not self.is_purchase:
            return f"Of receipt {purchase.receipt_number}"
        paid_with = purchase.paid_with or purchase.get_method_display()
        by_hand = purchase.source == Purchase.Source.MANUAL and purchase.user
        return f"{paid_with}, by {purchase.user}" if by_hand else paid_with


def causes(entries: "QuerySet[LedgerEntry]", most: int) -> list[Cause]:
    """The first `most` entries with their causes. Their purchases should come with them."""
    found = list(entries[:most])
    references = {entry.reference for entry in found if entry.kind in _OF_REFUNDS}
    refunds = {str(refund.pk): refund for refund in Refund.objects.filter(pk__in=references)}
    return [Cause(entry, refunds.get(entry.reference) if entry.kind in _OF_REFUNDS else None) for entry in found]


@dataclass(frozen=True)
class Line:
    """One line: a change of credits (`amount`, pico-USD, signed) or an unfinished purchase."""

    at: datetime
    title: str
    detail: str
    amount: int
    moved: bool  # whether the amount is in the balance
    status: str
    look: str  # of the status chip
    purchase: Purchase | None
    refund: Refund | None = None
    bought: bool = False  # whether it is a purchase itself, with fee and total
    can_be_refunded: bool = False


def page_of(account: CreditAccount, number: str | None) -> tuple[Page[Key], list[Line]]:
    """The page and its lines, newest first; the last page for a number beyond it."""
    keys: Any = _Keys(account)
    page = Paginator(keys, PAGE_SIZE).get_page(number)
    return page, _lines(account, list(page))


class _Keys:
    """The key of every line, newest first: of two tables, of which a page reads no more than it must."""

    def __init__(self, account: CreditAccount) -> None:
        self.entries = LedgerEntry.objects.filter(account=account).order_by("-created_at", "-pk")
        unfinished = Purchase.objects.filter(account=account).exclude(state=Purchase.State.CREDITED)
        self.purchases = unfinished.order_by("-created_at", "-pk")

    def __len__(self) -> int:
        return self.entries.count() + self.purchases.count()

    def __getitem__(self, wanted: slice) -> list[Key]:
        newest = [
            [(at, table, str(key)) for at, key in rows.values_list("created_at", "pk")[: wanted.stop]]
            for table, rows in (("entry", self.entries), ("purchase", self.purchases))
        ]
        return list(islice(merge(*newest, key=itemgetter(0), reverse=True), wanted.start, wanted.stop))


def _lines(account: CreditAccount, keys: Sequence[Key]) -> list[Line]:
    of = {wanted: [key for _, table, key in keys if table == wanted] for wanted in ("entry", "purchase")}
    entries = LedgerEntry.objects.filter(pk__in=[int(key) for key in of["entry"]]).select_related("purchase__user")
    caused = {cause.entry.pk: cause for cause in causes(entries, PAGE_SIZE)}
    purchases = Purchase.objects.in_bulk([uuid.UUID(key) for key in of["purchase"]])
    refundable = refunds.refundable(account, [each.entry.purchase for each in caused.values() if each.entry.purchase])
    return [
        _of_entry(caused[int(key)], refundable) if table == "entry" else _of_purchase(purchases[uuid.UUID(key)])
        for _, table, key in keys
    ]


def _of_entry(cause: Cause, refundable: set[uuid.UUID]) -> Line:
    entry, purchase, refund, bought = cause.entry, cause.entry.purchase, cause.refund, cause.is_purchase
    line = Line(
        at=entry.created_at,
        title=cause.title,
        detail=cause.text,
        amount=entry.amount,
        moved=True,
        status="Credited" if entry.amount > 0 else "Booked",
        look="ok" if entry.amount > 0 else "",
        purchase=purchase,
        refund=refund,
        bought=bought,
        can_be_refunded=bought and purchase is not None and purchase.pk in refundable,
    )
    if refund is not None and entry.amount < 0:
        return replace(line, status=refund.get_state_display(), look=_LOOKS_OF_REFUNDS.get(refund.state, "accent"))
    return line


def _of_purchase(purchase: Purchase) -> Line:
    return Line(
        at=purchase.created_at,
        title="Auto top-up" if purchase.source == Purchase.Source.AUTO_TOP_UP else "Purchase",
        detail=purchase.failure or purchase.get_method_display(),
        amount=pico_from_cents(purchase.credit_cents),
        moved=False,
        status=purchase.get_state_display(),
        look=_LOOKS.get(purchase.state, "accent" if purchase.is_pending else ""),
        purchase=purchase,
        bought=True,
    )
