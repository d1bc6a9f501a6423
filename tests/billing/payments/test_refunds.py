"""Refunds requested by buyers and operators."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from billing.credits import ledger, reconciliation
from billing.models import CreditAccount, LedgerEntry, Purchase, Refund
from billing.payments import refunds, sweeps
from common.money import PICO_PER_CENT, PicoUsd, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, deliver, paid, refunded_at_provider, sound, spend

State = Refund.State


# --- Requests ---------------------------------------------------------------------------------------


def test_unspent_credits_are_refunded_without_the_fee(sandbox, bought, empty_account, alice):
    assert refunds.offer(bought).cents == 1000

    refund = refunds.request(bought, alice, cents=1000)

    assert refund.state == State.SUCCEEDED
    assert refunded_at_provider(sandbox, bought) == [1000]  # of $10.80
    empty_account.refresh_from_db()
    assert (empty_account.credits, empty_account.purchased) == (0, 0)
    entry = LedgerEntry.objects.get(kind="refund")
    assert (entry.amount, entry.reference, entry.purchase) == (-pico_from_cents(1000), str(refund.pk), bought)
    assert refund.number == f"{empty_account.pk:06d}-C001"
    assert sound()


def test_spent_and_held_credits_are_not_refunded(sandbox, bought, empty_account, alice):
    spend(empty_account, used=250, held=100)

    assert refunds.request(bought, alice, cents=650).state == State.SUCCEEDED
    assert refunded_at_provider(sandbox, bought) == [650]
    assert credits_of(empty_account) == 350
    assert sound()


def test_parts_of_a_cent_stay_on_the_account(bought, empty_account, alice):
    CreditAccount.objects.update(usage=1)
    assert refunds.offer(bought).cents == 999

    refunds.request(bought, alice, cents=999)
    empty_account.refresh_from_db()
    assert empty_account.balance == PICO_PER_CENT - 1


def test_the_oldest_credits_are_spent_first(sandbox, bought, empty_account, alice):
    second = paid(sandbox, empty_account, alice, 2000)
    spend(empty_account, used=1200)

    with pytest.raises(refunds.NotRefundable, match="spent or on hold"):
        refunds.offer(bought)
    assert refunds.offer(second).cents == 1800


def test_refunding_an_older_purchase_keeps_newer_credits(sandbox, bought, empty_account, alice):
    second = paid(sandbox, empty_account, alice, 2000)
    spend(empty_account, used=300)

    refunds.request(bought, alice, cents=700)

    assert [lot.amount // PICO_PER_CENT for lot in empty_account.lots.order_by("pk")] == [300, 2000]
    assert refunds.offer(second).cents == 2000
    assert sound()


def test_nothing_can_be_refunded_after_a_day(bought, alice):
    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=24, seconds=1))
    with pytest.raises(refunds.NotRefundable, match="within 24 hours"):
        refunds.request(Purchase.objects.get(), alice, cents=1000)

    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert refunds.offer(Purchase.objects.get()).cents == 1000


def test_an_operator_may_refund_later(sandbox, bought, alice):
    Purchase.objects.update(paid_at=timezone.now() - timedelta(days=3))
    refund = refunds.request(Purchase.objects.get(), alice, cents=1000, origin=Refund.Origin.OPERATOR)
    assert refund.state == State.SUCCEEDED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"provider": "coinbase"}, "Cryptocurrency"),
        ({"state": "open", "credited_at": None}, "Only paid purchases"),
    ],
)
def test_unpaid_and_crypto_purchases_cannot_be_refunded(bought, change, message):
    Purchase.objects.update(**change)
    with pytest.raises(refunds.NotRefundable, match=message):
        refunds.offer(Purchase.objects.get())


def test_nothing_is_refunded_from_a_frozen_account(bought, alice):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    with pytest.raises(refunds.NotRefundable, match="A payment is disputed"):
        refunds.request(bought, alice, cents=1000)
    assert not Refund.objects.exists()


def test_a_changed_amount_is_not_refunded_unconfirmed(bought, empty_account, alice):
    spend(empty_account, used=1)
    with pytest.raises(refunds.AmountChanged):
        refunds.request(bought, alice, cents=1000)
    assert not Refund.objects.exists()
    assert credits_of(empty_account) == 1000


def test_a_purchase_is_refunded_once(sandbox, bought, alice):
    refunds.request(bought, alice, cents=1000)
    with pytest.raises(refunds.NotRefundable, match="already been refunded"):
        refunds.request(bought, alice, cents=1000)
    assert refunded_at_provider(sandbox, bought) == [1000]


def test_released_credits_can_be_refunded_later(sandbox, bought, empty_account, alice):
    spend(empty_account, held=400)
    refunds.request(bought, alice, cents=600)
    spend(empty_account, held=0)

    refunds.request(bought, alice, cents=400)
    assert refunded_at_provider(sandbox, bought) == [400, 600]
    assert [refund.number[-3:] for refund in Refund.objects.order_by("created_at")] == ["001", "002"]
    assert sound()


# --- Outages and failures ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["drop", "crash"])
def test_a_refund_whose_response_was_lost_is_made_once(sandbox, bought, empty_account, alice, mode):
    """The provider carries the refund out. With `crash` it also repeats the server error for the same key."""
    sandbox.fail(mode, count=3, path="/v1/refunds", method="POST")
    refund = refunds.request(bought, alice, cents=1000)
    assert credits_of(empty_account) == 0

    refunds.sync(bought)
    refund.refresh_from_db()
    assert refund.state == State.SUCCEEDED
    assert refunded_at_provider(sandbox, bought) == [1000]
    assert sound()


def test_a_refund_that_was_not_sent_is_sent_by_the_sweep(sandbox, bought, empty_account, alice):
    sandbox.fail("refuse", status=503, count=6)
    refund = refunds.request(bought, alice, cents=1000)
    assert refund.state == State.REQUESTED
    assert credits_of(empty_account) == 0  # they cannot be spent
    sandbox.post("/_test/reset")

    sweeps.sweep()  # too early: the request that created it may still be running
    assert refunded_at_provider(sandbox, bought) == []
    Refund.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    sweeps.sweep()
    refund.refresh_from_db()
    assert refund.state == State.SUCCEEDED
    assert refunded_at_provider(sandbox, bought) == [1000]


def test_an_unsent_refund_excludes_a_second_one(sandbox, bought, empty_account, alice):
    spend(empty_account, held=400)
    sandbox.fail("refuse", status=503, count=6)
    refunds.request(bought, alice, cents=600)
    spend(empty_account, held=0)

    with pytest.raises(refunds.NotRefundable, match="in progress"):
        refunds.request(bought, alice, cents=400)


def test_a_refused_refund_restores_the_credits(sandbox, bought, empty_account, alice):
    sandbox.post("/_test/disputes", payment_intent=bought.provider_payment)  # disputed charges cannot be refunded

    refund = refunds.request(bought, alice, cents=1000)

    assert refund.state == State.FAILED
    assert "charged back" in refund.failure
    empty_account.refresh_from_db()
    assert empty_account.credits == empty_account.purchased == pico_from_cents(1000)
    assert empty_account.lots.get().amount == pico_from_cents(1000)
    assert sound()


def test_a_pending_refund_is_polled(client, sandbox, empty_account, alice):
    bought = paid(sandbox, empty_account, alice, card="4000000000007726")
    refund = refunds.request(bought, alice, cents=1000)
    assert refund.state == State.PENDING

    Refund.objects.update(synced_at=timezone.now() - timedelta(hours=2))
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/succeed")
    sweeps.sweep()
    refund.refresh_from_db()
    assert refund.state == State.SUCCEEDED
    assert refund.ended_at is not None


def test_a_refund_returned_by_the_bank_restores_the_credits(client, sandbox, bought, empty_account, alice):
    refund = refunds.request(bought, alice, cents=1000)
    assert refund.state == State.SUCCEEDED
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    event = sandbox.event("refund.failed")

    for _ in range(3):
        assert deliver(client, event).status_code == 200

    refund.refresh_from_db()
    assert (refund.state, refund.failure) == (State.FAILED, "The bank returned the money.")
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.filter(kind="refund_reversal").count() == 1
    assert sound()
    refunds.sync(bought)  # changes nothing
    assert credits_of(empty_account) == 1000


# --- Concurrency ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_refunds_at_once_are_made_once(sandbox, bought, empty_account, alice):
    results = all_at_once(*[lambda: refunds.request(bought, alice, cents=1000)] * 4)

    assert sorted(type(each).__name__ for each in results) == ["NotRefundable"] * 3 + ["Refund"], results
    assert refunded_at_provider(sandbox, bought) == [1000]
    assert credits_of(empty_account) == 0
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_a_race_with_spending_never_refunds_spent_credits(sandbox, bought, empty_account, alice):
    def spend_if_possible():
        """Lock the row and charge it, like the settlement of a request."""
        with transaction.atomic():
            account = CreditAccount.objects.select_for_update().get()
            if account.available >= 700 * PICO_PER_CENT:
                account.usage += 700 * PICO_PER_CENT
                account.save(update_fields=["usage"])
                return "spent"
        return "refused"

    results = all_at_once(lambda: refunds.request(bought, alice, cents=1000), spend_if_possible)

    account = CreditAccount.objects.get()
    assert account.balance >= 0
    if results[1] == "spent":
        assert isinstance(results[0], refunds.AmountChanged)
        assert refunded_at_provider(sandbox, bought) == []
    else:
        assert results[0].state == State.SUCCEEDED
        assert account.balance == 0
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_a_failed_refund_synced_many_times_at_once_restores_its_credits_once(sandbox, bought, empty_account, alice):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")

    results = all_at_once(*[lambda: refunds.sync(bought)] * 4)

    assert results == [None] * 4
    assert credits_of(empty_account) == 1000
    assert sound()


# --- Reconciliation ---------------------------------------------------------------------------------


def test_a_refund_without_its_entries_is_a_fault(bought, alice):
    refund = Refund.objects.create(
        purchase=bought, provider="stripe", user=alice, cents=5, credit_cents=5, number="x", state=State.SUCCEEDED
    )
    assert [fault.row for fault in reconciliation.faults()] == [f"refund {refund.pk}"]


def test_a_failed_refund_without_restored_credits_is_a_fault(bought, alice):
    refund = refunds.request(bought, alice, cents=1000)
    Refund.objects.update(state=State.FAILED)
    assert [fault.row for fault in reconciliation.faults()] == [f"refund {refund.pk}"]


def test_an_entry_without_its_refund_is_a_fault(bought, empty_account):
    ledger.take(empty_account, PicoUsd(7), kind=LedgerEntry.Kind.REFUND, reference="of nothing", purchase=bought)
    assert [fault.row for fault in reconciliation.faults()] == ["ledger entries of refund of nothing"]
