"""Paying on the hosted page, with and without the bank's page, and keeping a card for later."""

import time

import pytest
import requests
import stripe

from tests.sandbox.stripe.world import SHOP, line_item, words


def test_a_purchase_pays_the_total_and_sends_the_buyer_back(shop, buyer):
    session = shop.session(
        client_reference_id="purchase-1",
        metadata={"purchase": "1"},
        payment_intent_data={"metadata": {"purchase": "1"}},
    )
    assert (session.status, session.payment_status, session.amount_total, session.payment_intent) == (
        "open",
        "unpaid",
        1080,
        None,
    )

    assert buyer.pay(session) == f"{SHOP}/paid?session={session.id}"

    session = shop.reload(session, "payment_intent.latest_charge")
    payment = session.payment_intent
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert (payment.status, payment.amount_received, payment.metadata["purchase"]) == ("succeeded", 1080, "1")
    assert (payment.latest_charge.paid, payment.latest_charge.amount, payment.latest_charge.currency) == (
        True,
        1080,
        "usd",
    )
    assert session.client_reference_id == "purchase-1"
    assert session.customer_details.email == "alice@example.com"


def test_the_page_shows_what_is_bought_and_says_that_no_money_moves(shop, buyer):
    session = shop.session(1000, 80, branding_settings={"display_name": "Corner Shop"})
    page = buyer.look(session.url)
    for text in (
        "Test payment page",
        "No real money moves here",
        "Pay Corner Shop",
        "Credits $10.00",
        "Platform fee $0.80",
        "Total due $10.80",
        "Back to Corner Shop",
    ):
        assert text in words(page)
    assert 'value="4242 4242 4242 4242"' in page.text
    assert f'href="{SHOP}/canceled"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and f"form-action 'self' {SHOP};" in policy + ";"
    assert "<script" not in page.text and "style=" not in page.text


def test_the_page_escapes_what_the_shop_calls_its_goods(shop, buyer):
    session = shop.session(line_items=[line_item("<script>alert(1)</script>", 500, quantity=2)])
    page = buyer.look(session.url)
    assert "<script>" not in page.text and "&lt;script&gt;" in page.text
    assert "× 2 $10.00" in words(page)


@pytest.mark.parametrize(
    ("number", "message", "decline_code"),
    [
        ("4000000000000002", "Your card was declined.", "generic_decline"),
        ("4000000000009995", "Your card has insufficient funds.", "insufficient_funds"),
        ("4000000000009979", "Your card was declined.", "stolen_card"),
        ("4000000000000069", "Your card has expired.", "expired_card"),
        ("4000000000000127", "Your card's security code is incorrect.", "incorrect_cvc"),
        ("4000000000000341", "Your card was declined.", "generic_decline"),
    ],
)
def test_a_declined_card_leaves_the_page_open_for_another(shop, buyer, number, message, decline_code):
    session = shop.session()
    assert buyer.pay(session, number) == ""
    assert buyer.page.status_code == 402
    assert message in words(buyer.page)

    declined = shop.reload(session, "payment_intent.latest_charge")
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert declined.payment_intent.status == "requires_payment_method"
    assert declined.payment_intent.last_payment_error.decline_code == decline_code
    assert declined.payment_intent.latest_charge.status == "failed"

    assert buyer.pay(session).startswith(f"{SHOP}/paid")
    paid = shop.reload(session)
    assert (paid.payment_status, paid.payment_intent) == ("paid", declined.payment_intent.id)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("number", "", "Enter a card number."),
        ("number", "4242 4242 4242 4241", "Your card number is incorrect."),
        ("number", "4111 1111 1111 1111", "used a non test card"),
        ("expiry", "13 / 34", "Enter the date as MM / YY."),
        ("expiry", "01 / 20", "Your card's expiration year is invalid."),
        ("cvc", "12", "Enter the 3 or 4 digits of the security code."),
    ],
)
def test_a_form_with_a_mistake_is_shown_again_with_what_was_entered(shop, buyer, field, value, message):
    session = shop.session()
    fields = {"name": "Bob Builder", field: value}
    number = fields.pop("number", "4242424242424242")
    assert buyer.pay(session, number, **fields) == ""
    assert buyer.page.status_code in (402, 422)
    assert message in words(buyer.page)
    assert "Bob Builder" in buyer.page.text and 'aria-invalid="true"' in buyer.page.text
    assert shop.reload(session).payment_intent is None


def test_three_d_secure_comes_before_the_payment(shop, buyer):
    session = shop.session()
    bank = buyer.pay(session, "4000002760003184")
    assert "/authorize/pi_" in bank
    waiting = shop.reload(session, "payment_intent")
    assert waiting.payment_intent.status == "requires_action"
    assert waiting.payment_intent.next_action.redirect_to_url.url == bank
    assert "Authorize $10.80" in words(buyer.look(bank))

    assert buyer.decide(bank, "authorize") == f"{SHOP}/paid?session={session.id}"
    paid = shop.reload(session, "payment_intent.latest_charge")
    assert paid.payment_status == "paid"
    assert paid.payment_intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_failed_three_d_secure_leads_back_to_the_page(shop, buyer):
    session = shop.session()
    back = buyer.decide(buyer.pay(session, "4000002760003184"), "refuse")
    assert back == session.url
    assert "We could not authenticate your payment method" in words(buyer.look(back))
    payment = shop.reload(session, "payment_intent").payment_intent
    assert (payment.status, payment.last_payment_error.code) == (
        "requires_payment_method",
        "payment_intent_authentication_failure",
    )


def test_a_card_can_be_declined_after_three_d_secure(shop, buyer):
    session = shop.session()
    back = buyer.decide(buyer.pay(session, "4000008260003178"), "authorize")
    assert back == session.url
    assert "insufficient funds" in words(buyer.look(back))
    assert shop.reload(session).payment_status == "unpaid"


def test_the_bank_s_page_sent_twice_pays_once(shop, buyer):
    session = shop.session()
    bank = buyer.pay(session, "4000002760003184")
    assert buyer.decide(bank, "authorize") == buyer.decide(bank, "authorize") == f"{SHOP}/paid?session={session.id}"
    assert len(shop.events_about(shop.reload(session).payment_intent, "charge.succeeded")) == 1


def test_a_second_click_on_the_button_pays_once(shop, buyer):
    session = shop.session()
    assert buyer.pay(session) == buyer.pay(session) == f"{SHOP}/paid?session={session.id}"
    assert len(shop.events_about(shop.reload(session).payment_intent, "charge.succeeded")) == 1
    assert "all done here" in words(buyer.look(session.url))


@pytest.mark.parametrize("kind", ["alipay", "paypal", "crypto"])
def test_another_method_is_paid_on_its_own_page(shop, buyer, kind):
    session = shop.session(allowed_payment_method_types=[kind])
    assert "Card number" not in words(buyer.look(session.url))
    assert buyer.decide(buyer.pay(session, type=kind), "authorize").startswith(f"{SHOP}/paid")
    paid = shop.reload(session, "payment_intent.latest_charge")
    assert (paid.payment_status, paid.payment_intent.latest_charge.payment_method_details.type) == ("paid", kind)
    assert paid.payment_intent.latest_charge.id.startswith("py_")


def test_alipay_can_be_refused(shop, buyer):
    session = shop.session(allowed_payment_method_types=["alipay"])
    assert buyer.decide(buyer.pay(session, type="alipay"), "refuse") == session.url
    assert "declined" in words(buyer.look(session.url))
    assert shop.reload(session).status == "open"


@pytest.mark.parametrize(("outcome", "payment_status"), [("succeeded", "paid"), ("failed", "unpaid")])
def test_alipay_money_can_follow_later(shop, buyer, outcome, payment_status):
    session = shop.session(allowed_payment_method_types=["alipay"])
    assert buyer.decide(buyer.pay(session, type="alipay"), "later").startswith(f"{SHOP}/paid")
    waiting = shop.reload(session, "payment_intent.latest_charge")
    assert (waiting.status, waiting.payment_status, waiting.payment_intent.status) == (
        "complete",
        "unpaid",
        "processing",
    )
    assert waiting.payment_intent.latest_charge.status == "pending"

    shop.control(f"sessions/{session.id}/settle", outcome=outcome)
    settled = shop.reload(session, "payment_intent.latest_charge")
    assert (settled.payment_status, settled.payment_intent.latest_charge.status) == (payment_status, outcome)
    assert shop.events_about(session.id, f"checkout.session.async_payment_{outcome}")


def test_a_method_that_the_page_does_not_offer_is_refused(shop, buyer):
    session = shop.session(allowed_payment_method_types=["card"])
    assert buyer.pay(session, type="alipay") == ""
    assert buyer.page.status_code == 400
    assert shop.reload(session).payment_intent is None


def test_a_page_with_every_method_lets_the_buyer_choose(shop, buyer):
    session = shop.session()
    page = buyer.look(session.url)
    assert all(name in words(page) for name in ("Card", "Alipay", "Crypto (USDC)"))
    assert "/authorize/pi_" in buyer.pay(session, type="alipay")


def test_an_expired_session_cannot_be_paid(shop, buyer):
    session = shop.session()
    shop.v1.checkout.sessions.expire(session.id)
    page = buyer.look(session.url)
    assert page.status_code == 410 and "expired" in words(page) and f"{SHOP}/canceled" in page.text
    assert buyer.pay(session) == "" and buyer.page.status_code == 410
    expired = shop.reload(session)
    assert (expired.status, expired.payment_intent) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match='status in \\["open"\\] can be expired'):
        shop.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_the_clock_and_cancels_what_was_begun(shop, buyer):
    session = shop.session(expires_at=shop.now() + 31 * 60)
    buyer.pay(session, "4000002760003184")
    shop.control("clock", seconds=30 * 60)
    assert shop.reload(session).status == "open"
    shop.control("clock", seconds=2 * 60)
    expired = shop.reload(session, "payment_intent")
    assert (expired.status, expired.url, expired.payment_intent.status) == ("expired", None, "canceled")
    assert len(shop.events_about(session.id, "checkout.session.expired")) == 1


def test_a_paid_session_does_not_expire(shop, buyer):
    session = shop.session(expires_at=shop.now() + 31 * 60)
    buyer.pay(session)
    shop.control("clock", seconds=40 * 60)
    assert shop.reload(session).status == "complete"
    assert shop.events_about(session.id, "checkout.session.expired") == []


def test_setting_up_a_card_keeps_it_for_its_owner(shop, buyer):
    customer = shop.customer()
    session = shop.setup_session(customer.id)
    assert (session.amount_total, session.payment_status) == (None, "no_payment_required")
    bank = buyer.pay(session, "4000002500003155")
    assert "Confirm that this is your card" in words(buyer.look(bank))
    assert buyer.decide(bank, "authorize") == f"{SHOP}/saved"

    done = shop.reload(session, "setup_intent.payment_method")
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")
    card = done.setup_intent.payment_method
    assert (card.customer, card.card.last4, card.card.brand) == (customer.id, "3155", "visa")
    assert shop.charge_while_away(customer.id, card.id).status == "succeeded"


def test_a_card_that_declines_cannot_be_set_up(shop, buyer):
    session = shop.setup_session(shop.customer().id)
    assert buyer.pay(session, "4000000000000002") == ""
    assert "Your card was declined." in words(buyer.page)
    failed = shop.reload(session, "setup_intent").setup_intent
    assert (failed.last_setup_error.decline_code, failed.payment_method) == ("generic_decline", None)
    assert shop.reload(session).status == "open"


def test_a_purchase_keeps_the_card_only_when_the_shop_asks(shop, buyer):
    def kept(session):
        return shop.reload(session, "payment_intent.payment_method").payment_intent.payment_method.customer

    customer = shop.customer()
    plain = shop.session(customer=customer.id)
    buyer.pay(plain)
    assert kept(plain) is None

    session = shop.session(customer=customer.id, payment_method_options={"card": {"setup_future_usage": "off_session"}})
    assert "charge this card for future payments" in words(buyer.look(session.url))
    buyer.pay(session)
    assert kept(session) == customer.id


def test_the_receipt_shows_what_was_paid_and_what_came_back(shop, buyer):
    session = shop.session()
    buyer.pay(session)
    payment = shop.reload(session, "payment_intent.latest_charge").payment_intent
    shop.v1.refunds.create({"payment_intent": payment.id, "amount": 300})
    text = words(buyer.look(payment.latest_charge.receipt_url))
    for part in (
        "Credits $10.00",
        "Platform fee $0.80",
        "Amount paid $10.80",
        "-$3.00",
        "Paid after refunds $7.80",
        "Visa ending in 4242",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"line_items": None}, "line_items", "Missing required param"),
        ({"success_url": None}, "success_url", "Missing required param"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "Not a valid URL"),
        ({"mode": "subscription"}, "mode", "must be one of payment or setup"),
        ({"ui_mode": "hosted"}, "ui_mode", "must be one of hosted_page"),
        ({"line_items": [line_item("Dust", 49)]}, "line_items", "at least \\$0.50"),
        ({"line_items": [line_item("Gold", 100_000_000)]}, "line_items", "no more than"),
        (
            {"line_items": [line_item("Credits", 500, quantity=0)]},
            "line_items[0][quantity]",
            "greater than or equal to 1",
        ),
        ({"expires_at": int(time.time()) + 60}, "expires_at", "at least 30 minutes"),
        ({"expires_at": int(time.time()) + 10**8}, "expires_at", "less than 24 hours"),
        ({"customer": "cus_nothing"}, "customer", "No such customer"),
        ({"customer": None}, "customer", "Missing required param"),
        ({"payment_method_types": ["card"]}, "payment_method_types", "unknown parameter"),
        ({"payment_intent_data": {"mood": "x"}}, "payment_intent_data[mood]", "unknown parameter"),
        ({"currency": "gbp"}, "currency", "usd and eur"),
        ({"currency": "eur"}, "line_items", "same currency"),
        (
            {"payment_intent_data": {"receipt_email": "x"}},
            "payment_intent_data[receipt_email]",
            "Invalid email address",
        ),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(shop, changes, param, message):
    with pytest.raises(stripe.InvalidRequestError, match=message) as refusal:
        shop.session(**changes)
    assert (refusal.value.http_status, refusal.value.param) == (400, param)


def test_what_is_not_there_is_a_404_page(shop):
    for path in ("c/pay/cs_test_nothing", "authorize/pi_nothing", "receipts/ch_nothing"):
        answer = requests.get(f"{shop.address}/{path}", timeout=20)
        assert answer.status_code == 404 and "Page not found" in answer.text
