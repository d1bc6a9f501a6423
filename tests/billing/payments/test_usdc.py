"""Buying credits in USDC, told with the crypto payments sandbox over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.credits import reconciliation
from billing.models import LedgerEntry, Purchase
from billing.payments import declines, purchases, sweeps
from common.money import pico_from_cents
from tests.billing.conftest import credits_of
from tests.billing.usdc import buy_usdc

State = Purchase.State


def test_a_paid_purchase_is_credited_without_its_fee(crypto, usdc_purchase, empty_account):
    assert (usdc_purchase.state, usdc_purchase.provider, usdc_purchase.fee_cents) == (State.OPEN, "coinbase", 50)

    crypto.pay(usdc_purchase)
    purchase = purchases.sync(usdc_purchase)

    assert purchase.state == State.CREDITED
    assert purchase.paid_with == "USDC on Base"
    assert purchase.transaction == crypto.checkout(purchase)["transactionHash"]
    assert purchase.receipt_number == f"{empty_account.pk:06d}-0001"
    assert timezone.now() - purchase.paid_at < timedelta(minutes=1)
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.purchase) == ("purchase", pico_from_cents(1000), purchase)
    assert credits_of(empty_account) == 1000
    assert reconciliation.faults() == []


def test_the_provider_is_asked_for_exactly_what_was_quoted(crypto, usdc_purchase):
    checkout = crypto.checkout(usdc_purchase)

    assert (checkout["amount"], checkout["currency"], checkout["network"]) == ("10.50", "USDC", "base")
    assert "fiatAmount" not in checkout  # the coins are the price, whatever they are worth
    assert checkout["metadata"] == {"purchase": str(usdc_purchase.pk), "mode": "test"}
    assert checkout["expiresAt"] == usdc_purchase.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    back = f"http://127.0.0.1:8000/settings/credits/purchases/{usdc_purchase.pk}"
    assert checkout["successRedirectUrl"] == checkout["failRedirectUrl"] == back
    assert usdc_purchase.checkout_url == checkout["url"]


def test_who_pays_in_time_gets_no_mail(crypto, usdc_purchase, mailoutbox, django_capture_on_commit_callbacks):
    crypto.pay(usdc_purchase)
    with django_capture_on_commit_callbacks(execute=True):
        purchases.sync(usdc_purchase)
    assert mailoutbox == []


def test_nothing_is_credited_before_the_buyer_has_paid(usdc_purchase, empty_account):
    assert purchases.sync(usdc_purchase).state == State.OPEN
    assert credits_of(empty_account) == 0


def test_what_was_sent_is_credited_when_the_network_has_confirmed_it(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase, later=True)
    assert purchases.sync(usdc_purchase).state == State.PROCESSING
    assert credits_of(empty_account) == 0

    crypto.confirm(usdc_purchase)
    for _ in range(2):
        assert purchases.sync(usdc_purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_a_payment_that_goes_wrong_is_told_with_what_to_do(crypto, usdc_purchase, empty_account):
    crypto.fail_payment(usdc_purchase)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "usdc"))
    assert "wallet" in purchase.failure
    assert credits_of(empty_account) == 0


# --- Closed pages and money that comes late -----------------------------------------------------------


def test_a_cancelled_purchase_takes_no_payment_any_more(crypto, usdc_purchase):
    assert purchases.cancel(usdc_purchase).state == State.CANCELED
    assert crypto.checkout(usdc_purchase)["status"] == "DEACTIVATED"
    assert purchases.sync(usdc_purchase).state == State.CANCELED


@pytest.mark.parametrize(("how", "state"), [({}, State.CREDITED), ({"later": True}, State.PROCESSING)])
def test_what_has_been_sent_cannot_be_cancelled(crypto, usdc_purchase, how, state):
    crypto.pay(usdc_purchase, **how)

    assert purchases.cancel(usdc_purchase).state == state


@pytest.mark.parametrize("close", [purchases.cancel, None], ids=["cancelled", "expired"])
def test_money_that_arrives_after_the_page_has_closed_is_credited_and_told_by_mail(
    crypto, usdc_purchase, empty_account, alice, close, mailoutbox, django_capture_on_commit_callbacks
):
    if close:
        close(usdc_purchase)
    else:
        crypto.expire(usdc_purchase)
    purchase = purchases.sync(usdc_purchase)
    assert purchase.state in {State.CANCELED, State.EXPIRED}
    crypto.confirm(usdc_purchase)
    assert sweeps.sweep() == 0  # it is not waiting any more

    with django_capture_on_commit_callbacks(execute=True):
        assert sweeps.recover_missed_payments() == 1
        assert sweeps.recover_missed_payments() == 0
    credited = Purchase.objects.get()
    assert credited.state == State.CREDITED
    assert credits_of(empty_account) == 1000
    [mail] = mailoutbox  # nobody sits in front of the page any more
    assert mail.subject == "Your payment has arrived: $10.00 of credits added"
    assert mail.to == [alice.email] and credited.transaction in mail.body


def test_late_money_is_looked_for_a_week_long(crypto, usdc_purchase, empty_account):
    crypto.expire(usdc_purchase)
    purchases.sync(usdc_purchase)
    crypto.confirm(usdc_purchase)

    assert sweeps.recover_missed_payments(timezone.now() + timedelta(days=8)) == 0
    assert sweeps.recover_missed_payments(timezone.now() + timedelta(days=6)) == 1


def test_lists_of_many_pages_are_read_to_their_end(crypto, empty_account, alice, monkeypatch):
    bought = [buy_usdc(empty_account, alice, cents) for cents in (500, 600, 700)]
    for purchase in bought:
        crypto.pay(purchase)
    Purchase.objects.update(state=State.EXPIRED)
    monkeypatch.setattr("billing.providers.coinbase.checkouts.PAGE_SIZE", 1)

    assert sweeps.recover_missed_payments() == 3
    assert credits_of(empty_account) == 1800


# --- Not what was asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "told"),
    [
        ("9.50", "$9.50 arrived, which is less than the $10.50 that this purchase costs."),
        ("10.49", "$10.49 arrived, which is less than the $10.50 that this purchase costs."),
        ("11.50", "$11.50 arrived, which is more than the $10.50 that this purchase costs."),
    ],
)
def test_another_amount_waits_for_a_person_and_the_buyer_is_told(crypto, usdc_purchase, empty_account, received, told):
    crypto.pay(usdc_purchase, received=received)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.REVIEW, told)
    assert "cents received" in purchase.review_reason
    assert credits_of(empty_account) == 0

    accepted = purchases.accept(purchase)
    assert (accepted.state, accepted.failure) == (State.CREDITED, "")
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"credit_cents": 900}, "cents requested is 1050, not 950"),
        ({"provider_customer": "somebody"}, "customer is ''"),
    ],
)
def test_a_payment_other_than_quoted_waits_for_a_person(crypto, usdc_purchase, empty_account, change, named):
    Purchase.objects.update(**change)
    crypto.pay(usdc_purchase)

    purchase = purchases.sync(Purchase.objects.get())

    assert purchase.state == State.REVIEW
    assert named in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_test_coins_buy_nothing_where_real_ones_are_wanted(crypto, usdc_purchase, empty_account, settings):
    crypto.pay(usdc_purchase)
    settings.COINBASE_API_KEY_ID = settings.SANDBOX_COINBASE_KEY_ID
    settings.COINBASE_API_KEY_SECRET = settings.SANDBOX_COINBASE_KEY_SECRET
    settings.COINBASE_IS_SANDBOX = False

    purchase = purchases.sync(usdc_purchase)

    assert purchase.state == State.REVIEW
    assert "live mode is False, not True" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_a_payment_page_of_another_purchase_waits_for_a_person(crypto, usdc_purchase, empty_account, alice):
    other = buy_usdc(empty_account, alice)
    crypto.pay(other)
    Purchase.objects.filter(pk=other.pk).update(provider_session=None)
    Purchase.objects.filter(pk=usdc_purchase.pk).update(provider_session=other.provider_session)

    purchase = purchases.sync(Purchase.objects.get(pk=usdc_purchase.pk))

    assert purchase.state == State.REVIEW
    assert "purchase is" in purchase.review_reason
    assert credits_of(empty_account) == 0


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
def test_other_coins_networks_and_figures_wait_for_a_person(crypto, usdc_purchase, empty_account, monkeypatch, changes):
    crypto.pay(usdc_purchase)
    told = crypto.checkout(usdc_purchase) | changes
    monkeypatch.setattr("billing.providers.coinbase.checkouts.request", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.REVIEW
    assert credits_of(empty_account) == 0


def test_a_paid_checkout_without_a_settlement_was_paid_as_asked(crypto, usdc_purchase, empty_account, monkeypatch):
    crypto.pay(usdc_purchase)
    told = crypto.checkout(usdc_purchase)
    del told["settlement"]
    monkeypatch.setattr("billing.providers.coinbase.checkouts.request", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.CREDITED


def test_a_state_that_we_have_never_heard_of_is_asked_about_again(crypto, usdc_purchase, monkeypatch):
    told = crypto.checkout(usdc_purchase) | {"status": "ENCHANTED"}
    monkeypatch.setattr("billing.providers.coinbase.checkouts.request", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.PROCESSING
