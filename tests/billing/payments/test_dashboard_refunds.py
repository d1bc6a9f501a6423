"""Refunds that somebody makes in the provider's dashboard: their credits go, and come back when the bank refuses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.credits import ledger
from billing.models import LedgerEntry, Purchase, Refund
from billing.payments import refunds, sweeps
from billing.providers import stripe, types
from common.money import PICO_PER_CENT, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, deliver, sound, spend

State = Refund.State


def in_the_dashboard(sandbox, purchase: Purchase, **what) -> dict:
    refund = sandbox._post("/_test/refunds", payment_intent=purchase.provider_payment, **what)
    return next(
        event
        for event in sandbox._all("events")
        if event["type"] == "refund.created" and event["data"]["object"]["id"] == refund["id"]
    )


def test_a_refund_in_the_dashboard_takes_the_credits_off(client, sandbox, bought, empty_account):
    event = in_the_dashboard(sandbox, bought, amount=400)
    for _ in range(2):
        assert deliver(client, event).status_code == 200

    refund = Refund.objects.get()
    assert (refund.origin, refund.state, refund.cents, refund.credit_cents) == ("external", "succeeded", 400, 400)
    assert credits_of(empty_account) == 600
    assert sound()


def test_a_full_refund_in_the_dashboard_gives_the_fee_back_too(client, sandbox, bought, empty_account):
    deliver(client, in_the_dashboard(sandbox, bought))

    refund = Refund.objects.get()
    assert (refund.cents, refund.credit_cents, refund.goodwill_cents) == (1080, 1000, 80)
    assert credits_of(empty_account) == 0
    assert sound()


def test_a_refund_in_the_dashboard_of_spent_credits_never_goes_below_zero(client, sandbox, bought, empty_account):
    spend(empty_account, used=900, held=50)
    deliver(client, in_the_dashboard(sandbox, bought, amount=1000))

    refund = Refund.objects.get()
    assert (refund.cents, refund.credit_cents) == (1000, 50)
    empty_account.refresh_from_db()
    assert empty_account.available == 0
    assert sound()


def test_a_refund_in_the_dashboard_falls_back_on_other_credits(client, sandbox, bought, empty_account):
    spend(empty_account, used=800)
    ledger.add(empty_account, pico_from_cents(500), kind=LedgerEntry.Kind.GRANT, reference="a gift")
    deliver(client, in_the_dashboard(sandbox, bought, amount=600))

    assert Refund.objects.get().credit_cents == 600
    assert [lot.amount // PICO_PER_CENT for lot in empty_account.lots.order_by("pk")] == [800, 100]
    assert sound()

    refund = Refund.objects.get()
    sandbox._post(f"/_test/refunds/{refund.provider_refund}/fail")
    refunds.sync(bought)
    assert [lot.amount // PICO_PER_CENT for lot in empty_account.lots.order_by("pk")] == [1000, 500]
    assert sound()


def test_a_refund_that_nobody_told_us_about_is_found_in_the_providers_list(sandbox, bought, empty_account):
    in_the_dashboard(sandbox, bought, amount=400)
    sweeps.recover_missed_payments()
    sweeps.recover_missed_payments()
    assert credits_of(empty_account) == 600
    assert Refund.objects.count() == 1


def test_a_refund_before_the_credits_is_booked_with_them(client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    payment = sandbox.session(purchase)["payment_intent"]
    sandbox._post("/_test/refunds", payment_intent=payment, amount=1080)
    told = next(event for event in sandbox._all("events") if event["type"] == "charge.refunded")

    assert deliver(client, told).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert Refund.objects.get().credit_cents == 1000
    assert credits_of(empty_account) == 0
    assert sound()


# --- Those that fail --------------------------------------------------------------------------------


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
            sandbox._post(f"/_test/refunds/{listed[0].id}/fail")
            failed = next(each for each in sandbox._all("events") if each["type"] == "refund.failed")
            assert deliver(client, failed).status_code == 200
            assert not Refund.objects.exists()
            if outage:
                sandbox.fail("refuse", status=503, count=3)
            return listed

        monkeypatch.setattr(stripe, "refunds_of", list_then_fail)

    return prepare


def test_one_that_fails_between_being_listed_and_being_booked_gives_its_credits_back(
    sandbox, bought, empty_account, fail_when_listed
):
    in_the_dashboard(sandbox, bought, amount=400)
    fail_when_listed()

    refunds.sync(bought)

    refund = Refund.objects.get()
    assert (refund.state, refund.failure) == (State.FAILED, "The bank sent the money back.")
    assert credits_of(empty_account) == 1000
    assert sound()


def test_one_whose_second_look_was_lost_is_settled_by_the_clock(sandbox, bought, empty_account, fail_when_listed):
    in_the_dashboard(sandbox, bought, amount=400)
    fail_when_listed(outage=True)
    with pytest.raises(types.Unavailable):
        refunds.sync(bought)
    assert (Refund.objects.get().state, Refund.objects.get().synced_at) == (State.PENDING, None)

    sweeps.sweep()  # too young: whoever booked it may still be at work
    assert credits_of(empty_account) == 600
    Refund.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    sweeps.sweep()
    assert Refund.objects.get().state == State.FAILED
    assert credits_of(empty_account) == 1000
    assert sound()


def test_one_that_fails_later_without_an_event_is_found_in_the_providers_list(sandbox, bought, empty_account):
    in_the_dashboard(sandbox, bought, amount=400)
    sweeps.recover_missed_payments()
    refund = Refund.objects.get()
    assert refund.state == State.SUCCEEDED
    sandbox._post(f"/_test/refunds/{refund.provider_refund}/fail")

    sweeps.recover_missed_payments()
    assert Refund.objects.get().state == State.FAILED
    assert credits_of(empty_account) == 1000
    assert sound()


def test_one_that_had_failed_before_we_heard_of_it_is_not_asked_about(sandbox, bought, empty_account, monkeypatch):
    told = in_the_dashboard(sandbox, bought, amount=400)
    sandbox._post(f"/_test/refunds/{told['data']['object']['id']}/fail")
    asked: list[Purchase] = []
    monkeypatch.setattr(refunds, "sync", asked.append)

    sweeps.recover_missed_payments()

    assert asked == []
    assert not Refund.objects.exists()


# --- At the same time -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_refund_in_the_dashboard_that_everybody_hears_of_at_once_is_booked_once(sandbox, bought, empty_account):
    in_the_dashboard(sandbox, bought, amount=400)

    results = all_at_once(*[lambda: refunds.sync(bought)] * 4)

    assert results == [None] * 4
    assert Refund.objects.count() == 1
    assert credits_of(empty_account) == 600
    assert sound()
