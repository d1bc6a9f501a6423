"""A state machine of one account: whatever happens in whatever order, every balance, lot and entry is explained.

Hypothesis draws purchases, codes, requests, refunds, disputes, auto top-ups, webhooks that arrive twice, late or never,
outages of the provider, and processes that die between any two SQL statements. After each step an auditor
(`auditor.py`) checks that each new ledger entry follows from the provider's state and from books of its own. At the
end everything is synced, and nothing may be missing.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any

import pytest
import stripe
from django.db.models import F
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing import spending, tasks
from billing.credits import expiry, promotions
from billing.models import AutoTopUp, CreditAccount, Dispute, Lot, PromotionalCode, ProviderEvent, Purchase, Refund
from billing.payments import auto_top_up_charges, checkouts, disputes, purchases, refunds, sweeps
from billing.providers import types
from common.errors import PaymentRequired
from common.money import PICO_PER_CENT, PicoUsd
from common.telemetry.jobs import JobFailed
from gateway.accounting import reaper, settlement
from gateway.accounting.rows import GenerationRow
from gateway.models import Generation, Hold
from tests.billing.auto_top_ups import save_card, turn_on
from tests.billing.conftest import buy, deliver
from tests.conftest import make_user

from .auditor import Auditor
from .dying import Died, dying

THRESHOLD_CENTS, TOP_UP_CENTS = 500, 1000
GOOD_CARD, BAD_CARD = "4242424242424242", "4000000000000341"


#: More of both find more. After this many seconds no new account is started, to limit the time of the suite.
EXAMPLES, STEPS, SECONDS = 8, 30, 8.0


#: A fault during a step: mostly none; or the process dies; or the provider's API fails, including retries.
FAULTS = st.one_of(
    st.just(("", 0)),
    st.just(("", 0)),
    st.tuples(st.just("die"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["refuse", "crash", "drop"]), st.just(3)),
)


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that does nothing once the time is up."""

    def decorate(action: Callable[..., None]) -> Any:
        @wraps(action)
        def in_time(self: "Account", **arguments: Any) -> None:
            if not self.is_late:
                action(self, **arguments)

        return rule(**drawn)(in_time)

    return decorate


class Account(RuleBasedStateMachine):
    """One account, everything that can happen to it, and its auditor.

    No rule has a precondition: it would depend on the state that a dying process leaves behind, which Hypothesis
    could not reproduce.
    """

    sandbox: Any
    until: float

    def __init__(self) -> None:
        super().__init__()
        self.is_late = time.monotonic() > self.until
        if self.is_late:
            return
        self.user = make_user(f"{uuid.uuid4().hex}@example.com")
        self.pk = spending.account_of(self.user.personal_organisation).pk
        self.auditor = Auditor(self.sandbox, self.pk)
        self.books = self.auditor.books
        self.paid: set[uuid.UUID] = set()  # purchases whose payment page was paid
        self.open: dict[str, int] = {}  # unsettled requests and their holds, in pico-USD
        self.reaped: set[str] = set()  # unsettled requests whose hold the reaper has released
        self.requests = 0

    @property
    def account(self) -> CreditAccount:
        return CreditAccount.objects.get(pk=self.pk)

    @contextmanager
    def fault(self, fault: tuple[str, int]) -> Iterator[None]:
        what, number = fault
        try:
            if what == "die":
                with dying(number):
                    yield
            else:
                if what:
                    self.sandbox.fail(what, count=number, status=503)
                yield
        except (Died, types.ProviderError, refunds.NotRefundable, refunds.AmountChanged):
            if not what:
                raise
        finally:
            if what not in {"", "die"}:
                self.sandbox.post("/_test/reset")

    def pick(self, number: int, **which: Any) -> Purchase | None:
        found = list(Purchase.objects.filter(account=self.pk, **which).order_by("created_at", "pk"))
        return found[number % len(found)] if found else None

    # --- Buying

    @initialize()
    def start_with_a_card_and_credits(self) -> None:
        if self.is_late:
            return
        card = save_card(self.sandbox, self.account, self.user)
        turn_on(self.account, self.user, card, threshold_cents=THRESHOLD_CENTS, amount_cents=TOP_UP_CENTS)
        bad = save_card(self.sandbox, self.account, self.user, BAD_CARD)
        self.cards = [card, bad]
        self.a_purchase_starts(cents=3000, pays=True, fault=("", 0))
        self.the_buyer_returns(number=0, fault=("", 0))

    @step(cents=st.integers(500, 3000), pays=st.booleans(), fault=FAULTS)
    def a_purchase_starts(self, cents: int, pays: bool, fault: tuple[str, int]) -> None:
        if self.account.refuses_purchases:
            with pytest.raises(checkouts.AccountFrozen):
                buy(self.account, self.user, cents)
            return
        with self.fault(fault):
            purchase = buy(self.account, self.user, cents)
            if pays:
                self.sandbox.pay(purchase)
                self.paid.add(purchase.pk)

    @step(number=st.integers(0, 9), fault=FAULTS)
    def the_buyer_returns(self, number: int, fault: tuple[str, int]) -> None:
        if purchase := self.pick(number, source=Purchase.Source.MANUAL):
            with self.fault(fault):
                purchase = purchases.sync(purchase)
                assert (purchase.state == Purchase.State.CREDITED) == (purchase.pk in self.paid)

    @step(number=st.integers(0, 2), cents=st.integers(1, 1500), fault=FAULTS)
    def a_code_is_redeemed(self, number: int, cents: int, fault: tuple[str, int]) -> None:
        code, _ = PromotionalCode.objects.get_or_create(
            code=f"CODE{self.pk}X{number}", defaults={"cents": cents, "max_uses": 1, "credit_days": 60}
        )
        with self.fault(fault), suppress(promotions.NotRedeemable):
            promotions.redeem(self.account, self.user, code.code)
            assert code.pk not in self.auditor.codes

    @step(fault=FAULTS)
    def codes_expire(self, fault: tuple[str, int]) -> None:
        mine = Lot.objects.filter(account=self.pk, entry__kind="promotion", expires_at__gt=timezone.now())
        mine.update(expires_at=timezone.now() - timedelta(seconds=1), expiry_warnings=2)
        with self.fault(fault):
            expiry.run()

    # --- Webhooks and periodic tasks

    @step(chosen=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 3)), min_size=1, max_size=4), fault=FAULTS)
    def webhooks_arrive(self, chosen: list[tuple[int, int]], fault: tuple[str, int]) -> None:
        """Deliver some events, in any order, some repeatedly; the others are late or lost."""
        names = {str(pk) for pk in Purchase.objects.filter(account=self.pk).values_list("pk", flat=True)}
        names |= set(Purchase.objects.filter(account=self.pk).values_list("provider_payment", flat=True)) - {None}
        events = [event for event in self.sandbox.get("/v1/events?limit=60")["data"] if self.about(event, names)]
        if not events:
            return
        with self.fault(fault):
            for number, copies in chosen:
                for _ in range(copies):
                    assert deliver(Client(), events[number % len(events)]).status_code in {200, 503}

    @staticmethod
    def about(event: dict[str, Any], names: set[str]) -> bool:
        thing = event["data"]["object"]
        return bool(names & {str((thing.get("metadata") or {}).get("purchase")), str(thing.get("payment_intent"))})

    @step(hours=st.sampled_from([0.05, 0.05, 2, 25]), fault=FAULTS)
    def periodic_tasks_run(self, hours: float, fault: tuple[str, int]) -> None:
        self.age(hours)
        with self.fault(fault):
            sweeps.sweep()
            sweeps.charge_auto_top_ups()
            with suppress(JobFailed):  # the provider was away
                sweeps.recover_missed_payments()

    def age(self, hours: float) -> None:
        """Move everything into the past by that many hours, except at the provider."""
        ago = timedelta(hours=hours)
        mine = Purchase.objects.filter(account=self.pk)
        mine.update(created_at=F("created_at") - ago, synced_at=F("synced_at") - ago, paid_at=F("paid_at") - ago)
        Refund.objects.filter(purchase__account=self.pk).update(
            created_at=F("created_at") - ago, synced_at=F("synced_at") - ago
        )
        AutoTopUp.objects.filter(account=self.pk).update(turned_on_at=F("turned_on_at") - ago)
        ProviderEvent.objects.update(received_at=F("received_at") - ago)

    # --- Spending

    @step(cents=st.integers(1, 2000), dust=st.integers(0, PICO_PER_CENT - 1), ends=st.booleans())
    def a_request_begins(self, cents: int, dust: int, ends: bool) -> None:
        self.requests += 1
        wanted = cents * PICO_PER_CENT + dust
        row = self.row(f"gen-{self.pk}-{self.requests}")
        admit = settlement.Admit(
            generation=row,
            prompt_cost=PicoUsd(wanted),
            token_price=Decimal(0),
            requested_tokens=10,
            model_max_tokens=10,
        )
        (result,) = settlement.write_batch([admit])
        if self.account.frozen_reason or wanted > self.books.available:
            assert isinstance(result, PaymentRequired)
        else:
            assert isinstance(result, settlement.Admission) and result.hold == wanted
            self.open[row.id] = wanted
            self.books.held += wanted
            if ends:
                self.a_request_ends(number=sorted(self.open).index(row.id), percent=100, times=1, die=None)

    def row(self, pk: str) -> GenerationRow:
        return GenerationRow(
            id=pk, account_id=self.pk, source="api", requested_model="acme/one", created_at=datetime.now(UTC)
        )

    @step(
        number=st.integers(0, 9),
        percent=st.integers(0, 130),
        times=st.integers(1, 2),
        die=st.none() | st.integers(0, 8),
    )
    def a_request_ends(self, number: int, percent: int, times: int, die: int | None) -> None:
        if not self.open:
            return
        pk = sorted(self.open)[number % len(self.open)]
        cost = self.open[pk] * percent // 100
        with suppress(Died), dying(10**6 if die is None else die):
            for _ in range(times):
                settlement.write_batch([settlement.Settle(generation=self.row(pk), cost=PicoUsd(cost))])
        if Generation.objects.filter(pk=pk, state=Generation.State.SETTLED).exists():
            expected = self.open.pop(pk)
            self.books.held -= 0 if pk in self.reaped else expected
            self.books.usage += max(0, min(cost, self.books.available))
        else:
            assert die is not None

    @step()
    def the_gateway_dies(self) -> None:
        """The reaper releases all holds. Some of the requests may only have been slow, and settle later."""
        lost = self.open.keys() - self.reaped
        Hold.objects.filter(pk__in=lost).update(process_id="dead", created_at=datetime.now(UTC) - timedelta(minutes=5))
        assert reaper.reap() == len(lost)
        self.books.held = 0
        self.reaped |= lost

    # --- Refunds and disputes

    @step(number=st.integers(0, 9), fault=FAULTS)
    def a_refund_is_requested(self, number: int, fault: tuple[str, int]) -> None:
        purchase = self.pick(number, state=Purchase.State.CREDITED)
        if purchase is None:
            return
        unspent = self.books.unspent(self.books.lot_of(purchase.pk)) // PICO_PER_CENT
        with self.fault(fault):
            try:
                offered = refunds.offer(purchase)
            except refunds.NotRefundable:
                return
            assert offered.cents == unspent
            refunds.request(purchase, self.user, cents=offered.cents)

    @step(number=st.integers(0, 9), cents=st.integers(1, 1500), fault=FAULTS)
    def a_refund_is_made_in_the_dashboard(self, number: int, cents: int, fault: tuple[str, int]) -> None:
        if purchase := self.pick(number, state=Purchase.State.CREDITED):
            given = {"payment_intent": purchase.provider_payment, "amount": cents}
            self.sandbox.post("/_test/refunds", accepts={200, 400}, **given)
            with self.fault(fault):
                refunds.sync(purchase)

    @step(number=st.integers(0, 9), is_synced=st.booleans())
    def a_bank_returns_a_refund(self, number: int, is_synced: bool) -> None:
        found = list(Refund.objects.filter(purchase__account=self.pk).exclude(provider_refund=None).order_by("pk"))
        if found:
            refund = found[number % len(found)]
            self.sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail", accepts={200, 400})
            if is_synced:
                refunds.sync(refund.purchase)

    @step(number=st.integers(0, 9), is_synced=st.booleans(), fault=FAULTS)
    def a_payment_is_disputed(self, number: int, is_synced: bool, fault: tuple[str, int]) -> None:
        if purchase := self.pick(number, state=Purchase.State.CREDITED):
            self.sandbox.post("/_test/disputes", accepts={200, 400}, payment_intent=purchase.provider_payment)
            if is_synced:
                with self.fault(fault):
                    disputes.sync(purchase)

    @step(number=st.integers(0, 9), verdict=st.sampled_from(["win", "win", "lose"]), fault=FAULTS)
    def a_dispute_is_decided(self, number: int, verdict: str, fault: tuple[str, int]) -> None:
        found = list(Dispute.objects.filter(purchase__account=self.pk).order_by("pk"))
        if found:
            dispute = found[number % len(found)]
            self.sandbox.post(f"/_test/disputes/{dispute.provider_dispute}/{verdict}", accepts={200, 400})
            with self.fault(fault):
                disputes.sync(dispute.purchase)

    @step()
    def an_operator_unfreezes_the_account(self) -> None:
        lost = Dispute.objects.filter(purchase__account=self.pk)
        if not lost.filter(state=Dispute.State.OPEN).exists() and disputes.unfreeze(self.account):
            self.auditor.overridden |= set(lost.values_list("provider_dispute", flat=True))

    # --- Auto top-up

    @step(number=st.integers(0, 1), fault=FAULTS)
    def auto_top_up_charges_a_card(self, number: int, fault: tuple[str, int]) -> None:
        AutoTopUp.objects.filter(account=self.pk).update(card=self.cards[number], is_on=True)
        with self.fault(fault):
            charge = auto_top_up_charges.charge_if_low(self.pk)
            if charge is not None and not fault[0]:
                assert self.books.credits - self.books.usage < THRESHOLD_CENTS * PICO_PER_CENT
                assert (charge.state == Purchase.State.CREDITED) == (number == 0)

    # --- Invariants

    @invariant()
    def every_entry_is_explained(self) -> None:
        if not self.is_late:
            self.auditor.audit()

    def teardown(self) -> None:
        """Sync everything: all payments, refunds and disputes are recorded, and no hold is left."""
        if self.is_late:
            return
        AutoTopUp.objects.filter(account=self.pk).update(is_on=False)
        for _ in range(2):
            self.age(1.5)
            sweeps.sweep()
            sweeps.recover_missed_payments()
        for purchase in Purchase.objects.filter(account=self.pk):
            refunds.sync(purchase)
        self.auditor.audit()  # before the holds are gone: the refunds above were taken while they covered lots
        self.the_gateway_dies()
        self.auditor.close(self.paid)


@pytest.mark.django_db(transaction=True)
def test_every_balance_lot_and_entry_is_explained_whatever_happens(sandbox, monkeypatch):
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.002)
    monkeypatch.setattr(
        tasks.charge_auto_top_up, "delay", lambda account: None
    )  # lost: the periodic task charges as well
    monkeypatch.setattr(Account, "sandbox", sandbox, raising=False)
    monkeypatch.setattr(Account, "until", time.monotonic() + SECONDS, raising=False)
    run_state_machine_as_test(
        Account,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
