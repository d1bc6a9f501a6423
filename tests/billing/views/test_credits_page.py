"""The credits page and the way to a purchase, for each of the cast."""

import pytest
from django.test import Client

from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry, Purchase
from billing.payments import purchases
from common.money import PICO_PER_CENT, PicoUsd
from tests.billing.conftest import buy, form, hidden

PAGE = "/settings/credits"
State = Purchase.State


# --- Who sees what ----------------------------------------------------------------------------------


def test_an_admin_sees_the_balance_the_form_and_the_history(alice_client, account):
    page = alice_client.get(PAGE).content.decode()

    assert "$10.00" in page
    assert "Pay $10.80" in page  # the fee is known before anything is paid
    assert "5.5%, at least $0.80" in page
    assert "Grant" in page


def test_a_member_sees_the_balance_and_whom_to_ask(bob_client, account):
    page = bob_client.get(PAGE).content.decode()

    assert "$10.00" in page
    assert "Only admins of" in page
    assert "Payment method" not in page
    assert "Transactions" not in page


def test_an_outsider_sees_an_account_of_their_own(charlie_client, account):
    page = charlie_client.get(PAGE).content.decode()

    assert "$10.00" not in page.replace("Pay $10.80", "").split("Buy credits")[0]
    assert "No transactions yet" in page


@pytest.mark.parametrize("path", ["", "/quote?preset=10&method=card", "/return?s=x"])
def test_a_visitor_is_asked_to_sign_in(client, db, path):
    answer = client.get(PAGE + path)
    assert answer.status_code == 302
    assert answer.url.startswith("/account/login/")


def test_a_member_cannot_buy_or_ask_for_prices(bob_client, sandbox, account):
    sent = {"preset": "10", "custom": "", "method": "card", "total": "1080", "token": "a" * 24}
    assert bob_client.post(f"{PAGE}/buy", sent).status_code == 403
    assert bob_client.get(f"{PAGE}/quote", {"preset": "10", "method": "card"}).status_code == 403
    assert not Purchase.objects.exists()


def test_buying_takes_a_form_of_this_site(alice, sandbox):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(f"{PAGE}/buy", {"preset": "10", "method": "card"}).status_code == 403


def test_the_short_address_leads_here(alice_client):
    assert alice_client.get("/credits?amount=30").url == f"{PAGE}?amount=30"


def test_what_is_held_is_explained(alice_client, account):
    CreditAccount.objects.update(held=300 * PICO_PER_CENT, usage=50 * PICO_PER_CENT)
    page = alice_client.get(PAGE).content.decode()

    assert "$9.50" in page
    assert '<dt class="sum">Available</dt><dd class="sum">$6.50</dd>' in page
    assert "<dt>On hold</dt><dd>$3.00</dd>" in page


def test_a_frozen_account_says_so(alice_client, account):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert "A payment is disputed." in alice_client.get(PAGE).content.decode()


# --- Prices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"preset": "25", "custom": "", "method": "card"}, ["$25.00", "$1.38", "Pay $26.38"]),
        ({"preset": "custom", "custom": "14.64", "method": "alipay"}, ["$14.64", "$0.81", "Pay $15.45"]),
        (
            {"preset": "custom", "custom": "3", "method": "card"},
            ["The minimum purchase is $5.00. Enter $5.00 or more."],
        ),
        ({"preset": "custom", "custom": "", "method": "card"}, ["Enter an amount in dollars."]),
        ({"preset": "11", "method": "card"}, ["Choose an amount and a payment method."]),
        ({"preset": "10", "method": "cash"}, ["Choose an amount and a payment method."]),
    ],
)
def test_the_price_follows_the_form(alice_client, asked, shown):
    answer = alice_client.get(f"{PAGE}/quote", asked)
    assert answer.status_code == 200
    for text in shown:
        assert text in answer.content.decode()
    assert ("Pay $" in answer.content.decode()) == any("Pay $" in text for text in shown)


def test_a_link_can_ask_for_an_amount(alice_client):
    page = alice_client.get(f"{PAGE}?amount=37.50").content.decode()
    assert 'value="37.50"' in page
    assert "Pay $39.56" in page


# --- Buying -----------------------------------------------------------------------------------------


def test_buying_leads_to_the_payment_page(alice_client, page, sandbox, organisation):
    answer = alice_client.post(f"{PAGE}/buy", form(page))

    purchase = Purchase.objects.get()
    assert answer.status_code == 302
    assert answer.url == purchase.checkout_url == f"{sandbox.address}/c/pay/{purchase.provider_session}"
    assert (purchase.account.organisation, purchase.user) == (organisation, organisation.personal_of)
    assert (purchase.state, purchase.credit_cents, purchase.fee_cents) == (State.OPEN, 1000, 80)


def test_sending_the_form_twice_leads_to_the_same_payment_page(alice_client, page):
    first = alice_client.post(f"{PAGE}/buy", form(page))
    second = alice_client.post(f"{PAGE}/buy", form(page))

    assert first.url == second.url
    assert Purchase.objects.count() == 1


def test_sending_the_form_again_after_it_was_paid_shows_that_it_was(alice_client, page, sandbox, organisation):
    alice_client.post(f"{PAGE}/buy", form(page))
    purchase = Purchase.objects.get()
    sandbox.pay(purchase)
    purchases.sync(purchase)

    assert alice_client.post(f"{PAGE}/buy", form(page)).url == purchase.get_absolute_url()
    assert Purchase.objects.count() == 1


@pytest.mark.parametrize("total", ["1079", "1081", "", "100"])
def test_a_total_that_the_buyer_has_not_seen_is_shown_first(alice_client, page, total):
    answer = alice_client.post(f"{PAGE}/buy", form(page, total=total))

    assert answer.status_code == 409
    assert "Confirm your purchase" in answer.content.decode()
    assert not Purchase.objects.exists()

    confirmed = form(answer.content.decode())
    assert confirmed["total"] == "1080"
    assert alice_client.post(f"{PAGE}/buy", confirmed).status_code == 302
    assert Purchase.objects.get().total_cents == 1080


def test_without_javascript_another_amount_is_confirmed_on_a_page_in_between(alice_client, page):
    answer = alice_client.post(f"{PAGE}/buy", form(page, preset="custom", custom="20", method="alipay"))

    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Pay $21.10" in shown
    sent = {name: hidden(shown, name) for name in ("preset", "custom", "method", "total", "token")}
    alice_client.post(f"{PAGE}/buy", sent)
    purchase = Purchase.objects.get()
    assert (purchase.total_cents, purchase.method) == (2110, "alipay")


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"preset": "custom", "custom": "4.99"}, "The minimum purchase is $5.00"),
        ({"preset": "custom", "custom": "ten"}, "Enter an amount in dollars"),
        ({"token": "short"}, "Buy credits"),
        ({"total": "many"}, "Buy credits"),
    ],
)
def test_a_form_that_makes_no_sense_comes_back_with_what_was_entered(alice_client, page, choices, told):
    answer = alice_client.post(f"{PAGE}/buy", form(page, **choices))

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert choices.get("custom", "") in answer.content.decode()
    assert not Purchase.objects.exists()


def test_an_outage_of_the_provider_is_told_and_the_form_can_be_sent_again(alice_client, page, sandbox):
    sandbox.fail("refuse", status=503, count=3)
    answer = alice_client.post(f"{PAGE}/buy", form(page))

    shown = answer.content.decode()
    assert answer.status_code == 503
    assert "You weren&#x27;t charged. Try again in a minute." in shown
    assert alice_client.post(f"{PAGE}/buy", form(shown)).url.startswith(sandbox.address)


def test_a_wrong_key_of_ours_is_told_with_the_way_to_support(alice_client, page, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_somebody_else"
    answer = alice_client.post(f"{PAGE}/buy", form(page))

    assert answer.status_code == 503
    assert "support@example.com" in answer.content.decode()


# --- Receipts and history ---------------------------------------------------------------------------


def test_a_receipt_shows_what_was_bought_and_links_to_the_providers(alice_client, sandbox, purchase):
    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    page = alice_client.get(f"{purchase.get_absolute_url()}/receipt").content.decode()

    for text in (purchase.receipt_number, "$10.00", "$0.80", "$10.80", "Visa ending in 4242", purchase.receipt_url):
        assert text in page


def test_what_was_not_credited_has_no_receipt(alice_client, purchase):
    assert alice_client.get(f"{purchase.get_absolute_url()}/receipt").status_code == 404


def test_the_history_has_every_entry_and_every_unfinished_purchase(alice_client, sandbox, empty_account, alice):
    paid, waiting, cancelled = (buy(empty_account, alice, cents) for cents in (1000, 2500, 4200))
    sandbox.pay(paid)
    purchases.sync(paid)
    purchases.cancel(cancelled)
    ledger.add(empty_account, PicoUsd(1234), kind=LedgerEntry.Kind.GRANT, reference="x", note="With <love>")

    page = alice_client.get(PAGE).content.decode()
    rows = page.split("<tbody>")[1].split("</tbody>")[0].split("<tr")[1:]
    found = {text: row for row in rows for text in ("+$10.00", "$25.00", "$42.00", "With &lt;love&gt;") if text in row}
    assert len(rows) == len(found) == 4
    assert "Receipt" in found["+$10.00"] and "$10.80" in found["+$10.00"]
    assert "Waiting for payment" in found["$25.00"] and waiting.get_absolute_url() in found["$25.00"]
    assert "Canceled" in found["$42.00"]
    assert "+$0.0000000012" in found["With &lt;love&gt;"]


def test_a_long_history_is_paged(alice_client, empty_account):
    for number in range(45):
        ledger.add(empty_account, PicoUsd(1), kind=LedgerEntry.Kind.GRANT, reference=str(number), note=f"no {number}.")

    first = alice_client.get(PAGE).content.decode()
    last = alice_client.get(f"{PAGE}?page=3").content.decode()
    assert "no 44." in first and "no 24." not in first
    assert "no 4." in last and "no 5." not in last
    assert "Page 3 of 3" in last
    assert alice_client.get(f"{PAGE}?page=99").content.decode().count("no 4.") == 1
