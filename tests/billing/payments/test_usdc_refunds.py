"""USDC purchases cannot be refunded or disputed: neither the code nor the database allows it."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import Dispute, Purchase, Refund
from billing.payments import purchases, refunds
from tests.billing.conftest import credits_of

REQUESTED = [Refund.Origin.BUTTON, Refund.Origin.OPERATOR]


@pytest.fixture
def credited(crypto, usdc_purchase) -> Purchase:
    crypto.pay(usdc_purchase)
    return purchases.sync(usdc_purchase)


@pytest.mark.parametrize("origin", REQUESTED)
def test_a_refund_cannot_be_requested(crypto, credited, alice, empty_account, origin):
    with pytest.raises(refunds.NotRefundable, match="final"):
        refunds.request(credited, alice, cents=1000, origin=origin)

    assert not Refund.objects.exists()
    assert "refunds" not in crypto.checkout(credited)
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("origin", REQUESTED)
def test_the_database_refuses_a_requested_refund(credited, alice, origin):
    refund = Refund(purchase=credited, provider=credited.provider, user=alice, origin=origin, cents=1, credit_cents=0)

    with pytest.raises(IntegrityError, match="crypto_refunds_are_external"), transaction.atomic():
        refund.save()


def test_the_database_refuses_a_dispute(credited):
    dispute = Dispute(purchase=credited, provider=credited.provider, cents=1, state=Dispute.State.OPEN)

    with pytest.raises(IntegrityError, match="crypto_is_never_disputed"), transaction.atomic():
        dispute.save()


@pytest.mark.django_db(transaction=True)
def test_refunds_and_disputes_have_the_provider_of_their_purchase(credited):
    for row in (
        Refund(purchase=credited, provider="stripe", cents=1, credit_cents=0),
        Dispute(purchase=credited, provider="stripe", cents=1, state=Dispute.State.OPEN),
    ):
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"), transaction.atomic():
            row.save()


@pytest.mark.django_db(transaction=True)
def test_a_purchase_with_a_refund_cannot_change_its_provider(crypto, credited):
    crypto.refund(credited, "4.00")
    refunds.sync(credited)

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), transaction.atomic():
        Purchase.objects.filter(pk=credited.pk).update(provider="stripe")
