"""Purchases by every payment method, from the payment page to the credits."""

import pytest
from django.test import Client

from billing.credits import reconciliation
from billing.models import LedgerEntry, Purchase
from billing.payments import purchases, sweeps
from billing.providers import types
from common.money import pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of

State = Purchase.State


def test_a_paid_purchase_is_credited_without_its_fee(payments, empty_account):
    purchase = payments.buy()
    assert (purchase.state, purchase.provider) == (State.OPEN, payments.provider)
    assert (purchase.credit_cents, purchase.fee_cents) == (1000, payments.fee_cents)

    payments.pay(purchase)
    purchase = purchases.sync(purchase)

    assert (purchase.state, purchase.paid_with) == (State.CREDITED, payments.paid_with)
    assert purchase.receipt_number == f"{empty_account.pk:06d}-0001"
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.purchase) == ("purchase", pico_from_cents(1000), purchase)
    empty_account.refresh_from_db()
    assert empty_account.credits == empty_account.purchased == pico_from_cents(1000)
    assert reconciliation.faults() == []


def test_an_unpaid_purchase_is_not_credited(payments, empty_account):
    assert purchases.sync(payments.buy()).state == State.OPEN
    assert credits_of(empty_account) == 0


def test_syncing_again_after_the_credit_changes_nothing(payments, empty_account):
    purchase = payments.buy()
    payments.pay(purchase)
    first = purchases.sync(purchase)

    for stale in (purchase, first, Purchase.objects.get()):
        assert purchases.sync(stale).credited_at == first.credited_at
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1


# --- Canceling --------------------------------------------------------------------------------------


def test_canceling_closes_the_payment_page(payments):
    purchase = purchases.cancel(payments.buy())

    assert purchase.state == State.CANCELED
    assert payments.is_closed(purchase)
    assert purchases.sync(purchase).state == State.CANCELED


def test_canceling_a_paid_purchase_credits_it(payments, empty_account):
    purchase = payments.buy()
    payments.pay(purchase)

    assert purchases.cancel(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELED, State.FAILED])
def test_a_payment_after_the_purchase_has_ended_is_credited(payments, empty_account, state):
    purchase = payments.buy()
    payments.pay(purchase)
    Purchase.objects.update(state=state)

    assert purchases.sync(Purchase.objects.get()).state == State.CREDITED
    assert credits_of(empty_account) == 1000


# --- Payments that differ from the quote ------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"credit_cents": 900}, "cents requested is {total}, not {less}"),
        ({"provider_customer": "cus_other"}, "customer is"),
    ],
    ids=["amount", "customer"],
)
def test_a_payment_that_differs_from_the_quote_is_reviewed(payments, empty_account, change, reason):
    purchase = payments.buy()
    Purchase.objects.update(**change)
    payments.pay(purchase)

    purchase = purchases.sync(Purchase.objects.get())

    assert purchase.state == State.REVIEW
    total = 1000 + payments.fee_cents
    assert reason.format(total=total, less=total - 100) in purchase.review_reason
    assert credits_of(empty_account) == 0
    assert not LedgerEntry.objects.exists()


def test_a_test_payment_is_reviewed_where_payments_are_real(payments, empty_account, settings):
    purchase = payments.buy()
    payments.pay(purchase)
    payments.go_live(settings)

    purchase = purchases.sync(purchase)

    assert purchase.state == State.REVIEW
    assert "live mode is False, not True" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_the_payment_page_of_another_purchase_is_reviewed(payments, empty_account):
    purchase, other = payments.buy(), payments.buy()
    payments.pay(other)
    Purchase.objects.filter(pk=other.pk).update(provider_session=None)
    Purchase.objects.filter(pk=purchase.pk).update(provider_session=other.provider_session)

    purchase = purchases.sync(Purchase.objects.get(pk=purchase.pk))

    assert purchase.state == State.REVIEW
    assert "purchase is" in purchase.review_reason
    assert credits_of(empty_account) == 0


# --- Repeated forms and outages ---------------------------------------------------------------------


def test_a_form_submitted_twice_creates_one_purchase(payments):
    first = payments.buy(token="submitted twice")

    assert payments.buy(token="submitted twice") == first
    assert Purchase.objects.get() == first
    assert payments.pages() == [first.provider_session]


def test_a_lost_response_is_retried_and_creates_one_payment_page(payments):
    payments.fail("drop", method="POST")  # carried out, but the response is lost

    purchase = payments.buy()

    assert purchase.state == State.OPEN
    assert payments.pages() == [purchase.provider_session]


def test_an_outage_leaves_a_failed_purchase_without_a_page(payments):
    payments.fail("refuse", status=503, count=3)

    with pytest.raises(types.Unavailable):
        payments.buy(token="submitted during an outage")

    purchase = Purchase.objects.get()
    assert purchase.state == State.FAILED
    assert "You weren't charged" in purchase.failure
    assert payments.pages() == []
    assert payments.buy(token="submitted afterwards").state == State.OPEN


def test_an_outage_changes_no_purchase(payments, empty_account):
    purchase = payments.buy()
    payments.pay(purchase)
    payments.fail("refuse", status=500, count=3)

    with pytest.raises(types.Unavailable):
        purchases.sync(purchase)
    assert Purchase.objects.get().state == State.OPEN

    assert purchases.sync(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


# --- Concurrency ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_purchase_synced_from_everywhere_at_once_is_credited_once(payments, empty_account, alice_client):
    purchase = payments.buy()
    payments.pay(purchase)
    events = payments.events(purchase)

    results = all_at_once(
        *[lambda: purchases.sync(purchase).state] * 3,
        *[lambda event=event: payments.deliver(Client(), event).status_code for event in events * 2],
        lambda: alice_client.get(f"/settings/credits/return?s={purchase.provider_session}").status_code,
        sweeps.sweep,
        sweeps.recover_missed_payments,
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(results[:3]) == {State.CREDITED}
    assert set(results[3:-2]) == {200}
    assert credits_of(empty_account) == 1000
    assert (LedgerEntry.objects.count(), empty_account.lots.count()) == (1, 1)
    assert reconciliation.faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_form_submitted_sixteen_times_at_once_creates_one_payment_page(payments):
    results = all_at_once(*[lambda: payments.buy(token="clicked sixteen times")] * 16)

    assert {type(each) for each in results} == {Purchase}, results
    assert len({each.checkout_url for each in results}) == 1
    assert payments.pages() == [Purchase.objects.get().provider_session]
