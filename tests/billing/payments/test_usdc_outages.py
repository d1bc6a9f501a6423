"""Purchases in USDC sent twice, unanswered, unheard of, and credited by many at once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.credits import reconciliation
from billing.models import LedgerEntry, Purchase
from billing.payments import purchases, sweeps
from billing.providers import types
from billing.providers.coinbase.connection import request
from tests.billing.at_once import all_at_once
from tests.billing.conftest import buy, credits_of
from tests.billing.usdc import buy_usdc

State = Purchase.State


def checkouts_of(account) -> set[str]:
    ours = {str(pk) for pk in Purchase.objects.filter(account=account).values_list("pk", flat=True)}
    listed = request("GET", query={"pageSize": "100"})["checkouts"]
    return {each["id"] for each in listed if each["metadata"].get("purchase") in ours}


def test_the_same_form_sent_twice_makes_one_purchase(crypto, empty_account, alice):
    first = buy_usdc(empty_account, alice, token="one form, sent twice")
    assert buy_usdc(empty_account, alice, token="one form, sent twice") == first
    assert checkouts_of(empty_account) == {first.provider_session}


@pytest.mark.parametrize("mode", ["drop", "crash"])
def test_a_lost_answer_is_asked_for_again_and_makes_one_payment_page(crypto, empty_account, alice, mode):
    crypto.fail(mode, method="POST")  # done, but the answer never arrives, or is an error that is repeated

    if mode == "crash":
        with pytest.raises(types.Unavailable):
            buy_usdc(empty_account, alice)
    else:
        assert buy_usdc(empty_account, alice).state == State.OPEN

    assert len(checkouts_of(empty_account)) == 1


def test_a_provider_that_does_not_answer_leaves_a_failed_purchase_and_no_page(crypto, empty_account, alice):
    crypto.fail("refuse", status=503, count=3)
    with pytest.raises(types.Unavailable):
        buy_usdc(empty_account, alice, token="sent in an outage")

    purchase = Purchase.objects.get()
    assert purchase.state == State.FAILED
    assert "Nothing was charged" in purchase.failure
    assert checkouts_of(empty_account) == set()
    assert buy_usdc(empty_account, alice, token="a new form afterwards").state == State.OPEN


def test_nothing_changes_while_the_provider_cannot_be_asked(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase)
    crypto.fail("refuse", status=500, count=3)
    with pytest.raises(types.Unavailable):
        purchases.sync(usdc_purchase)
    assert Purchase.objects.get().state == State.OPEN

    assert purchases.sync(usdc_purchase).state == State.CREDITED


def test_a_paid_purchase_is_credited_although_every_webhook_is_lost(crypto, usdc_purchase, empty_account):
    crypto.control("webhooks", drop=100)
    crypto.pay(usdc_purchase)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.sweep() == 0


def test_an_outage_of_one_provider_does_not_keep_the_others_purchases_waiting(
    sandbox, crypto, usdc_purchase, empty_account, alice
):
    by_card = buy(empty_account, alice)
    sandbox.pay(by_card)
    crypto.pay(usdc_purchase)
    sandbox.fail("refuse", status=503, count=3)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    sandbox.fail("refuse", status=503, count=3)
    Purchase.objects.filter(state=State.OPEN).update(state=State.EXPIRED)
    assert sweeps.recover_missed_payments() == 0
    assert sweeps.recover_missed_payments() == 1
    assert credits_of(empty_account) == 2000


def test_a_page_that_the_provider_has_forgotten_ends_when_its_time_is_over(crypto, usdc_purchase):
    Purchase.objects.update(provider_session="0" * 24, expires_at=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


@pytest.mark.django_db(transaction=True)
def test_everybody_who_fulfils_one_purchase_at_once_credits_it_once(crypto, empty_account, alice):
    purchase = buy_usdc(empty_account, alice)
    crypto.pay(purchase)
    letters = crypto.about(purchase, "checkout.payment.success")

    results = all_at_once(
        *[lambda: purchases.sync(purchase).state] * 3,
        *[lambda letter=letter: letter.deliver(Client()).status_code for letter in letters * 2],
        sweeps.sweep,
        sweeps.recover_missed_payments,
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(results[:3]) == {State.CREDITED} and set(results[3:-2]) == {200}
    assert credits_of(empty_account) == 1000
    assert (LedgerEntry.objects.count(), empty_account.lots.count()) == (1, 1)
    assert reconciliation.faults() == []


@pytest.mark.django_db(transaction=True)
def test_eight_starts_with_one_form_make_one_payment_page(crypto, empty_account, alice):
    results = all_at_once(*[lambda: buy_usdc(empty_account, alice, token="clicked eight times")] * 8)

    assert {type(each) for each in results} == {Purchase}, results
    assert len({each.checkout_url for each in results}) == 1
    assert len(checkouts_of(empty_account)) == 1
