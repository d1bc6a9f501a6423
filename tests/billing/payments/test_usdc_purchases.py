"""Purchases in USDC: what differs from other payment methods."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Purchase
from billing.payments import declines, purchases, sweeps
from billing.providers import types
from tests.billing.conftest import credits_of
from tests.billing.payment_methods import UsdcPayments
from tests.billing.usdc_sandbox import buy_usdc

State = Purchase.State


def test_the_payment_page_requests_exactly_what_was_quoted(crypto, usdc_purchase):
    checkout = crypto.checkout(usdc_purchase)

    assert (checkout["amount"], checkout["currency"], checkout["network"]) == ("10.50", "USDC", "base")
    assert "fiatAmount" not in checkout  # the price is in USDC, whatever its exchange rate
    assert checkout["metadata"] == {"purchase": str(usdc_purchase.pk), "mode": "test"}
    assert checkout["expiresAt"] == usdc_purchase.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    back = f"http://127.0.0.1:8000/settings/credits/purchases/{usdc_purchase.pk}"
    assert checkout["successRedirectUrl"] == checkout["failRedirectUrl"] == back
    assert usdc_purchase.checkout_url == checkout["url"]


def test_a_payment_in_time_is_stored_with_its_transaction_and_sends_no_email(
    crypto, usdc_purchase, mailoutbox, django_capture_on_commit_callbacks
):
    crypto.pay(usdc_purchase)
    with django_capture_on_commit_callbacks(execute=True):
        purchase = purchases.sync(usdc_purchase)

    assert purchase.transaction == crypto.checkout(purchase)["transactionHash"]
    assert timezone.now() - purchase.paid_at < timedelta(minutes=1)
    assert mailoutbox == []


def test_a_payment_is_credited_once_the_network_confirms_it(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase, later=True)
    assert purchases.sync(usdc_purchase).state == State.PROCESSING
    assert credits_of(empty_account) == 0

    crypto.confirm(usdc_purchase)
    assert purchases.sync(usdc_purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_an_unconfirmed_payment_cannot_be_canceled(crypto, usdc_purchase):
    crypto.pay(usdc_purchase, later=True)
    assert purchases.cancel(usdc_purchase).state == State.PROCESSING


def test_a_failed_payment_is_explained(crypto, usdc_purchase, empty_account):
    crypto.fail_payment(usdc_purchase)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "usdc"))
    assert "wallet" in purchase.failure
    assert credits_of(empty_account) == 0


def test_a_server_error_after_the_page_was_created_creates_no_second_page(crypto, empty_account, alice):
    """The provider repeats the error for the same key."""
    crypto.fail("crash", method="POST")
    with pytest.raises(types.Unavailable):
        buy_usdc(empty_account, alice)
    assert len(UsdcPayments(crypto, empty_account, alice).pages()) == 1


# --- Late payments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_a_payment_after_the_page_has_closed_is_credited_and_announced_by_email(
    crypto, usdc_purchase, empty_account, alice, end, mailoutbox, django_capture_on_commit_callbacks
):
    if end == "cancel":
        purchases.cancel(usdc_purchase)
    else:
        crypto.expire(usdc_purchase)
    purchase = purchases.sync(usdc_purchase)
    assert purchase.state in {State.CANCELED, State.EXPIRED}
    crypto.confirm(usdc_purchase)
    assert sweeps.sweep() == 0  # closed purchases are not swept

    with django_capture_on_commit_callbacks(execute=True):
        assert sweeps.recover_missed_payments() == 1
        assert sweeps.recover_missed_payments() == 0
    credited = Purchase.objects.get()
    assert credited.state == State.CREDITED
    assert credits_of(empty_account) == 1000
    [mail] = mailoutbox  # the buyer has left the page that would show it
    assert mail.subject == "Your payment arrived: $10.00 in credits added"
    assert mail.to == [alice.email] and credited.transaction in mail.body


def test_late_payments_are_recovered_for_a_week(crypto, usdc_purchase):
    crypto.expire(usdc_purchase)
    purchases.sync(usdc_purchase)
    crypto.confirm(usdc_purchase)

    assert sweeps.recover_missed_payments(timezone.now() + timedelta(days=8)) == 0
    assert sweeps.recover_missed_payments(timezone.now() + timedelta(days=6)) == 1


def test_every_page_of_a_listing_is_read(crypto, empty_account, alice, monkeypatch):
    bought = [buy_usdc(empty_account, alice, cents) for cents in (500, 600, 700)]
    for purchase in bought:
        crypto.pay(purchase)
    Purchase.objects.update(state=State.EXPIRED)
    monkeypatch.setattr("billing.providers.coinbase.checkouts.PAGE_SIZE", 1)

    assert sweeps.recover_missed_payments() == 3
    assert credits_of(empty_account) == 1800


# --- Payments that differ from the quote ------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "message"),
    [
        ("9.50", "We received $9.50, which is less than the total of $10.50."),
        ("10.49", "We received $10.49, which is less than the total of $10.50."),
        ("11.50", "We received $11.50, which is more than the total of $10.50."),
    ],
)
def test_a_wrong_amount_is_reviewed_and_explained_to_the_buyer(crypto, usdc_purchase, empty_account, received, message):
    crypto.pay(usdc_purchase, received=received)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.REVIEW, message)
    assert "cents received" in purchase.review_reason
    assert credits_of(empty_account) == 0

    accepted = purchases.accept(purchase)
    assert (accepted.state, accepted.failure) == (State.CREDITED, "")
    assert credits_of(empty_account) == 1000


@pytest.fixture
def reported(crypto, usdc_purchase, monkeypatch):
    """Let the provider report the checkout with these changes."""

    def report(**changes) -> None:
        checkout = {
            name: value for name, value in (crypto.checkout(usdc_purchase) | changes).items() if value != "gone"
        }
        monkeypatch.setattr("billing.providers.coinbase.checkouts.request", lambda *_, **__: checkout)

    return report


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USDT"},
        {"network": "solana"},
        {"settlement": {"totalAmount": "10.50", "currency": "EURC"}},
        {"settlement": {"totalAmount": "10.499999", "currency": "USDC"}},
        {"settlement": {"totalAmount": "NaN", "currency": "USDC"}},
        {"settlement": {"totalAmount": "lots", "currency": "USDC"}},
        {"amount": None},
        {"metadata": None},
    ],
)
def test_other_currencies_networks_and_amounts_are_reviewed(crypto, usdc_purchase, empty_account, reported, changes):
    crypto.pay(usdc_purchase)
    reported(**changes)

    assert purchases.sync(usdc_purchase).state == State.REVIEW
    assert credits_of(empty_account) == 0


def test_a_completed_checkout_without_a_settlement_was_paid_in_full(crypto, usdc_purchase, reported):
    crypto.pay(usdc_purchase)
    reported(settlement="gone")
    assert purchases.sync(usdc_purchase).state == State.CREDITED


def test_an_unknown_status_is_treated_as_processing(usdc_purchase, reported):
    reported(status="ENCHANTED")
    assert purchases.sync(usdc_purchase).state == State.PROCESSING
