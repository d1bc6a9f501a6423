"""The transaction history as CSV: every ledger entry with its cause. The amounts add up to the account's credits."""

from collections.abc import AsyncIterator, Iterable

from billing.models import CreditAccount, LedgerEntry
from common.money import PicoUsd, as_usd, cents_as_usd
from common.storage import database
from common.web.csv_export import csv_line

from . import history

__all__ = ["lines"]

BATCH = 500

_COLUMNS = (
    "date_utc", "kind", "cause", "amount_usd", "credits_after_usd", "fee_usd", "paid_usd", "receipt", "credit_note",
    "purchase_id", "payment_id", "entry_id",
)  # fmt: skip


async def lines(account: CreditAccount) -> AsyncIterator[str]:
    """Yield the CSV in batches, newest entry first."""
    yield csv_line(_COLUMNS)
    before = None
    while batch := await database.run(_batch, account, before):
        yield "".join(csv_line(_cells(each)) for each in batch)
        before = batch[-1].entry


def _batch(account: CreditAccount, before: LedgerEntry | None) -> list[history.Cause]:
    entries = LedgerEntry.objects.filter(account=account).select_related("purchase__user").order_by("-pk")
    return history.causes(entries.filter(pk__lt=before.pk) if before else entries, BATCH)


def _cells(cause: history.Cause) -> Iterable[object]:
    entry, purchase = cause.entry, cause.entry.purchase
    bought = purchase if cause.is_purchase else None
    return (
        entry.created_at.isoformat(),
        cause.title,
        cause.text,
        as_usd(PicoUsd(entry.amount)),
        as_usd(PicoUsd(entry.credits_after)),
        cents_as_usd(bought.fee_cents) if bought else "",
        cents_as_usd(bought.total_cents) if bought else "",
        (purchase.receipt_number or "") if purchase else "",
        cause.refund.number if cause.refund else "",
        str(purchase.pk) if purchase else "",
        (purchase.provider_payment or "") if purchase else "",
        entry.pk,
    )
