"""An auditor of one account: compares new ledger entries with books of its own and with the payment provider."""

import uuid

from billing.credits import reconciliation
from billing.models import CreditAccount, Dispute, LedgerEntry, Lot, Purchase, Refund
from billing.payments import disputes
from common.money import PICO_PER_CENT
from gateway.models import Hold
from tests.billing.auto_top_ups import payment_statuses
from tests.billing.stripe_sandbox import Sandbox

from .books import Books

Kind = LedgerEntry.Kind


class Auditor:
    """The account's expected `books`, and the disputes that an operator has overridden by unfreezing it."""

    def __init__(self, sandbox: Sandbox, account: int) -> None:
        self.sandbox = sandbox
        self.pk = account
        self.books = Books()
        self.last_entry = 0
        self.overridden: set[str] = set()
        self.codes: dict[int, int] = {}  # redeemed code -> its place among the lots
        self.reconciled: tuple[int, int, int, str] | None = None  # the account's figures at the last reconciliation

    def audit(self) -> None:
        """Explain every new entry, and compare balance, lots and entries with the books."""
        new = LedgerEntry.objects.filter(account=self.pk, pk__gt=self.last_entry).select_related("purchase")
        for entry in new.order_by("pk"):
            self._explain(entry)
            self.last_entry = entry.pk
        account, books = CreditAccount.objects.get(pk=self.pk), self.books
        assert (account.credits, account.usage, account.held) == (books.credits, books.usage, books.held)
        assert list(account.lots.order_by("pk").values_list("amount", flat=True)) == [lot.amount for lot in books.lots]
        assert list(account.entries.order_by("pk").values_list("kind", "amount")) == books.entries
        assert account.available >= 0 or account.frozen_reason
        figures = (account.credits, account.usage, account.held, account.frozen_reason)
        if figures != self.reconciled:
            assert reconciliation.faults() == []
            self.reconciled = figures
        withdrawn = Dispute.objects.filter(purchase__account=self.pk, state__in=disputes.FUNDS_WITHDRAWN)
        if withdrawn.exclude(provider_dispute__in=self.overridden).exists():
            assert account.frozen_reason

    def _explain(self, entry: LedgerEntry) -> None:
        """Check that the entry follows from the books and from the provider's state, and add it to the books."""
        books, purchase, amount = self.books, entry.purchase, abs(entry.amount)
        if entry.kind in {Kind.PROMOTION, Kind.EXPIRY}:
            self._explain_code(entry)
            return
        assert purchase is not None
        if entry.kind == Kind.PURCHASE:
            assert not books.has(purchase.pk), "credited twice"
            assert payment_statuses(self.sandbox, purchase).count("succeeded") == 1
            assert entry.amount == purchase.credit_cents * PICO_PER_CENT
            books.add(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.REFUND:
            refund = Refund.objects.get(pk=entry.reference)
            assert entry.amount == -refund.credit_cents * PICO_PER_CENT
            if refund.origin == Refund.Origin.BUTTON:
                assert refund.credit_cents == refund.cents
                assert amount <= books.unspent(books.lot_of(purchase.pk)), "spent credits were refunded"
            books.take(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.REFUND_REVERSAL:
            assert Refund.objects.get(pk=entry.reference).state == Refund.State.FAILED
            books.restore(purchase.pk, amount, entry.kind)
        elif entry.kind == Kind.DISPUTE:
            disputed = purchase.total_cents * PICO_PER_CENT
            assert amount == min(disputed, books.lot_of(purchase.pk).amount)
            books.claw_back(purchase.pk, amount, entry.kind)
        else:
            assert entry.kind == Kind.DISPUTE_REVERSAL
            dispute = self.sandbox.get(f"/v1/disputes/{entry.reference.partition(':')[0]}")
            assert dispute["status"] in {"won", "warning_closed"}
            books.restore(purchase.pk, amount, entry.kind)

    def _explain_code(self, entry: LedgerEntry) -> None:
        """Check that a code was redeemed once, or that only the credits of a code have expired."""
        books = self.books
        if entry.kind == Kind.PROMOTION:
            code = entry.redemption.code
            assert entry.purchase is None and entry.amount == code.cents * PICO_PER_CENT
            assert code.pk not in self.codes, "redeemed twice"
            self.codes[code.pk] = len(books.lots)
            books.add(None, entry.amount, entry.kind)
            return
        lot = Lot.objects.get(pk=entry.reference.split(":")[1])
        expected = books.lots[self.codes[lot.entry.redemption.code_id]]
        assert -entry.amount == books.unspent(expected) > 0
        books.expire(expected, entry.kind)

    def close(self, paid: set[uuid.UUID]) -> None:
        """Check at the end that nothing is missing. `paid` are the purchases whose payment page the buyer paid."""
        self.reconciled = None
        self.audit()
        assert not Hold.objects.filter(account=self.pk).exists()
        for purchase in Purchase.objects.filter(account=self.pk):
            is_paid = bool(purchase.provider_customer) and "succeeded" in payment_statuses(self.sandbox, purchase)
            assert (purchase.state == Purchase.State.CREDITED) == is_paid
            assert is_paid or purchase.pk not in paid
            if is_paid:
                self._compare(purchase)

    def _compare(self, purchase: Purchase) -> None:
        """Check that refunds and disputes are those of the provider."""
        listed = self.sandbox.get(f"/v1/refunds?limit=100&payment_intent={purchase.provider_payment}")["data"]
        made = sorted(refund["amount"] for refund in listed if refund["status"] != "failed")
        recorded = purchase.refunds.exclude(state=Refund.State.FAILED).values_list("cents", flat=True)
        assert made == sorted(recorded)
        listed = self.sandbox.get(f"/v1/disputes?limit=100&payment_intent={purchase.provider_payment}")["data"]
        states = {"needs_response": "open"}
        assert {each["id"]: states.get(each["status"], each["status"]) for each in listed} == dict(
            purchase.disputes.values_list("provider_dispute", "state")
        )
