"""A card that pays for credits is kept for auto top-up, if the buyer ticks the box."""

import pytest

from billing.models import CreditAccount, Purchase, SavedCard
from billing.payments import auto_top_up, auto_top_up_charges, cards, checkouts, purchases, quotes, sweeps
from billing.providers import types
from tests.billing.auto_top_ups import turn_on
from tests.billing.conftest import SITE, credits_of, hidden, sound

PAGE = "/settings/credits"


def buy(account, user, *, method: str = "card", save_card: bool = True, token: str = "a form") -> Purchase:
    return checkouts.start(
        account, user, quotes.quote(1000), method=Purchase.Method(method), form_token=token, site=SITE,
        save_card=save_card,
    )  # fmt: skip


@pytest.fixture
def paid(sandbox, empty_account, alice) -> Purchase:
    purchase = buy(empty_account, alice)
    sandbox.pay(purchase)
    return purchases.sync(purchase)


def test_the_card_that_paid_is_kept_and_auto_top_up_can_charge_it(sandbox, paid, empty_account, alice):
    card = SavedCard.objects.get()
    assert (paid.state, paid.card, card.account, card.user) == ("credited", card, empty_account, alice)
    assert str(card) == "Visa ending in 4242"

    turn_on(empty_account, alice, card)
    CreditAccount.objects.update(usage=CreditAccount.objects.get().credits)
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == "credited"
    assert credits_of(empty_account) == 2000
    assert sound()


def test_keeping_a_card_agrees_to_nothing(paid, empty_account):
    assert not hasattr(empty_account, "auto_top_up")
    assert not auto_top_up.low_accounts().exists()


def test_the_box_leads_there_and_the_page_says_so(alice_client, sandbox):
    page = alice_client.get(PAGE).content.decode()
    assert "Keep this card for auto top-up" in page
    sent = {"preset": "10", "custom": "", "method": "card", "save_card": "on"}
    sent |= {name: hidden(page, name) for name in ("total", "token")}

    alice_client.post(f"{PAGE}/buy", sent)
    purchase = Purchase.objects.get()
    assert purchase.saves_card
    sandbox.pay(purchase)
    shown = alice_client.get(f"{PAGE}/return", {"s": purchase.provider_session}).content.decode()
    assert "Visa ending in 4242 is saved." in shown
    assert "Visa ending in 4242" in alice_client.get(f"{PAGE}/auto-top-up").content.decode()


def test_the_box_survives_the_page_that_confirms_another_total(alice_client, sandbox):
    page = alice_client.get(PAGE).content.decode()
    sent = {"preset": "custom", "custom": "20", "method": "card", "save_card": "on", "total": "1"}
    shown = alice_client.post(f"{PAGE}/buy", sent | {"token": hidden(page, "token")}).content.decode()
    assert hidden(shown, "save_card") == "on"


def test_without_the_box_nothing_is_kept(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, save_card=False)
    sandbox.pay(purchase)
    purchases.sync(purchase)
    assert cards.save_from_purchase(purchase) is None
    assert not SavedCard.objects.exists()


def test_another_way_to_pay_keeps_nothing(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    assert not purchase.saves_card
    sandbox.pay(purchase, type="alipay")
    assert purchases.sync(purchase).state == "credited"
    assert not SavedCard.objects.exists()


def test_another_wish_on_the_same_form_is_another_purchase(sandbox, empty_account, alice):
    assert buy(empty_account, alice) == buy(empty_account, alice)
    assert buy(empty_account, alice, save_card=False) != buy(empty_account, alice)


def test_a_declined_card_is_not_kept_but_the_one_that_pays_is(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice)
    sandbox.pay(purchase, card="4000000000000002")
    purchases.sync(purchase)
    assert not SavedCard.objects.exists()
    sandbox.pay(purchase, card="5555555555554444")
    assert str(purchases.sync(purchase).card) == "Mastercard ending in 4444"


def test_credits_come_although_the_card_cannot_be_kept_yet_and_the_clock_keeps_it(
    sandbox, empty_account, alice, monkeypatch
):
    purchase = buy(empty_account, alice)
    sandbox.pay(purchase)
    with monkeypatch.context() as away:
        away.setattr(cards, "save_from_purchase", lambda _: (_ for _ in ()).throw(types.ProviderError("away")))
        assert purchases.sync(purchase).state == "credited"
    assert not SavedCard.objects.exists()

    sweeps.sweep()
    assert Purchase.objects.get().card == SavedCard.objects.get()
    sweeps.sweep()
    assert SavedCard.objects.count() == 1
