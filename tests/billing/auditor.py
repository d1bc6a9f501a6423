"""The auditor of one account: replays new ledger entries in books of its own, and asks the provider for the truth."""

import uuid
from typing import Any

from billing.credits import reconciliation
from billing.models import CreditAccount, Dispute, LedgerEntry, Purchase, Refund
from billing.payments import disputes
from common.money import PICO_PER_CENT
from gateway.models import Hold

from .books import Books

Kind = LedgerEntry.Kind


class Auditor:
    """Knows what requests have used and hold (`books`), and which disputes an operator has passed over (`thawed`)."""

    def __init__(self, sandbox: Any, account: int) -> None:
        self.sandbox = sandbox
        self.pk = account
        self.books = Books()
        self.seen = 0  # the last entry that was audited
        self.thawed: set[str] = set()
        self.proved: tuple[int, int, int, str] | None = None  # the figures for which every invariant was proved

    def look(self) -> None:
        """Every new entry is explained, and balance, lots and entries are those of the books."""
        new = LedgerEntry.objects.filter(account=self.pk, pk__gt=self.seen).select_related("purchase")
        for entry in new.order_by("pk"):
            self._audit(entry)
            self.seen = entry.pk
        account, books = CreditAccount.objects.get(pk=self.pk), self.books
        assert (account.credits, account.usage, account.held) == (books.credits, books.usage, books.held)
        assert list(account.lots.order_by("pk").values_list("amount", flat=True)) == [lot.amount for lot in books.lots]
        assert list(account.entries.order_by("pk").values_list("kind", "amount")) == books.entries
        assert account.available >= 0 or account.frozen_reason
        figures = (account.credits, account.usage, account.held, account.frozen_reason)
        if figures != self.proved:
            assert reconciliation.faults() == []
            self.proved = figures
        gone = Dispute.objects.filter(purchase__account=self.pk, state__in=disputes.FUNDS_WITHDRAWN)
        if gone.exclude(provider_dispute__in=self.thawed).exists():
            assert account.frozen_reason

    def _audit(self, entry: LedgerEntry) -> None:
        """The entry follows from what the provider knows and from the books; they now hold it, too."""
        books, purchase, amount = self.books, entry.purchase, abs(entry.amount)
        assert purchase is not None
        if entry.kind == Kind.PURCHASE:
            assert not books.has(purchase.pk), "credited twice"
            assert self.payments(purchase).count("succeeded") == 1
            assert entry.amount == purchase.credit_cents * PICO_PER_CENT
            books.bring(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.REFUND:
            refund = Refund.objects.get(pk=entry.reference)
            assert entry.amount == -refund.credit_cents * PICO_PER_CENT
            if refund.origin == Refund.Origin.BUTTON:
                assert refund.credit_cents == refund.cents
                assert amount <= books.unspent(books.lot_of(purchase.pk)), "spent credits were given back"
            books.take(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.REFUND_REVERSAL:
            assert Refund.objects.get(pk=entry.reference).state == Refund.State.FAILED
            books.give_back(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.DISPUTE:
            owed = purchase.total_cents * PICO_PER_CENT
            assert amount == min(owed, books.lot_of(purchase.pk).amount)
            books.claw_back(purchase.pk, amount, entry.kind)
        else:
            assert entry.kind == Kind.DISPUTE_REVERSAL
            assert self._status(entry.reference.partition(":")[0]) in {"won", "warning_closed"}
            books.give_back(purchase.pk, amount, entry.kind)

    def close(self, paid: set[uuid.UUID]) -> None:
        """When everybody has been heard, nothing is missing. `paid` are the checkouts that the buyer paid."""
        self.proved = None
        self.look()
        assert not Hold.objects.filter(account=self.pk).exists()
        for purchase in Purchase.objects.filter(account=self.pk):
            is_paid = bool(purchase.provider_customer) and "succeeded" in self.payments(purchase)
            assert (purchase.state == Purchase.State.CREDITED) == is_paid
            assert is_paid or purchase.pk not in paid
            if is_paid:
                self._compare(purchase)

    def _compare(self, purchase: Purchase) -> None:
        """Refunds and disputes are those of the provider."""
        told = self.sandbox._get(f"/v1/refunds?limit=100&payment_intent={purchase.provider_payment}")["data"]
        sent = sorted(each["amount"] for each in told if each["status"] != "failed")
        booked = purchase.refunds.exclude(state=Refund.State.FAILED).values_list("cents", flat=True)
        assert sent == sorted(booked)
        argued = self.sandbox._get(f"/v1/disputes?limit=100&payment_intent={purchase.provider_payment}")["data"]
        words = {"needs_response": "open"}
        assert {each["id"]: words.get(each["status"], each["status"]) for each in argued} == dict(
            purchase.disputes.values_list("provider_dispute", "state")
        )

    def payments(self, purchase: Purchase) -> list[str]:
        """What became of each payment that the provider has of the purchase."""
        found = self.sandbox._get(f"/v1/payment_intents?limit=100&customer={purchase.provider_customer}")["data"]
        return [each["status"] for each in found if each["metadata"].get("purchase") == str(purchase.pk)]

    def _status(self, dispute: str) -> str:
        return str(self.sandbox._get(f"/v1/disputes/{dispute}")["status"])
