"""Anything may happen to an account in any order, and every balance, lot and entry stays explained.

Hypothesis draws purchases, requests, refunds, disputes, top-ups, webhooks that come twice, late or never, failures
of the provider, and a process that dies between any two statements. After each step an auditor (`auditor.py`) with
books of its own replays the new ledger entries: each must follow from what the provider knows. In the end everybody
is heard, and nothing may be missing.
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
from django.db import connection
from django.db.models import F
from django.test import Client
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
from billing.models import AutoTopUp, CreditAccount, Dispute, ProviderEvent, Purchase, Refund
from billing.payments import auto_top_up_charges, checkouts, disputes, purchases, refunds, sweeps
from billing.providers import types
from common.errors import PaymentRequired
from common.money import PICO_PER_CENT, PicoUsd
from gateway.accounting import reaper, settlement
from gateway.accounting.rows import GenerationRow
from gateway.models import Generation, Hold
from tests.conftest import make_user

from .auditor import Auditor
from .auto_top_ups import save_card, turn_on
from .conftest import buy, deliver

THRESHOLD_CENTS, TOP_UP_CENTS = 500, 1000
GOOD_CARD, BAD_CARD = "4242424242424242", "4000000000000341"


#: More of both find more. No new account is begun after so many seconds: the suite has other tests, too.
EXAMPLES, STEPS, SECONDS = 8, 30, 8.0


class Died(BaseException):
    """The process is gone: nobody catches this, and nothing after it is run."""


@contextmanager
def dying(after: int) -> Iterator[None]:
    """The process dies before the statement with this number; what was not committed is lost."""
    left = after

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield


#: What goes wrong during a step: nothing, mostly; or the process dies; or the provider's API fails, with all retries.
TROUBLE = st.one_of(
    st.just(("", 0)),
    st.just(("", 0)),
    st.tuples(st.just("die"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["refuse", "crash", "drop"]), st.just(3)),
)


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that does nothing once the time is over."""

    def decorate(happens: Callable[..., None]) -> Any:
        @wraps(happens)
        def in_time(self: "Account", **arguments: Any) -> None:
            if not self.is_late:
                happens(self, **arguments)

        return rule(**drawn)(in_time)

    return decorate


class Account(RuleBasedStateMachine):
    """One account, everything that can happen to it, and the auditor.

    No rule has a precondition: what may happen next must not depend on what a death has left behind, or Hypothesis
    could not tell one run from another.
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
        self.paid: set[uuid.UUID] = set()  # checkouts that the buyer has paid
        self.open: dict[str, int] = {}  # requests that have not settled, and the most that they expect to cost
        self.reaped: set[str] = set()  # those of them that hold nothing any more
        self.requests = 0

    @property
    def account(self) -> CreditAccount:
        return CreditAccount.objects.get(pk=self.pk)

    @contextmanager
    def trouble(self, trouble: tuple[str, int]) -> Iterator[None]:
        what, number = trouble
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
                self.sandbox._post("/_test/reset")

    def pick(self, number: int, **which: Any) -> Purchase | None:
        found = list(Purchase.objects.filter(account=self.pk, **which).order_by("created_at", "pk"))
        return found[number % len(found)] if found else None

    # --- Buying

    @initialize()
    def begins(self) -> None:
        if self.is_late:
            return
        card = save_card(self.sandbox, self.account, self.user)
        turn_on(self.account, self.user, card, threshold_cents=THRESHOLD_CENTS, amount_cents=TOP_UP_CENTS)
        bad = save_card(self.sandbox, self.account, self.user, BAD_CARD)
        self.cards = [card, bad]
        self.buys(cents=3000, pays=True, trouble=("", 0))
        self.comes_back_from_the_payment_page(number=0, trouble=("", 0))

    @step(cents=st.integers(500, 3000), pays=st.booleans(), trouble=TROUBLE)
    def buys(self, cents: int, pays: bool, trouble: tuple[str, int]) -> None:
        if self.account.refuses_purchases:
            with pytest.raises(checkouts.AccountFrozen):
                buy(self.account, self.user, cents)
            return
        with self.trouble(trouble):
            purchase = buy(self.account, self.user, cents)
            if pays:
                self.sandbox.pay(purchase)
                self.paid.add(purchase.pk)

    @step(number=st.integers(0, 9), trouble=TROUBLE)
    def comes_back_from_the_payment_page(self, number: int, trouble: tuple[str, int]) -> None:
        if purchase := self.pick(number, source=Purchase.Source.MANUAL):
            with self.trouble(trouble):
                purchase = purchases.sync(purchase)
                assert (purchase.state == Purchase.State.CREDITED) == (purchase.pk in self.paid)

    # --- Hearing

    @step(chosen=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 3)), min_size=1, max_size=4), trouble=TROUBLE)
    def webhooks_arrive(self, chosen: list[tuple[int, int]], trouble: tuple[str, int]) -> None:
        """Some, in any order, some more than once; the others are late or lost."""
        names = {str(pk) for pk in Purchase.objects.filter(account=self.pk).values_list("pk", flat=True)}
        names |= set(Purchase.objects.filter(account=self.pk).values_list("provider_payment", flat=True)) - {None}
        told = [event for event in self.sandbox._get("/v1/events?limit=60")["data"] if self.about(event, names)]
        if not told:
            return
        with self.trouble(trouble):
            for number, copies in chosen:
                for _ in range(copies):
                    assert deliver(Client(), told[number % len(told)]).status_code in {200, 500}

    @staticmethod
    def about(event: dict[str, Any], names: set[str]) -> bool:
        thing = event["data"]["object"]
        return bool(names & {str((thing.get("metadata") or {}).get("purchase")), str(thing.get("payment_intent"))})

    @step(hours=st.sampled_from([0.05, 0.05, 2, 25]), trouble=TROUBLE)
    def the_clock_strikes(self, hours: float, trouble: tuple[str, int]) -> None:
        self.later(hours)
        with self.trouble(trouble):
            sweeps.sweep()
            sweeps.charge_auto_top_ups()
            sweeps.recover_missed_payments()

    def later(self, hours: float) -> None:
        """So much time goes by, everywhere but at the provider."""
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
            generation=row, prompt_cost=PicoUsd(wanted), token_price=Decimal(0), requested_tokens=10, most_tokens=10
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
        """With everything that was under way; the reaper comes by. Some of it may have been only slow, and settles."""
        lost = self.open.keys() - self.reaped
        Hold.objects.filter(pk__in=lost).update(process_id="dead", created_at=datetime.now(UTC) - timedelta(minutes=5))
        assert reaper.reap() == len(lost)
        self.books.held = 0
        self.reaped |= lost

    # --- Giving back

    @step(number=st.integers(0, 9), trouble=TROUBLE)
    def asks_for_a_refund(self, number: int, trouble: tuple[str, int]) -> None:
        purchase = self.pick(number, state=Purchase.State.CREDITED)
        if purchase is None:
            return
        unspent = self.books.unspent(self.books.lot_of(purchase.pk)) // PICO_PER_CENT
        with self.trouble(trouble):
            try:
                offered = refunds.offer(purchase)
            except refunds.NotRefundable:
                return
            assert offered.cents == unspent
            refunds.request(purchase, self.user, cents=offered.cents)

    @step(number=st.integers(0, 9), cents=st.integers(1, 1500), trouble=TROUBLE)
    def somebody_refunds_in_the_dashboard(self, number: int, cents: int, trouble: tuple[str, int]) -> None:
        if purchase := self.pick(number, state=Purchase.State.CREDITED):
            given = {"payment_intent": purchase.provider_payment, "amount": cents}
            self.sandbox._post("/_test/refunds", accepts={200, 400}, **given)
            with self.trouble(trouble):
                refunds.sync(purchase)

    @step(number=st.integers(0, 9), is_heard=st.booleans())
    def a_bank_sends_a_refund_back(self, number: int, is_heard: bool) -> None:
        found = list(Refund.objects.filter(purchase__account=self.pk).exclude(provider_refund=None).order_by("pk"))
        if found:
            refund = found[number % len(found)]
            self.sandbox._post(f"/_test/refunds/{refund.provider_refund}/fail", accepts={200, 400})
            if is_heard:
                refunds.sync(refund.purchase)

    @step(number=st.integers(0, 9), is_heard=st.booleans(), trouble=TROUBLE)
    def a_bank_disputes(self, number: int, is_heard: bool, trouble: tuple[str, int]) -> None:
        if purchase := self.pick(number, state=Purchase.State.CREDITED):
            self.sandbox._post("/_test/disputes", accepts={200, 400}, payment_intent=purchase.provider_payment)
            if is_heard:
                with self.trouble(trouble):
                    disputes.sync(purchase)

    @step(number=st.integers(0, 9), verdict=st.sampled_from(["win", "win", "lose"]), trouble=TROUBLE)
    def a_bank_decides(self, number: int, verdict: str, trouble: tuple[str, int]) -> None:
        found = list(Dispute.objects.filter(purchase__account=self.pk).order_by("pk"))
        if found:
            dispute = found[number % len(found)]
            self.sandbox._post(f"/_test/disputes/{dispute.provider_dispute}/{verdict}", accepts={200, 400})
            with self.trouble(trouble):
                disputes.sync(dispute.purchase)

    @step()
    def an_operator_lets_the_account_go_on(self) -> None:
        lost = Dispute.objects.filter(purchase__account=self.pk)
        if not lost.filter(state=Dispute.State.OPEN).exists() and disputes.unfreeze(self.account):
            self.auditor.thawed |= set(lost.values_list("provider_dispute", flat=True))

    # --- Topping up

    @step(number=st.integers(0, 1), trouble=TROUBLE)
    def it_tops_itself_up(self, number: int, trouble: tuple[str, int]) -> None:
        AutoTopUp.objects.filter(account=self.pk).update(card=self.cards[number], is_on=True)
        with self.trouble(trouble):
            attempt = auto_top_up_charges.charge_if_low(self.pk)
            if attempt is not None and not trouble[0]:
                assert self.books.credits - self.books.usage < THRESHOLD_CENTS * PICO_PER_CENT
                assert (attempt.state == Purchase.State.CREDITED) == (number == 0)

    # --- What must hold

    @invariant()
    def everything_is_explained(self) -> None:
        if not self.is_late:
            self.auditor.look()

    def teardown(self) -> None:
        """Everybody is heard in the end: whatever was paid, refunded or disputed is booked, and no hold is left."""
        if self.is_late:
            return
        AutoTopUp.objects.filter(account=self.pk).update(is_on=False)
        for _ in range(2):
            self.later(1.5)
            sweeps.sweep()
            sweeps.recover_missed_payments()
        for purchase in Purchase.objects.filter(account=self.pk):
            refunds.sync(purchase)
        self.the_gateway_dies()
        self.auditor.close(self.paid)


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_in_whatever_order_every_balance_lot_and_entry_is_explained(sandbox, monkeypatch):
    monkeypatch.setattr(stripe._http_client.HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(stripe._http_client.HTTPClient, "MAX_DELAY", 0.002)
    monkeypatch.setattr(tasks.charge_auto_top_up, "delay", lambda account: None)  # lost: the clock looks as well
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
