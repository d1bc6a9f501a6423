"""Purchases of a frozen account: none, unless its balance is negative."""

import pytest
from django.urls import reverse

from billing.models import CreditAccount, Purchase
from billing.payments import checkouts, disputes, purchases
from tests.billing.auto_top_ups import turn_on
from tests.billing.conftest import buy, credits_of, form, paid, spend

PAGE = "/settings/credits"


def page_of_credits(client) -> str:
    return client.get(PAGE).content.decode()


def freeze(reason: str = "Our support team has frozen it.") -> None:
    CreditAccount.objects.update(frozen_reason=reason)


@pytest.fixture
def indebted(sandbox, bought, empty_account) -> CreditAccount:
    """A frozen account with a debt of $7: its only purchase was spent and then disputed."""
    spend(empty_account, used=700)
    sandbox.post("/_test/disputes", payment_intent=bought.provider_payment)
    disputes.sync(bought)
    return CreditAccount.objects.get()


def test_a_frozen_account_cannot_buy_credits(alice_client, sandbox, account):
    submitted = form(page_of_credits(alice_client))
    before = sandbox.count("checkout/sessions")
    freeze()

    response = alice_client.post(f"{PAGE}/buy", submitted)

    assert response.status_code == 403
    assert "You can't buy credits while the account is frozen." in response.content.decode()
    assert not Purchase.objects.exists()
    assert sandbox.count("checkout/sessions") == before


def test_the_page_shows_the_remedy_and_no_form(alice_client, sandbox, account):
    freeze()
    page = page_of_credits(alice_client)
    assert "Pay $" not in page and 'name="token"' not in page
    assert "Requests fail" in page and "To unfreeze it, contact" in page
    assert "Fully available" not in page

    freeze(disputes.FREEZE_REASON)
    assert "ask the bank or PayPal to withdraw it" in page_of_credits(alice_client)


def test_a_form_submitted_before_the_freeze_does_not_open_the_payment_page_again(alice_client, sandbox, account):
    submitted = form(page_of_credits(alice_client))
    assert alice_client.post(f"{PAGE}/buy", submitted).status_code == 302
    freeze()
    assert alice_client.post(f"{PAGE}/buy", submitted).status_code == 403


def test_a_purchase_started_before_the_freeze_can_only_be_canceled(alice_client, purchase, empty_account):
    freeze()
    page = alice_client.get(purchase.get_absolute_url()).content.decode()
    assert "Don't pay now. The account is frozen." in page
    assert purchase.checkout_url not in page
    alice_client.post(reverse("billing:cancel-purchase", args=[purchase.pk]))
    assert Purchase.objects.get().state == "canceled"


def test_a_payment_during_the_freeze_is_credited(sandbox, purchase, empty_account):
    freeze()
    sandbox.pay(purchase)
    assert purchases.sync(purchase).state == "credited"
    assert credits_of(empty_account) == 1000


def test_a_freeze_applies_to_accounts_loaded_before_it(sandbox, account, alice):
    freeze()
    assert not account.frozen_reason
    with pytest.raises(checkouts.AccountFrozen):
        buy(account, alice)


def test_a_frozen_account_can_buy_credits_to_pay_its_debt(alice_client, sandbox, indebted, alice):
    page = page_of_credits(alice_client)
    assert "A purchase first covers the missing $7.00." in page
    assert alice_client.post(f"{PAGE}/buy", form(page)).url.startswith(sandbox.address)

    paid(sandbox, indebted, alice)
    assert "You can't buy credits while the account is frozen." in page_of_credits(alice_client)
    assert disputes.unfreeze(indebted)
    assert "Pay $10.80" in page_of_credits(alice_client)


def test_auto_top_up_is_shown_as_paused(alice_client, sandbox, account, alice, card):
    turn_on(account, alice, card)
    freeze()
    for page in (page_of_credits(alice_client), alice_client.get(f"{PAGE}/auto-top-up").content.decode()):
        assert ">Paused</span>" in page
        assert ">On</span>" not in page
