"""The sandbox's pages in a browser, and the developer's buttons."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.sandbox.stripe.world import words


@pytest.fixture
def pages(shop, buyer) -> dict[str, str]:
    """The address of one page of each kind."""
    declined, expired, secure, wallet, paid = (shop.session() for _ in range(5))
    buyer.pay(declined, "4000000000009995")
    shop.v1.checkout.sessions.expire(expired.id)
    buyer.pay(paid)
    payment = shop.reload(paid, "payment_intent.latest_charge").payment_intent
    shop.v1.refunds.create({"payment_intent": payment.id, "amount": 300})
    shop.control("disputes", payment_intent=payment.id)
    return {
        "open": shop.session().url,
        "save a card": shop.setup_session(shop.customer().id).url,
        "declined": declined.url,
        "expired": f"{shop.address}/c/pay/{expired.id}",
        "done": f"{shop.address}/c/pay/{paid.id}",
        "3D Secure": buyer.pay(secure, "4000002760003184"),
        "wallet": buyer.pay(wallet, type="crypto"),
        "receipt": payment.latest_charge.receipt_url,
        "start": f"{shop.address}/",
        "payment": f"{shop.address}/payments/{payment.id}",
    }


def test_every_page_is_accessible_and_fits_its_window(pages, page: Page, faults):
    for name, address in pages.items():
        page.goto(address)
        for closed in page.locator("summary").all():
            closed.click()
        check_looks(page)
        assert page.locator("h1").count() == 1, name
        assert "Test payment page" in page.locator("header").inner_text(), name
    faults[:] = [fault for fault in faults if "410" not in fault]


def test_a_purchase_needs_a_keyboard_only(shop, receiver, page: Page):
    session = shop.session(success_url=f"{receiver.origin}/paid", cancel_url=f"{receiver.origin}/canceled")
    page.goto(session.url)
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.innerText || document.activeElement.name"))
        if "Pay $10.80" in seen[-1]:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"{receiver.origin}/paid")
    expect(page.get_by_role("heading", name="The shop")).to_be_visible()
    assert shop.reload(session).payment_status == "paid"


def test_the_page_works_without_javascript(shop, receiver, new_page, faults):
    page = new_page(java_script_enabled=False)
    session = shop.session(success_url=f"{receiver.origin}/paid")
    page.goto(session.url)
    page.get_by_text("Test cards").click()
    page.get_by_role("link", name="3D Secure on every payment").click()
    expect(page.get_by_label("Card number")).to_have_value("4000 0027 6000 3184")
    page.get_by_role("button", name="Pay $10.80").click()
    page.get_by_role("button", name="Fail authentication").click()
    expect(page.get_by_role("alert")).to_contain_text("could not authenticate")
    page.get_by_label("Alipay").check()
    expect(page.get_by_label("Card number")).to_be_hidden()
    page.get_by_role("button", name="Pay $10.80").click()
    page.get_by_role("button", name="Authorize test payment").click()
    page.wait_for_url(f"{receiver.origin}/paid")


def test_the_buyer_can_go_back_to_the_shop(shop, receiver, page: Page):
    session = shop.session(cancel_url=f"{receiver.origin}/canceled")
    page.goto(session.url)
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(f"{receiver.origin}/canceled")
    assert shop.reload(session).status == "open"


def test_a_mistake_puts_the_cursor_where_it_is(shop, page: Page, faults):
    page.goto(shop.session().url)
    page.get_by_label("Card number").fill("4242 4242 4242 4241")
    page.get_by_role("button", name="Pay $10.80").click()
    expect(page.get_by_label("Card number")).to_be_focused()
    expect(page.get_by_label("Card number")).to_have_accessible_description(
        "4242 4242 4242 4242 succeeds. Your card number is incorrect."
    )
    faults[:] = [fault for fault in faults if "402" not in fault]


def test_the_developer_refunds_and_disputes_a_payment_with_buttons(shop, receiver, page: Page):
    payment = shop.paid(1000)
    page.goto(f"{shop.address}/")
    page.get_by_role("link", name="$10.00").first.click()
    page.get_by_label("Amount to refund").fill("2.50")
    page.get_by_role("button", name="Refund from the dashboard").click()
    expect(page.get_by_text("$2.50, succeeded")).to_be_visible()
    page.get_by_role("button", name="Let it fail").click()
    expect(page.get_by_text("$2.50, failed")).to_be_visible()
    page.get_by_role("button", name="The cardholder disputes it").click()
    page.get_by_role("button", name="The shop wins the dispute").click()
    expect(page.get_by_text("fraudulent, won")).to_be_visible()
    receiver.wait_for(lambda: receiver.types_about(payment.id).count("payment_intent.succeeded") == 1, "the payment")
    page.get_by_role("button", name="Send again: payment_intent.succeeded").click()
    receiver.wait_for(lambda: receiver.types_about(payment.id).count("payment_intent.succeeded") == 2, "it once more")
    assert [refund.status for refund in shop.v1.refunds.list({"payment_intent": payment.id})] == ["failed"]


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("ten", "Enter the amount as in 4.50."),
        ("0", "above zero"),
        ("1.005", "as in 4.50"),
        ("10.01", "greater than unrefunded"),
    ],
)
def test_a_refund_that_cannot_be_is_explained(shop, buyer, amount, message):
    payment = shop.paid(1000)
    answer = buyer.send(f"{shop.address}/payments/{payment.id}", action="refund", amount=amount)
    assert answer.status_code == 422 and message in words(answer)
    assert shop.v1.refunds.list({"payment_intent": payment.id}).data == []


def test_money_that_is_under_way_arrives_with_a_button(shop, buyer):
    session = shop.session(allowed_payment_method_types=["alipay"])
    buyer.decide(buyer.pay(session, type="alipay"), "later")
    payment = shop.reload(session).payment_intent
    assert buyer.send(f"{shop.address}/payments/{payment}", action="arrive").status_code == 303
    assert shop.reload(session).payment_status == "paid"
    assert "not under way" in words(buyer.send(f"{shop.address}/payments/{payment}", action="arrive"))


def test_a_form_of_another_site_is_refused(shop, buyer):
    payment = shop.paid(1000)
    buyer.headers["Origin"] = "http://evil.example"
    answer = buyer.send(f"{shop.address}/payments/{payment.id}", action="dispute")
    assert answer.status_code == 403
    session = shop.session()
    assert buyer.pay(session) == "" and buyer.page.status_code == 403
    assert shop.v1.disputes.list({"payment_intent": payment.id}).data == []
