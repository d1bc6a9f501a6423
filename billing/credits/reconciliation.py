"""Proof that the money adds up: every invariant is checked over all rows, or the row that breaks it is named.

Checks never mend anything. An app above this one adds the checks of its own tables:

    @reconciliation.check
    def held_is_the_sum_of_open_holds() -> Iterator[Fault]: ...
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import BigIntegerField, F, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Coalesce
from django.db.models.query import QuerySet

from billing.models import CreditAccount, Dispute, LedgerEntry, Lot, Purchase, Refund
from common.money import PicoUsd, format_usd, pico_from_cents

from . import expiry, ledger

__all__ = ["Fault", "check", "faults"]


@dataclass(frozen=True)
class Fault:
    """A row that breaks an invariant: `row` names it, `problem` says what does not agree."""

    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row}: {self.problem}"


Check = Callable[[], Iterator[Fault]]
_checks: list[Check] = []


def check(function: Check) -> Check:
    """Register a check. It runs together with all others on one consistent view of the database."""
    if function not in _checks:
        _checks.append(function)
    return function


def faults() -> list[Fault]:
    """Every fault that any registered check finds; an empty list is the proof."""
    with _one_view():
        return [fault for check in _checks for fault in check()]


def _one_view() -> AbstractContextManager[None]:
    # Money moves while the checks read: without one snapshot for all of them, sums would seem to differ.
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


# --- The checks of billing's own tables -----------------------------------------------------------


@check
def credits_are_the_sum_of_entries_and_of_lots() -> Iterator[Fault]:
    """An account's three views of its credits turn_on, and `purchased` counts what was bought."""
    entries = LedgerEntry.objects.filter(account=OuterRef("pk"))
    rows = CreditAccount.objects.annotate(
        of_entries=_sum(entries),
        of_lots=_sum(Lot.objects.filter(account=OuterRef("pk"))),
        bought=_sum(entries.filter(kind__in=ledger.BUYING)),
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
def entries_tell_the_balance_step_by_step() -> Iterator[Fault]:
    """Each entry's `credits_after` is the sum of all entries up to it."""
    running = LedgerEntry.objects.annotate(
        running=Window(Sum("amount"), partition_by=F("account_id"), order_by=F("id").asc())
    )
    for entry in running.exclude(credits_after=F("running")):
        yield Fault(
            f"ledger entry {entry.pk} of account {entry.account_id}",
            f"credits_after is {_usd(entry.credits_after)} but the entries up to it add up to {_usd(entry.running)}",
        )


@check
def a_purchase_is_credited_exactly_when_it_has_one_entry() -> Iterator[Fault]:
    """A credited purchase has one entry and one lot over the bought amount, in its own account; others have none."""
    credited = Purchase.objects.filter(state=Purchase.State.CREDITED).prefetch_related("entries")
    for purchase in credited.iterator(chunk_size=1000):
        found = [entry for entry in purchase.entries.all() if entry.kind == LedgerEntry.Kind.PURCHASE]
        bought = pico_from_cents(purchase.credit_cents)
        if [(entry.amount, entry.account_id) for entry in found] != [(bought, purchase.account_id)]:
            amounts = ", ".join(_usd(entry.amount) for entry in found) or "nothing"
            yield Fault(f"purchase {purchase.pk}", f"{_usd(bought)} was bought but {amounts} was credited")
    stray = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.PURCHASE)
    for entry in stray.exclude(purchase__state=Purchase.State.CREDITED):
        yield Fault(f"ledger entry {entry.pk}", "credits a purchase that is not in state credited")


@check
def a_lot_belongs_to_the_entry_that_brought_it() -> Iterator[Fault]:
    """A lot is in its entry's account, names the entry's purchase and is no longer than the entry."""
    for lot in Lot.objects.exclude(account=F("entry__account"), amount__lte=F("entry__amount")):
        yield Fault(f"lot {lot.pk}", f"does not fit its ledger entry {lot.entry_id} in account or amount")
    for lot in Lot.objects.filter(~Q(purchase=F("entry__purchase")), Q(purchase__isnull=False)):
        yield Fault(f"lot {lot.pk}", f"names another purchase than its ledger entry {lot.entry_id}")
    credited = LedgerEntry.objects.filter(amount__gt=0, lot__isnull=True)
    for entry in credited.filter(kind__in=(LedgerEntry.Kind.PURCHASE, LedgerEntry.Kind.GRANT)):
        yield Fault(f"ledger entry {entry.pk}", "brought credits but has no lot")


@check
def a_refund_has_taken_its_credits_and_a_failed_one_has_given_them_back() -> Iterator[Fault]:
    """One entry off the account per refund that took credits, and one back when it failed."""
    taken, returned = LedgerEntry.Kind.REFUND, LedgerEntry.Kind.REFUND_REVERSAL
    booked: dict[str, list[tuple[str, int]]] = {}
    for entry in LedgerEntry.objects.filter(kind__in=(taken, returned)).iterator(chunk_size=1000):
        booked.setdefault(entry.reference, []).append((entry.kind, entry.amount))
    for refund in Refund.objects.iterator(chunk_size=1000):
        amount = pico_from_cents(refund.credit_cents)
        expected = [(taken.value, -amount)] if amount else []
        if amount and refund.state == Refund.State.FAILED:
            expected.append((returned.value, int(amount)))
        if sorted(booked.pop(str(refund.pk), [])) != expected:
            yield Fault(
                f"refund {refund.pk}", f"the ledger does not hold what a {refund.state} refund of its size moves"
            )
    for reference in booked:
        yield Fault(f"ledger entries of refund {reference}", "belong to no refund")


@check
def a_dispute_has_taken_its_credits_and_a_won_one_has_given_them_back() -> Iterator[Fault]:
    """What is taken stays taken exactly while the bank has the money."""
    taken, returned = LedgerEntry.Kind.DISPUTE, LedgerEntry.Kind.DISPUTE_REVERSAL
    states = dict(Dispute.objects.values_list("provider_dispute", "state"))
    moved: dict[str, int] = {}
    for entry in LedgerEntry.objects.filter(kind__in=(taken, returned)).iterator(chunk_size=1000):
        reference = entry.reference.partition(":")[0]  # a dispute may take in several parts
        moved[reference] = moved.get(reference, 0) + entry.amount
    for reference, amount in moved.items():
        gone = states.get(reference) in {Dispute.State.OPEN, Dispute.State.LOST}
        if (amount < 0) != gone or amount > 0:
            yield Fault(f"ledger entries of dispute {reference}", f"{_usd(amount)} does not fit its state")


@check
def what_has_expired_was_due() -> Iterator[Fault]:
    """Expired credits were taken off a purchase whose date had come, and whose owner had been warned."""
    entries = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.EXPIRY)
    due = Q(
        amount__lt=0, purchase__lot__expires_at__lte=F("created_at"), purchase__lot__expiry_warnings=len(expiry.NOTICE)
    )
    for entry in entries.exclude(due & Q(purchase__lot__account=F("account"))):
        yield Fault(f"ledger entry {entry.pk}", "expired credits that were not due")


@check
def whatever_an_operator_did_has_a_name() -> Iterator[Fault]:
    """An entry made by hand says who made it."""
    for entry in LedgerEntry.objects.filter(reference__startswith="operator:", adjustment=None):
        yield Fault(f"ledger entry {entry.pk}", "was made by an operator, but nobody is named")


def _sum(rows: "QuerySet[LedgerEntry] | QuerySet[Lot]") -> Coalesce:
    per_account = rows.order_by().values("account").annotate(sum=Sum("amount")).values("sum")
    return Coalesce(Subquery(per_account, output_field=BigIntegerField()), 0)


def _usd(amount: int) -> str:
    return format_usd(PicoUsd(amount), 12)
