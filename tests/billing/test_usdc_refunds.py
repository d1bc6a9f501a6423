"""What is paid in USDC is never given back; what somebody gives back in the provider's dashboard is booked."""

import pytest

from billing import purchases, reconciliation, refunds, sweeps
from billing.models import Purchase, Refund

from .conftest import credits_of


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

    sweeps.rescue()
    sweeps.rescue()

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


def test_a_requested_refund_of_cryptocurrency_is_a_fault(credited, alice):
    Refund.objects.create(purchase=credited, user=alice, cents=1, credit_cents=0, number="x")

    assert [fault.problem for fault in reconciliation.faults()] == [
        "was asked for, although what is paid in cryptocurrency is never refunded"
    ]
