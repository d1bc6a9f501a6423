"""Canceling a purchase from the history: its payment page closes, and a payment that came first is credited."""

import pytest
from django.db import connection

from billing.models import LedgerEntry, Purchase
from billing.payments import checkouts, purchases
from billing.providers import stripe
from billing.providers.types import Checkout, CheckoutClosed
from tests.billing.at_once import all_at_once
from tests.billing.conftest import buy, credits_of, deliver, sound

State = Purchase.State
HISTORY = "/settings/credits#history"


def cancel(client, purchase, **options):
    return client.post(f"{purchase.get_absolute_url()}/cancel", {"history": "1"}, **options)


def test_the_history_cancels_an_open_purchase_and_shows_it(alice_client, sandbox, purchase, empty_account):
    page = alice_client.get("/settings/credits").content.decode()
    assert f'action="{purchase.get_absolute_url()}/cancel"' in page

    response = cancel(alice_client, purchase)
    assert response["Location"] == HISTORY
    shown = alice_client.get(HISTORY).content.decode()
    assert "Purchase of $10.00 canceled." in shown and ">Canceled</span>" in shown
    assert f'action="{purchase.get_absolute_url()}/cancel"' not in shown
    assert sandbox.session(purchase)["status"] == "expired"
    assert cancel(alice_client, purchase)["Location"] == HISTORY  # again: nothing more happens
    assert Purchase.objects.get().state == State.CANCELED
    assert sound()


def test_a_payment_that_came_first_wins(alice_client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    shown = cancel(alice_client, purchase, follow=True).content.decode()
    assert "You had already paid. $10.00 in credits were added." in shown
    assert credits_of(empty_account) == 1000


def test_a_payment_under_way_cannot_be_canceled(alice_client, sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="paypal")
    sandbox.pay(purchase, type="paypal", later=True)
    shown = cancel(alice_client, purchase, follow=True).content.decode()
    assert "can&#x27;t be canceled" in shown
    sandbox.settle(purchase, "succeeded")
    assert purchases.sync(purchase).state == State.CREDITED


def test_a_purchase_canceled_while_its_page_opens_leaves_no_page_open(sandbox, empty_account, alice, monkeypatch):
    opened: list[Checkout] = []

    def open_slowly(page, *, key):
        opened.append(stripe.open_checkout(page, key=key))
        purchases.cancel(Purchase.objects.get())
        return opened[0]

    monkeypatch.setattr(checkouts, "stripe", _With(open_checkout=open_slowly))
    purchase = buy(empty_account, alice)
    assert (purchase.state, purchase.checkout_url) == (State.CANCELED, "")
    with pytest.raises(CheckoutClosed):
        stripe.expire_checkout(opened[0].id)


class _With:
    """Stripe's gateway with one function replaced."""

    def __init__(self, **replaced):
        self.__dict__ |= replaced

    def __getattr__(self, name):
        return getattr(stripe, name)


def test_charges_of_auto_top_up_are_not_canceled(sandbox, empty_account, alice_client):
    charge = Purchase.objects.create(
        account=empty_account, source="auto_top_up", credit_cents=500, fee_cents=80, fee_basis_points=550
    )
    assert f"{charge.pk}/cancel" not in alice_client.get("/settings/credits").content.decode()
    cancel(alice_client, charge)
    charge.refresh_from_db()
    assert charge.state == State.CREATED


def test_others_cannot_cancel_it(sandbox, purchase, bob_client, charlie_client):
    for client in (bob_client, charlie_client):
        assert cancel(client, purchase).status_code == 404
    assert sandbox.session(purchase)["status"] == "open"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["cancel", "pay"])
def test_of_a_payment_and_cancellations_at_once_one_wins_in_every_book(sandbox, purchase, empty_account, client, first):
    def pay():
        return sandbox.pay(purchase)

    def cancel_it():
        return purchases.cancel(Purchase.objects.get(pk=purchase.pk))

    jobs = [pay, cancel_it, cancel_it] if first == "pay" else [cancel_it, cancel_it, pay]
    results = all_at_once(*jobs, lambda: purchases.sync(purchase))
    assert not [each for each in results if isinstance(each, Exception) and not isinstance(each, AssertionError)]
    for event in sandbox.events(purchase):
        assert deliver(client, event).status_code == 200

    session, ended = sandbox.session(purchase), Purchase.objects.get()
    if session["payment_status"] == "paid":
        assert (ended.state, credits_of(empty_account)) == (State.CREDITED, 1000)
        assert LedgerEntry.objects.count() == 1
    else:
        assert (session["status"], ended.state, credits_of(empty_account)) == ("expired", State.CANCELED, 0)
    assert sound()
