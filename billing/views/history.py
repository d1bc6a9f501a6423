"""The transaction history: every ledger entry, and the purchases without one."""

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
#: The time of a line, the table of its row ("entry" or "purchase"), and the row's key there.
Key = tuple[datetime, str, str]
_REFUND_KINDS = {LedgerEntry.Kind.REFUND.value, LedgerEntry.Kind.REFUND_REVERSAL.value}
#: State -> the CSS class of its chip.
_PURCHASE_CHIPS = {Purchase.State.REVIEW.value: "warn", Purchase.State.FAILED.value: "bad"}
_REFUND_CHIPS = {Refund.State.SUCCEEDED.value: "ok", Refund.State.FAILED.value: "bad"}


@dataclass(frozen=True)
class Cause:
    """A ledger entry with its cause in words."""

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
        """The payment method and the buyer, the reason of a grant, or the receipt of the purchase it reverses."""
        purchase = self.entry.purchase
        if self.entry.note or purchase is None:
            return self.entry.note
        if not self.is_purchase:
            return f"For receipt {purchase.receipt_number}"
        paid_with = purchase.paid_with or purchase.get_method_display()
        was_manual = purchase.source == Purchase.Source.MANUAL and purchase.user
        return f"{paid_with}, by {purchase.user}" if was_manual else paid_with


def causes(entries: "QuerySet[LedgerEntry]", limit: int) -> list[Cause]:
    """Return the first `limit` entries with their causes. Select their purchases with them to avoid a query each."""
    found = list(entries[:limit])
    references = {entry.reference for entry in found if entry.kind in _REFUND_KINDS}
    refunds_by_id = {str(refund.pk): refund for refund in Refund.objects.filter(pk__in=references)}
    return [
        Cause(entry, refunds_by_id.get(entry.reference) if entry.kind in _REFUND_KINDS else None) for entry in found
    ]


@dataclass(frozen=True)
class Line:
    """One line: a change of credits or an unfinished purchase. `amount` is in pico-USD, signed."""

    at: datetime
    title: str
    detail: str
    amount: int
    is_booked: bool  # whether the amount counts in the balance
    status: str
    chip: str  # CSS class of the status
    purchase: Purchase | None
    refund: Refund | None = None
    is_purchase: bool = False  # whether the line shows a fee and a total
    can_be_refunded: bool = False


def page_of(account: CreditAccount, number: str | None) -> tuple[Page[Key], list[Line]]:
    """Return a page and its lines, newest first. A number beyond the last page gives the last one."""
    keys: Any = _Keys(account)
    page = Paginator(keys, PAGE_SIZE).get_page(number)
    return page, _lines(account, list(page))


class _Keys:
    """The keys of all lines, newest first, merged from two tables. A slice reads no more rows than it needs."""

    def __init__(self, account: CreditAccount) -> None:
        self.entries = LedgerEntry.objects.filter(account=account).order_by("-created_at", "-pk")
        unfinished = Purchase.objects.filter(account=account).exclude(state=Purchase.State.CREDITED)
        self.purchases = unfinished.order_by("-created_at", "-pk")

    def __len__(self) -> int:
        return self.entries.count() + self.purchases.count()

    def __getitem__(self, page: slice) -> list[Key]:
        newest = [
            [(at, table, str(key)) for at, key in rows.values_list("created_at", "pk")[: page.stop]]
            for table, rows in (("entry", self.entries), ("purchase", self.purchases))
        ]
        return list(islice(merge(*newest, key=itemgetter(0), reverse=True), page.start, page.stop))


def _lines(account: CreditAccount, keys: Sequence[Key]) -> list[Line]:
    entry_keys = [int(key) for _, table, key in keys if table == "entry"]
    purchase_keys = [uuid.UUID(key) for _, table, key in keys if table == "purchase"]
    entries = LedgerEntry.objects.filter(pk__in=entry_keys).select_related("purchase__user")
    entry_causes = {cause.entry.pk: cause for cause in causes(entries, PAGE_SIZE)}
    purchases = Purchase.objects.in_bulk(purchase_keys)
    entry_purchases = [cause.entry.purchase for cause in entry_causes.values() if cause.entry.purchase]
    refundable = refunds.refundable(account, entry_purchases)
    return [
        _entry_line(entry_causes[int(key)], refundable)
        if table == "entry"
        else _purchase_line(purchases[uuid.UUID(key)])
        for _, table, key in keys
    ]


def _entry_line(cause: Cause, refundable: set[uuid.UUID]) -> Line:
    entry, purchase, refund = cause.entry, cause.entry.purchase, cause.refund
    line = Line(
        at=entry.created_at,
        title=cause.title,
        detail=cause.text,
        amount=entry.amount,
        is_booked=True,
        status="Added" if entry.amount > 0 else "Deducted",
        chip="ok" if entry.amount > 0 else "",
        purchase=purchase,
        refund=refund,
        is_purchase=cause.is_purchase,
        can_be_refunded=cause.is_purchase and purchase is not None and purchase.pk in refundable,
    )
    if refund is not None and entry.amount < 0:
        return replace(line, status=refund.get_state_display(), chip=_REFUND_CHIPS.get(refund.state, "accent"))
    return line


def _purchase_line(purchase: Purchase) -> Line:
    return Line(
        at=purchase.created_at,
        title="Auto top-up" if purchase.source == Purchase.Source.AUTO_TOP_UP else "Purchase",
        detail=purchase.failure or purchase.get_method_display(),
        amount=pico_from_cents(purchase.credit_cents),
        is_booked=False,
        status=purchase.get_state_display(),
        chip=_PURCHASE_CHIPS.get(purchase.state, "accent" if purchase.is_pending else ""),
        purchase=purchase,
        is_purchase=True,
    )
