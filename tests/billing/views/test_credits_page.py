"""The credits page and buying, for each kind of user."""

import pytest
from django.test import Client

from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry, Purchase
from billing.payments import purchases
from common.money import PICO_PER_CENT, PicoUsd
from tests.billing.conftest import buy, form, hidden

PAGE = "/settings/credits"
State = Purchase.State


# --- Permissions ------------------------------------------------------------------------------------


def test_an_admin_sees_the_balance_the_form_and_the_history(alice_client, account):
    page = alice_client.get(PAGE).content.decode()

    assert "$10.00" in page
    assert "Pay $10.80" in page  # the fee is shown before the payment
    assert "5.5%, at least $0.80" in page
    assert "Grant" in page


def test_a_member_sees_the_balance_and_is_referred_to_admins(bob_client, account):
    page = bob_client.get(PAGE).content.decode()

    assert "$10.00" in page
    assert "Only admins of" in page
    assert "Payment method" not in page
    assert "Transactions" not in page


def test_a_stranger_sees_their_own_account(charlie_client, account):
    page = charlie_client.get(PAGE).content.decode()

    assert "$10.00" not in page.replace("Pay $10.80", "").split("Buy credits")[0]
    assert "No transactions yet" in page


@pytest.mark.parametrize("path", ["", "/quote?preset=10&method=card", "/return?s=x"])
def test_anonymous_visitors_must_sign_in(client, db, path):
    response = client.get(PAGE + path)
    assert response.status_code == 302
    assert response.url.startswith("/account/login/")


def test_a_member_cannot_buy_or_see_prices(bob_client, sandbox, account):
    sent = {"preset": "10", "custom": "", "method": "card", "total": "1080", "token": "a" * 24}
    assert bob_client.post(f"{PAGE}/buy", sent).status_code == 403
    assert bob_client.get(f"{PAGE}/quote", {"preset": "10", "method": "card"}).status_code == 403
    assert not Purchase.objects.exists()


def test_buying_needs_a_csrf_token(alice, sandbox):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(f"{PAGE}/buy", {"preset": "10", "method": "card"}).status_code == 403


def test_the_short_url_redirects_here(alice_client):
    assert alice_client.get("/credits?amount=30").url == f"{PAGE}?amount=30"


def test_holds_are_shown(alice_client, account):
    CreditAccount.objects.update(held=300 * PICO_PER_CENT, usage=50 * PICO_PER_CENT)
    page = alice_client.get(PAGE).content.decode()

    assert "$9.50" in page
    assert '<dt class="sum">Available</dt><dd class="sum">$6.50</dd>' in page
    assert "<dt>On hold</dt><dd>$3.00</dd>" in page


def test_a_frozen_account_shows_its_reason(alice_client, account):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert "A payment is disputed." in alice_client.get(PAGE).content.decode()


# --- Prices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "shown"),
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
def test_the_price_follows_the_form(alice_client, data, shown):
    response = alice_client.get(f"{PAGE}/quote", data)
    assert response.status_code == 200
    for text in shown:
        assert text in response.content.decode()
    assert ("Pay $" in response.content.decode()) == any("Pay $" in text for text in shown)


def test_a_link_can_fill_in_an_amount(alice_client):
    page = alice_client.get(f"{PAGE}?amount=37.50").content.decode()
    assert 'value="37.50"' in page
    assert "Pay $39.56" in page


# --- Buying -----------------------------------------------------------------------------------------


def test_buying_leads_to_the_payment_page(alice_client, page, sandbox, organisation):
    response = alice_client.post(f"{PAGE}/buy", form(page))

    purchase = Purchase.objects.get()
    assert response.status_code == 302
    assert response.url == purchase.checkout_url == f"{sandbox.address}/c/pay/{purchase.provider_session}"
    assert (purchase.account.organisation, purchase.user) == (organisation, organisation.personal_of)
    assert (purchase.state, purchase.credit_cents, purchase.fee_cents) == (State.OPEN, 1000, 80)


def test_resubmitting_the_form_opens_the_same_payment_page(alice_client, page):
    first = alice_client.post(f"{PAGE}/buy", form(page))
    second = alice_client.post(f"{PAGE}/buy", form(page))

    assert first.url == second.url
    assert Purchase.objects.count() == 1


def test_resubmitting_the_form_after_payment_shows_the_purchase(alice_client, page, sandbox, organisation):
    alice_client.post(f"{PAGE}/buy", form(page))
    purchase = Purchase.objects.get()
    sandbox.pay(purchase)
    purchases.sync(purchase)

    assert alice_client.post(f"{PAGE}/buy", form(page)).url == purchase.get_absolute_url()
    assert Purchase.objects.count() == 1


@pytest.mark.parametrize("total", ["1079", "1081", "", "100"])
def test_a_changed_total_must_be_confirmed(alice_client, page, total):
    response = alice_client.post(f"{PAGE}/buy", form(page, total=total))

    assert response.status_code == 409
    assert "Confirm your purchase" in response.content.decode()
    assert not Purchase.objects.exists()

    confirmed = form(response.content.decode())
    assert confirmed["total"] == "1080"
    assert alice_client.post(f"{PAGE}/buy", confirmed).status_code == 302
    assert Purchase.objects.get().total_cents == 1080


def test_without_javascript_an_extra_page_confirms_another_amount(alice_client, page):
    response = alice_client.post(f"{PAGE}/buy", form(page, preset="custom", custom="20", method="alipay"))

    shown = response.content.decode()
    assert response.status_code == 409
    assert "Pay $21.10" in shown
    sent = {name: hidden(shown, name) for name in ("preset", "custom", "method", "total", "token")}
    alice_client.post(f"{PAGE}/buy", sent)
    purchase = Purchase.objects.get()
    assert (purchase.total_cents, purchase.method) == (2110, "alipay")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"preset": "custom", "custom": "4.99"}, "The minimum purchase is $5.00"),
        ({"preset": "custom", "custom": "ten"}, "Enter an amount in dollars"),
        ({"token": "short"}, "Buy credits"),
        ({"total": "many"}, "Buy credits"),
    ],
)
def test_an_invalid_form_is_shown_again_with_its_input(alice_client, page, choices, message):
    response = alice_client.post(f"{PAGE}/buy", form(page, **choices))

    assert response.status_code == 422
    assert message in response.content.decode()
    assert choices.get("custom", "") in response.content.decode()
    assert not Purchase.objects.exists()


def test_after_an_outage_of_the_provider_the_form_can_be_resubmitted(alice_client, page, sandbox):
    sandbox.fail("refuse", status=503, count=3)
    response = alice_client.post(f"{PAGE}/buy", form(page))

    shown = response.content.decode()
    assert response.status_code == 503
    assert "You weren&#x27;t charged. Try again in a minute." in shown
    assert alice_client.post(f"{PAGE}/buy", form(shown)).url.startswith(sandbox.address)


def test_rejected_credentials_show_the_support_address(alice_client, page, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_invalid"
    response = alice_client.post(f"{PAGE}/buy", form(page))

    assert response.status_code == 503
    assert "support@example.com" in response.content.decode()


# --- Receipts and history ---------------------------------------------------------------------------


def test_a_receipt_shows_the_purchase_and_links_to_the_providers_receipt(alice_client, sandbox, purchase):
    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    page = alice_client.get(f"{purchase.get_absolute_url()}/receipt").content.decode()

    for text in (purchase.receipt_number, "$10.00", "$0.80", "$10.80", "Visa ending in 4242", purchase.receipt_url):
        assert text in page


def test_an_uncredited_purchase_has_no_receipt(alice_client, purchase):
    assert alice_client.get(f"{purchase.get_absolute_url()}/receipt").status_code == 404


def test_the_history_lists_every_entry_and_unfinished_purchase(alice_client, sandbox, empty_account, alice):
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


def test_a_long_history_has_pages(alice_client, empty_account):
    for number in range(45):
        ledger.add(empty_account, PicoUsd(1), kind=LedgerEntry.Kind.GRANT, reference=str(number), note=f"no {number}.")

    first = alice_client.get(PAGE).content.decode()
    last = alice_client.get(f"{PAGE}?page=3").content.decode()
    assert "no 44." in first and "no 24." not in first
    assert "no 4." in last and "no 5." not in last
    assert "Page 3 of 3" in last
    assert alice_client.get(f"{PAGE}?page=99").content.decode().count("no 4.") == 1
