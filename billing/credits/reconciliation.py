"""Reconciliation: checks every invariant of the ledger over all rows and names the rows that violate one.

Checks only report. Other apps register the checks of their own tables:

    @reconciliation.check
    def held_matches_open_holds() -> Iterator[Fault]: ...
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import BigIntegerField, Count, F, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Coalesce
from django.db.models.query import QuerySet

from billing.models import (
    CreditAccount,
    Dispute,
    LedgerEntry,
    Lot,
    PromotionalCode,
    Purchase,
    ReconciliationRun,
    Redemption,
    Refund,
)
from common.money import PicoUsd, format_exact_usd, pico_from_cents

from . import expiry, ledger

__all__ = ["Fault", "check", "checks", "faults", "on_result", "reconcile"]

#: Results of earlier runs that are kept.
KEPT_RUNS = 30


@dataclass(frozen=True)
class Fault:
    """A violated invariant: the name of the row, and what is wrong with it."""

    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row}: {self.problem}"


Check = Callable[[], Iterator[Fault]]
#: The registered checks, in order of registration.
checks: list[Check] = []


def check(function: Check) -> Check:
    """Register a check. All checks run on one consistent snapshot of the database."""
    if function not in checks:
        checks.append(function)
    return function


#: Called with the faults of each run.
listeners: list[Callable[[list[Fault]], None]] = []


def on_result(listener: Callable[[list[Fault]], None]) -> None:
    """Call `listener` with the faults of each run, none included."""
    if listener not in listeners:
        listeners.append(listener)


def faults() -> list[Fault]:
    """The faults found by all registered checks; empty if the ledger is consistent."""
    with _consistent_view():
        return [fault for run in checks for fault in run()]


def reconcile() -> list[Fault]:
    """Run all checks, record how many faults they found, tell the listeners, and return the faults."""
    found = faults()
    ReconciliationRun.objects.create(faults=len(found))
    kept = ReconciliationRun.objects.order_by("-finished_at").values_list("pk", flat=True)[:KEPT_RUNS]
    ReconciliationRun.objects.exclude(pk__in=list(kept)).delete()
    for listener in listeners:
        listener(found)
    return found


def _consistent_view() -> AbstractContextManager[None]:
    # Without one snapshot, transactions committed between two queries would look like faults.
    if connection.in_atomic_block:
        return nullcontext()
    return _snapshot()


@contextmanager
def _snapshot() -> Iterator[None]:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


# --- Checks of billing's own tables -----------------------------------------------------------------


@check
def credits_match_entries_and_lots() -> Iterator[Fault]:
    """`credits` equals the sum of the entries and of the lots; `purchased` equals the sum of purchase entries."""
    entries = LedgerEntry.objects.filter(account=OuterRef("pk"))
    rows = CreditAccount.objects.annotate(
        of_entries=_sum(entries),
        of_lots=_sum(Lot.objects.filter(account=OuterRef("pk"))),
        bought=_sum(entries.filter(kind__in=ledger.PURCHASE_KINDS)),
    )
    for account in rows.exclude(credits=F("of_entries"), of_lots=F("credits"), purchased=F("bought")):
        for column, expected, source in (
            ("credits", account.of_entries, "its entries"),
            ("credits", account.of_lots, "its lots"),
            ("purchased", account.bought, "its purchases less refunds and disputes"),
        ):
            if (actual := getattr(account, column)) != expected:
                yield Fault(
                    f"account {account.pk}", f"{column} are {_usd(actual)} but {source} add up to {_usd(expected)}"
                )


@check
def entries_have_correct_running_totals() -> Iterator[Fault]:
    """Each entry's `credits_after` equals the sum of all entries up to it."""
    running = LedgerEntry.objects.annotate(
        running=Window(Sum("amount"), partition_by=F("account_id"), order_by=F("id").asc())
    )
    for entry in running.exclude(credits_after=F("running")):
        yield Fault(
            f"ledger entry {entry.pk} of account {entry.account_id}",
            f"credits_after is {_usd(entry.credits_after)} but the entries up to it add up to {_usd(entry.running)}",
        )


@check
def credited_purchases_have_one_entry() -> Iterator[Fault]:
    """A credited purchase has exactly one entry, in its own account and over its credits; others have none."""
    credited = Purchase.objects.filter(state=Purchase.State.CREDITED).prefetch_related("entries")
    for purchase in credited.iterator(chunk_size=1000):
        entries = [entry for entry in purchase.entries.all() if entry.kind == LedgerEntry.Kind.PURCHASE]
        bought = pico_from_cents(purchase.credit_cents)
        if [(entry.amount, entry.account_id) for entry in entries] != [(bought, purchase.account_id)]:
            amounts = ", ".join(_usd(entry.amount) for entry in entries) or "nothing"
            yield Fault(f"purchase {purchase.pk}", f"{_usd(bought)} was bought but {amounts} was credited")
    stray = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.PURCHASE)
    for entry in stray.exclude(purchase__state=Purchase.State.CREDITED):
        yield Fault(f"ledger entry {entry.pk}", "credits a purchase that is not in state credited")


@check
def lots_match_their_entries() -> Iterator[Fault]:
    """A lot has its entry's account and purchase, and at most its entry's amount. Every credit has a lot."""
    for lot in Lot.objects.exclude(account=F("entry__account"), amount__lte=F("entry__amount")):
        yield Fault(f"lot {lot.pk}", f"does not match account or amount of its ledger entry {lot.entry_id}")
    for lot in Lot.objects.filter(~Q(purchase=F("entry__purchase")), Q(purchase__isnull=False)):
        yield Fault(f"lot {lot.pk}", f"does not match the purchase of its ledger entry {lot.entry_id}")
    credited = LedgerEntry.objects.filter(amount__gt=0, lot__isnull=True)
    for entry in credited.filter(kind__in=ledger.CREDITING_KINDS):
        yield Fault(f"ledger entry {entry.pk}", "added credits but has no lot")


@check
def refunds_match_their_entries() -> Iterator[Fault]:
    """A refund that took credits has one entry, and a second one that restores them if it failed."""
    taken, returned = LedgerEntry.Kind.REFUND, LedgerEntry.Kind.REFUND_REVERSAL
    recorded: dict[str, list[tuple[str, int]]] = {}
    for entry in LedgerEntry.objects.filter(kind__in=(taken, returned)).iterator(chunk_size=1000):
        recorded.setdefault(entry.reference, []).append((entry.kind, entry.amount))
    for refund in Refund.objects.iterator(chunk_size=1000):
        amount = pico_from_cents(refund.credit_cents)
        expected = [(taken.value, -amount)] if amount else []
        if amount and refund.state == Refund.State.FAILED:
            expected.append((returned.value, int(amount)))
        if sorted(recorded.pop(str(refund.pk), [])) != expected:
            yield Fault(f"refund {refund.pk}", f"its ledger entries do not match its amount and state {refund.state!r}")
    for reference in recorded:
        yield Fault(f"ledger entries of refund {reference}", "belong to no refund")


@check
def disputes_match_their_entries() -> Iterator[Fault]:
    """Credits taken by a dispute stay taken exactly while the bank has the money."""
    taken, returned = LedgerEntry.Kind.DISPUTE, LedgerEntry.Kind.DISPUTE_REVERSAL
    states = dict(Dispute.objects.values_list("provider_dispute", "state"))
    totals: dict[str, int] = {}
    for entry in LedgerEntry.objects.filter(kind__in=(taken, returned)).iterator(chunk_size=1000):
        reference = entry.reference.partition(":")[0]  # a dispute may take credits in several parts
        totals[reference] = totals.get(reference, 0) + entry.amount
    for reference, amount in totals.items():
        withdrawn = states.get(reference) in {Dispute.State.OPEN, Dispute.State.LOST}
        if (amount < 0) != withdrawn or amount > 0:
            yield Fault(f"ledger entries of dispute {reference}", f"{_usd(amount)} does not match its state")


@check
def moved_credits_arrived() -> Iterator[Fault]:
    """Credits that left an account by a transfer are in one other account, and came from nowhere else."""
    out, into = LedgerEntry.Kind.TRANSFER_OUT, LedgerEntry.Kind.TRANSFER_IN
    arrived = {
        entry.reference: (entry.account_id, entry.amount)
        for entry in LedgerEntry.objects.filter(kind=into).iterator(chunk_size=1000)
    }
    for entry in LedgerEntry.objects.filter(kind=out).iterator(chunk_size=1000):
        account, amount = arrived.pop(entry.reference, (None, 0))
        if account in {None, entry.account_id} or amount != -entry.amount:
            yield Fault(f"ledger entry {entry.pk}", f"moved {_usd(-entry.amount)}, of which {_usd(amount)} arrived")
    for reference in arrived:
        yield Fault(f"ledger entry of transfer {reference}", "added credits that left no other account")


@check
def expired_credits_were_due() -> Iterator[Fault]:
    """Credits expired only after their expiration date; those of purchases after both warnings."""
    entries = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.EXPIRY)
    due = Q(
        amount__lt=0,
        purchase__lot__expires_at__lte=F("created_at"),
        purchase__lot__expiry_warnings=len(expiry.WARN_BEFORE),
    )
    for entry in entries.exclude(purchase=None).exclude(due & Q(purchase__lot__account=F("account"))):
        yield Fault(f"ledger entry {entry.pk}", "expired credits that were not due")
    promotional = Lot.objects.filter(entry__kind=LedgerEntry.Kind.PROMOTION, expires_at__isnull=False)
    lots = {f"lot:{pk}": (account, at) for pk, account, at in promotional.values_list("pk", "account", "expires_at")}
    for entry in entries.filter(purchase=None).iterator(chunk_size=1000):
        account, expires_at = lots.get(entry.reference.rpartition(":")[0], (None, None))
        is_due = expires_at is not None and expires_at <= entry.created_at
        if account != entry.account_id or not is_due or entry.amount >= 0:
            yield Fault(f"ledger entry {entry.pk}", "expired credits that were not due")


@check
def redemptions_match_their_entries() -> Iterator[Fault]:
    """A redeemed code added exactly its credits, in the account that redeemed it; its uses are counted."""
    redeemed = Redemption.objects.select_related("code", "entry")
    for redemption in redeemed.iterator(chunk_size=1000):
        entry, amount = redemption.entry, pico_from_cents(redemption.code.cents)
        expected = (LedgerEntry.Kind.PROMOTION, redemption.account_id, amount)
        if (entry.kind, entry.account_id, entry.amount) != expected:
            yield Fault(f"redemption {redemption.pk}", "does not match kind, account or amount of its ledger entry")
    for stray in LedgerEntry.objects.filter(kind=LedgerEntry.Kind.PROMOTION, redemption=None):
        yield Fault(f"ledger entry {stray.pk}", "adds credits of a code that was not redeemed")
    counted = PromotionalCode.objects.annotate(redeemed=Count("redemptions"))
    for code in counted.exclude(uses=F("redeemed")):
        yield Fault(f"promotional code {code.pk}", f"counts {code.uses} uses but was redeemed {code.redeemed} times")


@check
def manual_entries_name_their_operator() -> Iterator[Fault]:
    """Every entry made by an operator has an Adjustment that names the operator."""
    for entry in LedgerEntry.objects.filter(reference__startswith="operator:", adjustment=None):
        yield Fault(f"ledger entry {entry.pk}", "was made by an operator but has no adjustment")


def _sum(rows: "QuerySet[LedgerEntry] | QuerySet[Lot]") -> Coalesce:
    per_account = rows.order_by().values("account").annotate(sum=Sum("amount")).values("sum")
    return Coalesce(Subquery(per_account, output_field=BigIntegerField()), 0)


def _usd(amount: int) -> str:
    return format_exact_usd(PicoUsd(amount))
