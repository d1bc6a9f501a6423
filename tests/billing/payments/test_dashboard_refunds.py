"""Refunds made in the provider's dashboard: their credits are taken, and restored if the refund fails."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.credits import ledger
from billing.models import LedgerEntry, Purchase, Refund
from billing.payments import purchases, refunds, sweeps
from billing.providers import stripe, types
from common.money import PICO_PER_CENT, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, deliver, sound, spend

State = Refund.State


# --- By every provider ------------------------------------------------------------------------------


@pytest.fixture
def credited(payments) -> Purchase:
    purchase = payments.buy()
    payments.pay(purchase)
    return purchases.sync(purchase)


def test_a_dashboard_refund_takes_its_credits(client, payments, credited, empty_account):
    payments.refund(credited, 400)
    for event in payments.events(credited) * 2:
        assert payments.deliver(client, event).status_code == 200

    refund = Refund.objects.get()
    assert (refund.origin, refund.state, refund.cents, refund.credit_cents) == ("external", "succeeded", 400, 400)
    assert credits_of(empty_account) == 600
    assert sound()


def test_a_dashboard_refund_without_an_event_is_found_by_listing(payments, credited, empty_account):
    payments.refund(credited, 1000 + payments.fee_cents)
    sweeps.recover_missed_payments()
    sweeps.recover_missed_payments()

    refund = Refund.objects.get()
    assert (refund.cents, refund.credit_cents) == (1000 + payments.fee_cents, 1000)
    assert credits_of(empty_account) == 0
    assert sound()


def test_a_refund_before_the_credit_is_recorded_with_it(payments, empty_account):
    purchase = payments.buy()
    payments.pay(purchase)
    payments.refund(purchase, 1000 + payments.fee_cents)

    assert purchases.sync(purchase).state == Purchase.State.CREDITED
    assert Refund.objects.get().credit_cents == 1000
    assert credits_of(empty_account) == 0
    assert sound()


# --- Spent credits ----------------------------------------------------------------------------------


def refund_in_dashboard(sandbox, purchase: Purchase, **how) -> dict:
    """Refund in the dashboard; the event about it."""
    refund = sandbox.post("/_test/refunds", payment_intent=purchase.provider_payment, **how)
    return sandbox.event("refund.created", refund["id"])


def test_a_full_dashboard_refund_includes_the_fee(client, sandbox, bought, empty_account):
    deliver(client, refund_in_dashboard(sandbox, bought))

    refund = Refund.objects.get()
    assert (refund.cents, refund.credit_cents, refund.goodwill_cents) == (1080, 1000, 80)
    assert credits_of(empty_account) == 0
    assert sound()


def test_an_event_about_a_refunded_charge_credits_and_refunds(client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    sandbox.post("/_test/refunds", payment_intent=sandbox.session(purchase)["payment_intent"], amount=1080)

    assert deliver(client, sandbox.event("charge.refunded")).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert Refund.objects.get().credit_cents == 1000
    assert credits_of(empty_account) == 0
    assert sound()


def test_a_dashboard_refund_of_spent_credits_does_not_make_the_balance_negative(client, sandbox, bought, empty_account):
    spend(empty_account, used=900, held=50)
    deliver(client, refund_in_dashboard(sandbox, bought, amount=1000))

    refund = Refund.objects.get()
    assert (refund.cents, refund.credit_cents) == (1000, 50)
    empty_account.refresh_from_db()
    assert empty_account.available == 0
    assert sound()


def test_a_dashboard_refund_of_spent_credits_takes_other_credits(client, sandbox, bought, empty_account):
    spend(empty_account, used=800)
    ledger.add(empty_account, pico_from_cents(500), kind=LedgerEntry.Kind.GRANT, reference="a gift")
    deliver(client, refund_in_dashboard(sandbox, bought, amount=600))

    refund = Refund.objects.get()
    assert refund.credit_cents == 600
    assert [lot.amount // PICO_PER_CENT for lot in empty_account.lots.order_by("pk")] == [800, 100]
    assert sound()

    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    refunds.sync(bought)
    assert [lot.amount // PICO_PER_CENT for lot in empty_account.lots.order_by("pk")] == [1000, 500]
    assert sound()


# --- Failures ---------------------------------------------------------------------------------------


@pytest.fixture
def fail_when_listed(client, sandbox, monkeypatch):
    """The refund fails right after it is listed, and its event arrives before it is recorded.

    With `outage` the provider is unavailable from then on.
    """
    refunds_of = stripe.refunds_of

    def prepare(*, outage: bool = False) -> None:
        def list_then_fail(payment_id: str):
            monkeypatch.setattr(stripe, "refunds_of", refunds_of)
            listed = refunds_of(payment_id)
            sandbox.post(f"/_test/refunds/{listed[0].id}/fail")
            assert deliver(client, sandbox.event("refund.failed")).status_code == 200
            assert not Refund.objects.exists()
            if outage:
                sandbox.fail("refuse", status=503, count=3)
            return listed

        monkeypatch.setattr(stripe, "refunds_of", list_then_fail)

    return prepare


def test_a_refund_that_fails_before_it_is_recorded_restores_its_credits(
    sandbox, bought, empty_account, fail_when_listed
):
    refund_in_dashboard(sandbox, bought, amount=400)
    fail_when_listed()

    refunds.sync(bought)

    refund = Refund.objects.get()
    assert (refund.state, refund.failure) == (State.FAILED, "The bank returned the money.")
    assert credits_of(empty_account) == 1000
    assert sound()


def test_a_refund_recorded_during_an_outage_is_synced_by_the_sweep(sandbox, bought, empty_account, fail_when_listed):
    refund_in_dashboard(sandbox, bought, amount=400)
    fail_when_listed(outage=True)
    with pytest.raises(types.Unavailable):
        refunds.sync(bought)
    assert (Refund.objects.get().state, Refund.objects.get().synced_at) == (State.PENDING, None)

    sweeps.sweep()  # too early: the process that recorded it may still be running
    assert credits_of(empty_account) == 600
    Refund.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    sweeps.sweep()
    assert Refund.objects.get().state == State.FAILED
    assert credits_of(empty_account) == 1000
    assert sound()


def test_a_later_failure_without_an_event_is_found_by_listing(sandbox, bought, empty_account):
    refund_in_dashboard(sandbox, bought, amount=400)
    sweeps.recover_missed_payments()
    refund = Refund.objects.get()
    assert refund.state == State.SUCCEEDED
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")

    sweeps.recover_missed_payments()
    assert Refund.objects.get().state == State.FAILED
    assert credits_of(empty_account) == 1000
    assert sound()


def test_a_refund_that_failed_before_we_recorded_it_is_not_synced(sandbox, bought, monkeypatch):
    event = refund_in_dashboard(sandbox, bought, amount=400)
    sandbox.post(f"/_test/refunds/{event['data']['object']['id']}/fail")
    synced: list[Purchase] = []
    monkeypatch.setattr(refunds, "sync", synced.append)

    sweeps.recover_missed_payments()

    assert synced == []
    assert not Refund.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_dashboard_refund_synced_many_times_at_once_is_recorded_once(sandbox, bought, empty_account):
    refund_in_dashboard(sandbox, bought, amount=400)

    results = all_at_once(*[lambda: refunds.sync(bought)] * 4)

    assert results == [None] * 4
    assert Refund.objects.count() == 1
    assert credits_of(empty_account) == 600
    assert sound()
