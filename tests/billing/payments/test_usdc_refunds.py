"""What is paid in USDC is never given back; what somebody gives back in the provider's dashboard is booked."""

import pytest
from django.db import IntegrityError, transaction

from billing.credits import reconciliation
from billing.models import Dispute, Purchase, Refund
from billing.payments import purchases, refunds, sweeps
from tests.billing.conftest import credits_of


@pytest.fixture
def credited(crypto, usdc_purchase) -> Purchase:
    crypto.pay(usdc_purchase)
    return purchases.sync(usdc_purchase)


@pytest.mark.parametrize("origin", [Refund.Origin.BUTTON, Refund.Origin.OPERATOR])
def test_nobody_can_ask_for_a_refund(crypto, credited, alice, empty_account, origin):
    with pytest.raises(refunds.NotRefundable, match="final"):
        refunds.request(credited, alice, cents=1000, origin=origin)

    assert not Refund.objects.exists()
    assert "refunds" not in crypto.checkout(credited)
    assert credits_of(empty_account) == 1000


def test_a_refund_made_in_the_dashboard_takes_its_credits(client, crypto, credited, empty_account):
    crypto.refund(credited, "4.00")
    crypto.control("clock", seconds=3)
    for letter in crypto.about(credited, "checkout.refund.success"):
        assert letter.deliver(client).status_code == 200

    refund = Refund.objects.get()
    assert (refund.origin, refund.cents, refund.state) == (Refund.Origin.EXTERNAL, 400, Refund.State.SUCCEEDED)
    assert credits_of(empty_account) == 600
    assert reconciliation.faults() == []


def test_a_refund_of_which_no_webhook_told_is_found_in_the_list(crypto, credited, empty_account):
    crypto.refund(credited, "10.50")
    crypto.control("clock", seconds=3)

    sweeps.recover_missed_payments()
    sweeps.recover_missed_payments()

    assert Refund.objects.get().cents == 1050
    assert credits_of(empty_account) == 0
    assert reconciliation.faults() == []


def test_a_refund_before_the_credit_came_is_booked_with_it(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase)
    crypto.refund(usdc_purchase, "10.50")
    crypto.control("clock", seconds=3)

    assert purchases.sync(usdc_purchase).state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 0
    assert reconciliation.faults() == []


@pytest.mark.parametrize("origin", [Refund.Origin.BUTTON, Refund.Origin.OPERATOR])
def test_the_database_refuses_a_refund_that_somebody_asked_for(credited, alice, origin):
    asked = Refund(purchase=credited, provider=credited.provider, user=alice, origin=origin, cents=1, credit_cents=0)

    with pytest.raises(IntegrityError, match="crypto_refunds_are_external"), transaction.atomic():
        asked.save()


def test_the_database_refuses_a_dispute(credited):
    dispute = Dispute(purchase=credited, provider=credited.provider, cents=1, state=Dispute.State.OPEN)

    with pytest.raises(IntegrityError, match="crypto_is_never_disputed"), transaction.atomic():
        dispute.save()


@pytest.mark.django_db(transaction=True)
def test_neither_can_name_another_provider_than_its_purchase(credited):
    for row in (
        Refund(purchase=credited, provider="stripe", cents=1, credit_cents=0),
        Dispute(purchase=credited, provider="stripe", cents=1, state=Dispute.State.OPEN),
    ):
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"), transaction.atomic():
            row.save()


@pytest.mark.django_db(transaction=True)
def test_a_purchase_keeps_the_provider_that_its_refund_names(crypto, credited):
    crypto.refund(credited, "4.00")
    crypto.control("clock", seconds=3)
    refunds.sync(credited)

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), transaction.atomic():
        Purchase.objects.filter(pk=credited.pk).update(provider="stripe")
