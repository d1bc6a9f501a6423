"""What an account that is frozen may buy: nothing, unless its balance is below zero."""

import pytest
from django.urls import reverse

from billing.models import CreditAccount, Purchase
from billing.payments import checkouts, disputes, purchases
from tests.billing.auto_top_ups import turn_on
from tests.billing.conftest import buy, credits_of, hidden, paid, spend

PAGE = "/settings/credits"


def form(page: str) -> dict[str, str]:
    return {"preset": "10", "custom": "", "method": "card", "total": "1080", "token": hidden(page, "token")}


def page_of_credits(client) -> str:
    return client.get(PAGE).content.decode()


def freeze(reason: str = "Our support team has frozen it.") -> None:
    CreditAccount.objects.update(frozen_reason=reason)


@pytest.fixture
def indebted(sandbox, bought, empty_account) -> CreditAccount:
    """Spent $7 of $10, which a bank has taken back."""
    spend(empty_account, used=700)
    sandbox._post("/_test/disputes", payment_intent=bought.provider_payment)
    disputes.sync(bought)
    return CreditAccount.objects.get()


def test_nothing_is_sold_that_could_not_be_used(alice_client, sandbox, account):
    sent = form(page_of_credits(alice_client))
    before = sandbox.count("checkout/sessions")
    freeze()

    answer = alice_client.post(f"{PAGE}/buy", sent)

    assert answer.status_code == 403
    assert "You can't buy credits while the account is frozen." in answer.content.decode()
    assert not Purchase.objects.exists()
    assert sandbox.count("checkout/sessions") == before


def test_the_page_offers_no_form_and_names_the_remedy(alice_client, sandbox, account):
    freeze()
    page = page_of_credits(alice_client)
    assert "Pay $" not in page and 'name="token"' not in page
    assert "Requests fail" in page and "To unfreeze it, contact" in page
    assert "Fully available" not in page

    freeze(disputes.FREEZE_REASON)
    assert "ask the bank to withdraw it" in page_of_credits(alice_client)


def test_a_form_that_was_sent_before_does_not_lead_to_the_payment_page_again(alice_client, sandbox, account):
    sent = form(page_of_credits(alice_client))
    assert alice_client.post(f"{PAGE}/buy", sent).status_code == 302
    freeze()
    assert alice_client.post(f"{PAGE}/buy", sent).status_code == 403


def test_a_purchase_from_before_is_not_continued_but_cancelled(alice_client, purchase, empty_account):
    freeze()
    page = alice_client.get(purchase.get_absolute_url()).content.decode()
    assert "Don't pay now. The account is frozen." in page
    assert purchase.checkout_url not in page
    alice_client.post(reverse("billing:cancel-purchase", args=[purchase.pk]))
    assert Purchase.objects.get().state == "canceled"


def test_what_was_paid_all_the_same_is_credited(sandbox, purchase, empty_account):
    freeze()
    sandbox.pay(purchase)
    assert purchases.sync(purchase).state == "credited"
    assert credits_of(empty_account) == 1000


def test_an_account_read_before_it_was_frozen_buys_nothing(sandbox, account, alice):
    freeze()
    assert not account.frozen_reason
    with pytest.raises(checkouts.AccountFrozen):
        buy(account, alice)


def test_a_debt_can_be_paid(alice_client, sandbox, indebted, alice):
    page = page_of_credits(alice_client)
    assert "A purchase first covers the missing $7.00." in page
    assert alice_client.post(f"{PAGE}/buy", form(page)).url.startswith(sandbox.address)

    paid(sandbox, indebted, alice)
    assert "You can't buy credits while the account is frozen." in page_of_credits(alice_client)
    assert disputes.unfreeze(indebted)
    assert "Pay $10.80" in page_of_credits(alice_client)


def test_auto_top_up_says_that_it_is_paused(alice_client, sandbox, account, alice, card):
    turn_on(account, alice, card)
    freeze()
    for page in (page_of_credits(alice_client), alice_client.get(f"{PAGE}/auto-top-up").content.decode()):
        assert ">Paused</span>" in page
        assert ">On</span>" not in page
