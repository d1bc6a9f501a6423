"""Saving the card that pays for a purchase, if the buyer ticks the checkbox."""

import pytest

from billing.models import CreditAccount, Purchase, SavedCard
from billing.payments import auto_top_up, auto_top_up_charges, cards, purchases, sweeps
from billing.providers import types
from tests.billing.auto_top_ups import turn_on
from tests.billing.conftest import buy, credits_of, form, hidden, sound

PAGE = "/settings/credits"


@pytest.fixture
def paid(sandbox, empty_account, alice) -> Purchase:
    purchase = buy(empty_account, alice, save_card=True)
    sandbox.pay(purchase)
    return purchases.sync(purchase)


def test_the_card_that_paid_is_saved_and_auto_top_up_can_charge_it(sandbox, paid, empty_account, alice):
    card = SavedCard.objects.get()
    assert (paid.state, paid.card, card.account, card.user) == ("credited", card, empty_account, alice)
    assert str(card) == "Visa ending in 4242"

    turn_on(empty_account, alice, card)
    CreditAccount.objects.update(usage=CreditAccount.objects.get().credits)
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == "credited"
    assert credits_of(empty_account) == 2000
    assert sound()


def test_saving_a_card_does_not_turn_auto_top_up_on(paid, empty_account):
    assert not hasattr(empty_account, "auto_top_up")
    assert not auto_top_up.low_accounts().exists()


def test_the_checkbox_saves_the_card_and_the_page_says_so(alice_client, sandbox):
    page = alice_client.get(PAGE).content.decode()
    assert "Save this card for auto top-up" in page

    alice_client.post(f"{PAGE}/buy", form(page, save_card="on"))
    purchase = Purchase.objects.get()
    assert purchase.saves_card
    sandbox.pay(purchase)
    shown = alice_client.get(f"{PAGE}/return", {"s": purchase.provider_session}).content.decode()
    assert "Visa ending in 4242 is saved." in shown
    assert "Visa ending in 4242" in alice_client.get(f"{PAGE}/auto-top-up").content.decode()


def test_the_checkbox_survives_the_confirmation_of_a_changed_total(alice_client, sandbox):
    page = alice_client.get(PAGE).content.decode()
    submitted = form(page, preset="custom", custom="20", save_card="on", total="1")
    shown = alice_client.post(f"{PAGE}/buy", submitted).content.decode()
    assert hidden(shown, "save_card") == "on"


def test_without_the_checkbox_no_card_is_saved(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice)
    sandbox.pay(purchase)
    purchases.sync(purchase)
    assert cards.save_from_purchase(purchase) is None
    assert not SavedCard.objects.exists()


@pytest.mark.parametrize("method", ["alipay", "paypal"])
def test_other_payment_methods_are_not_saved(sandbox, empty_account, alice, method):
    purchase = buy(empty_account, alice, method=method, save_card=True)
    assert not purchase.saves_card
    sandbox.pay(purchase, type=method)
    assert purchases.sync(purchase).state == "credited"
    assert not SavedCard.objects.exists()


def test_changing_the_checkbox_of_a_form_creates_another_purchase(sandbox, empty_account, alice):
    saving = buy(empty_account, alice, token="form", save_card=True)
    assert buy(empty_account, alice, token="form", save_card=True) == saving
    assert buy(empty_account, alice, token="form") != saving


def test_a_declined_card_is_not_saved_but_the_one_that_pays_is(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, save_card=True)
    sandbox.pay(purchase, card="4000000000000002")
    purchases.sync(purchase)
    assert not SavedCard.objects.exists()
    sandbox.pay(purchase, card="5555555555554444")
    assert str(purchases.sync(purchase).card) == "Mastercard ending in 4444"


def test_credits_do_not_wait_for_the_card_which_the_sweep_saves_later(sandbox, empty_account, alice, monkeypatch):
    purchase = buy(empty_account, alice, save_card=True)
    sandbox.pay(purchase)
    with monkeypatch.context() as outage:
        outage.setattr(cards, "save_from_purchase", lambda _: (_ for _ in ()).throw(types.ProviderError("away")))
        assert purchases.sync(purchase).state == "credited"
    assert not SavedCard.objects.exists()

    sweeps.sweep()
    assert Purchase.objects.get().card == SavedCard.objects.get()
    sweeps.sweep()
    assert SavedCard.objects.count() == 1
