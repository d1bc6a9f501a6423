"""USDC on the credits page, and the page of a USDC purchase in each state."""

import pytest
from django.core.cache import cache

from billing.models import Purchase, Refund
from billing.payments import purchases
from tests.billing.conftest import credits_of, hidden

PAGE = "/settings/credits"
HERE = {"host": "127.0.0.1:8000"}  # the stand-in redirects to this machine only
State = Purchase.State


def form(page: str, **choices: str) -> dict[str, str]:
    """Return the buy form as a browser sends it: $10 in USDC unless `choices` say otherwise."""
    return {"preset": "10", "custom": "", "method": "usdc", "total": "1050", "token": hidden(page, "token")} | choices


@pytest.fixture
def page(alice_client, empty_account) -> str:
    return alice_client.get(PAGE).content.decode()


@pytest.fixture
def show(alice_client):
    """Return a function that fetches the page of a purchase, with whitespace collapsed."""
    return lambda purchase: " ".join(alice_client.get(purchase.get_absolute_url()).content.decode().split())


@pytest.fixture
def without_coinbase(settings):
    settings.COINBASE_IS_SANDBOX = False


# --- Buying -------------------------------------------------------------------------------------------


def test_usdc_is_offered_beside_the_other_methods(page):
    assert [f'value="{method}"' in page for method in ("card", "alipay", "usdc")] == [True] * 3


def test_it_is_not_offered_without_a_provider(alice_client, empty_account, without_coinbase):
    page = alice_client.get(PAGE).content.decode()
    assert 'value="usdc"' not in page and "USDC" not in page

    response = alice_client.post(f"{PAGE}/buy", form(page))
    assert response.status_code == 422
    assert "This payment method isn&#x27;t available. Choose another." in response.content.decode()
    assert not Purchase.objects.exists()


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ({"preset": "10"}, ["$0.50", "Pay $10.50", "5%", "Payments in USDC are final"]),
        ({"preset": "custom", "custom": "5"}, ["$0.25", "Pay $5.25"]),
        ({"preset": "custom", "custom": "12.70"}, ["$0.64", "Pay $13.34"]),  # 63.5 cents
        ({"preset": "custom", "custom": "4"}, ["The minimum purchase is $5.00"]),
    ],
)
def test_choosing_it_shows_its_fee_and_total(alice_client, empty_account, choice, shown):
    quote = alice_client.get(f"{PAGE}/quote", {"method": "usdc", **choice}).content.decode()
    assert [text for text in shown if text not in quote] == []
    assert "at least" not in quote  # no minimum


def test_the_note_about_finality_is_for_usdc_only(alice_client, empty_account):
    quote = alice_client.get(f"{PAGE}/quote", {"method": "card", "preset": "10"}).content.decode()
    assert "final" not in quote and "Pay $10.80" in quote


def test_the_form_leads_to_the_payment_page(alice_client, crypto, page):
    response = alice_client.post(f"{PAGE}/buy", form(page), headers=HERE)

    purchase = Purchase.objects.get()
    assert (response.status_code, response.url) == (302, purchase.checkout_url)
    assert response.url.startswith(f"{crypto.address}/payment-links/")
    assert (purchase.method, purchase.provider, purchase.total_cents) == ("usdc", "coinbase", 1050)


def test_the_content_security_policy_allows_the_payment_page(alice_client, empty_account, settings):
    policy = alice_client.get(PAGE).headers["Content-Security-Policy"]
    assert settings.SANDBOX_COINBASE_URL in policy.split("form-action")[1].split(";")[0]


def test_without_scripts_an_extra_page_confirms_the_total(alice_client, crypto, page):
    """Without scripts, the form shows the total for a card."""
    response = alice_client.post(f"{PAGE}/buy", form(page, total=hidden(page, "total")), headers=HERE)
    between = response.content.decode()
    assert response.status_code == 409
    assert "Pay $10.50" in between and "You pay in USDC" in between and "Payments in USDC are final" in between
    assert "refundable within" not in between
    assert not Purchase.objects.exists()

    again = form(between, total=hidden(between, "total"), method=hidden(between, "method"))
    assert alice_client.post(f"{PAGE}/buy", again, headers=HERE).status_code == 302


def test_an_outage_shows_an_error_and_keeps_the_input(alice_client, crypto, page):
    crypto.fail("refuse", status=503, count=3)
    response = alice_client.post(f"{PAGE}/buy", form(page, preset="custom", custom="20", total="2100"), headers=HERE)

    text = response.content.decode()
    assert response.status_code == 503
    assert "Couldn&#x27;t reach the payment provider. You weren&#x27;t charged." in text
    assert 'value="20"' in text


def test_members_and_strangers_cannot_see_or_cancel_it(bob_client, charlie_client, usdc_purchase):
    for client in (bob_client, charlie_client):
        for path in ("", "/cancel", "/receipt", "/refund"):
            assert client.get(usdc_purchase.get_absolute_url() + path).status_code == 404


def test_returning_from_the_payment_page_does_not_cancel(alice_client, crypto, usdc_purchase):
    back = crypto.checkout(usdc_purchase)["failRedirectUrl"].removeprefix("http://127.0.0.1:8000")
    assert "Waiting for your payment" in alice_client.get(back).content.decode()
    assert crypto.checkout(usdc_purchase)["status"] == "ACTIVE"


# --- States ---------------------------------------------------------------------------------------------

HELP = "Sent USDC but no credits?"


def test_a_waiting_purchase_explains_missing_credits(show, usdc_purchase):
    text = show(usdc_purchase)
    assert "Waiting for your payment" in text and "You haven't paid $10.50 in USDC yet" in text
    assert HELP in text and "<strong>Base</strong> network" in text and "transaction hash" in text
    assert f"mailto:support@example.com?subject=USDC%20purchase%20{usdc_purchase.pk}" in text
    assert f'href="{usdc_purchase.get_absolute_url()}">' in text.split(HELP)[1]  # check again


def test_an_unconfirmed_payment_is_shown_and_polled(show, crypto, usdc_purchase):
    crypto.pay(usdc_purchase, later=True)
    text = show(usdc_purchase)
    assert "the network is confirming it" in text and 'hx-trigger="every 2s"' in text and HELP in text


def test_a_credited_purchase_shows_no_help(show, crypto, usdc_purchase):
    crypto.pay(usdc_purchase)
    text = show(usdc_purchase)
    assert "$10.00 added" in text and HELP not in text


@pytest.mark.parametrize(("received", "word"), [("9.50", "less"), ("11.50", "more")])
def test_a_wrong_amount_is_shown_with_the_support_address(show, crypto, usdc_purchase, received, word):
    crypto.pay(usdc_purchase, received=received)
    text = show(usdc_purchase)
    assert "Payment under review" in text and "Your money isn't lost" in text
    assert f"We received ${received}, which is {word} than the total of $10.50." in text
    assert crypto.checkout(usdc_purchase)["transactionHash"] in text
    assert HELP not in text  # the payment has arrived, so waiting does not help


def test_a_failed_payment_says_what_to_check(show, crypto, usdc_purchase):
    crypto.fail_payment(usdc_purchase)
    text = show(usdc_purchase)
    assert "Payment failed" in text and "Check your wallet" in text and "Try again" in text and HELP in text
    assert "you weren't charged" not in text  # the wallet may have sent something


def test_viewing_an_expired_purchase_finds_a_late_payment(show, crypto, usdc_purchase, empty_account):
    crypto.expire(usdc_purchase)
    text = show(usdc_purchase)
    assert "Payment page expired" in text and "we'll credit it" in text and HELP in text

    crypto.confirm(usdc_purchase)
    cache.clear()  # a second later
    assert "$10.00 added" in show(usdc_purchase)
    assert credits_of(empty_account) == 1000


def test_its_page_reports_an_outage(show, crypto, usdc_purchase):
    crypto.fail("refuse", status=503, count=3)
    assert "The payment provider isn't responding" in show(usdc_purchase)


def test_operators_find_it_by_its_transaction_hash(crypto, usdc_purchase, admin_client):
    crypto.pay(usdc_purchase, received="9.50")
    transaction = purchases.sync(usdc_purchase).transaction
    page = admin_client.get(f"/admin/billing/purchase/?q={transaction}").content.decode()
    assert str(usdc_purchase.pk) in page and "cents received is 950, not 1050" in page


# --- Never refunded -------------------------------------------------------------------------------------


@pytest.fixture
def credited(crypto, usdc_purchase) -> Purchase:
    crypto.pay(usdc_purchase)
    return purchases.sync(usdc_purchase)


def test_the_history_shows_why_it_has_no_refund_button(alice_client, credited):
    page = alice_client.get(PAGE).content.decode()
    assert "USDC: not refundable" in page
    assert f"{credited.get_absolute_url()}/refund" not in page
    assert f"{credited.get_absolute_url()}/receipt" in page


def test_its_receipt_says_that_payments_are_final(alice_client, credited):
    receipt = alice_client.get(f"{credited.get_absolute_url()}/receipt").content.decode()
    shown = ("USDC on Base", credited.transaction, "$10.50", "Payments in USDC are final")
    assert [text for text in shown if text not in receipt] == []


def test_a_refund_is_refused(alice_client, crypto, credited, empty_account):
    url = f"{credited.get_absolute_url()}/refund"
    shown = alice_client.get(url).content.decode()
    assert "Cryptocurrency payments are final" in shown and "within 24 hours" not in shown

    assert alice_client.post(url, {"cents": "1000"}).status_code == 409
    assert not Refund.objects.exists()
    assert "refunds" not in crypto.checkout(credited)
    assert credits_of(empty_account) == 1000
