"""Payments by PayPal: offered only where the account offers it, and otherwise like those by card."""

import pytest

from billing.models import Dispute, Purchase, SavedCard
from billing.payments import declines, disputes, purchases, refunds
from billing.providers import registry
from billing.providers.stripe import methods
from common.storage.fresh_cache import FreshCache
from tests.billing.conftest import buy, credits_of, form, sound

State = Purchase.State


@pytest.fixture(autouse=True)
def account_methods(sandbox, clock, monkeypatch):
    """The account's payment methods, not read yet; every test leaves PayPal switched on."""
    monkeypatch.setattr(methods, "_offered", FreshCache(fresh_seconds=methods.FRESH_SECONDS))
    yield
    sandbox.post("/_test/payment_method_configurations", paypal=True)


def is_offered() -> bool:
    return ("paypal", "PayPal") in registry.offered_methods()


@pytest.fixture
def paid(sandbox, empty_account, alice) -> Purchase:
    """Alice's purchase of $10, paid by PayPal and credited."""
    purchase = buy(empty_account, alice, method="paypal")
    sandbox.pay(purchase, type="paypal")
    return purchases.sync(purchase)


# --- Where it is offered ----------------------------------------------------------------------------


def test_it_is_offered_while_the_account_offers_it(sandbox, clock, alice_client):
    assert 'value="paypal"' in alice_client.get("/settings/credits").content.decode()
    sandbox.post("/_test/payment_method_configurations", paypal=False)
    assert is_offered()  # as it was read a moment ago
    clock.advance(seconds=methods.FRESH_SECONDS)
    assert not is_offered()

    page = alice_client.get("/settings/credits").content.decode()
    assert 'value="paypal"' not in page and 'value="alipay"' in page
    refused = alice_client.post("/settings/credits/buy", form(page, method="paypal"))
    assert refused.status_code == 422
    assert "This payment method isn&#x27;t available." in refused.content.decode()
    assert not Purchase.objects.exists()


def test_it_is_not_offered_while_that_is_unknown(sandbox, clock, alice_client):
    sandbox.fail("refuse", status=503, path="/v1/payment_method_configurations")
    assert 'value="paypal"' not in alice_client.get("/settings/credits").content.decode()
    assert not is_offered()  # and no page waits for the provider again
    clock.advance(seconds=methods.RETRY_SECONDS)
    assert is_offered()


def test_an_account_without_the_permission_to_tell_does_not_offer_it(sandbox, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_of_another_provider"
    assert not is_offered()


# --- From the page to the receipt -------------------------------------------------------------------


def test_a_purchase_costs_what_it_costs_by_card_and_has_a_receipt(sandbox, page, alice_client, empty_account):
    response = alice_client.post("/settings/credits/buy", form(page, method="paypal"))
    purchase = Purchase.objects.get()
    assert response["Location"] == purchase.checkout_url
    assert (purchase.fee_cents, purchase.provider) == (80, "stripe")
    assert sandbox.session(purchase)["payment_method_types"] == ["paypal"]

    sandbox.pay(purchase, type="paypal")
    assert "$10.00 added" in alice_client.get(purchase.get_absolute_url()).content.decode()
    receipt = alice_client.get(f"{purchase.get_absolute_url()}/receipt").content.decode()
    assert "<dd>PayPal</dd>" in receipt and "payer@example.com" not in receipt
    assert credits_of(empty_account) == 1000
    assert not SavedCard.objects.exists()
    assert sound()


def test_a_payment_that_paypal_checks_is_credited_when_it_is_through(sandbox, empty_account, alice, alice_client):
    purchase = buy(empty_account, alice, method="paypal")
    sandbox.pay(purchase, type="paypal", later=True)
    assert "PayPal is still checking the payment." in alice_client.get(purchase.get_absolute_url()).content.decode()
    assert credits_of(empty_account) == 0

    sandbox.settle(purchase, "succeeded")
    assert purchases.sync(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_a_payment_that_paypal_refuses_fails_with_advice(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="paypal")
    sandbox.pay(purchase, type="paypal", later=True)
    sandbox.settle(purchase, "failed")
    purchase = purchases.sync(purchase)
    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "paypal"))
    assert "PayPal declined" in purchase.failure


# --- Back to the buyer ------------------------------------------------------------------------------


def test_a_refund_is_under_way_until_paypal_has_made_it(sandbox, paid, alice, empty_account):
    refund = refunds.request(paid, alice, cents=1000)
    assert (refund.state, credits_of(empty_account)) == ("pending", 0)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/succeed")
    refunds.sync(paid)
    refund.refresh_from_db()
    assert refund.state == "succeeded"
    assert sound()


def test_a_dispute_takes_the_credits_until_it_is_won(sandbox, paid, empty_account):
    sandbox.post("/_test/disputes", payment_intent=paid.provider_payment, reason="product_not_received")
    disputes.sync(paid)
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (0, disputes.FREEZE_REASON)

    sandbox.post(f"/_test/disputes/{Dispute.objects.get().provider_dispute}/win")
    disputes.sync(paid)
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (1000, "")
    assert sound()
