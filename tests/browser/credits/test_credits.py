"""The credits page in a browser, from an empty balance to a printed receipt, against the real processes."""

import csv
import re
from decimal import Decimal
from pathlib import Path

import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, mails_to
from tests.support.processes import Site, wait_until


def refused(faults: list[str]) -> None:
    """Forget that the browser noted the answer to a refused form."""
    assert [fault for fault in faults if "422" not in fault] == []
    faults.clear()


def test_a_buyer_keeps_the_card_and_gets_a_receipt_in_the_right_name(
    site: Site, page: Page, customer: Person, faults: list[str]
):
    enter(page, site, customer, "/settings/credits")
    check_looks(page)
    page.get_by_role("radio", name="Alipay").check()
    expect(page.get_by_label("Save this card")).to_be_hidden()
    page.get_by_role("radio", name="Card").check()
    page.get_by_label("Save this card").check()
    page.get_by_text("$10", exact=True).check()
    page.get_by_role("button", name="Pay $10.80").click()

    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expires").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("Buyer")
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()
    expect(page.get_by_text("Visa ending in 4242 is saved.")).to_be_visible()
    check_looks(page)

    page.get_by_role("link", name="Receipt").click()
    page.get_by_role("link", name="Enter billing details").click()
    check_looks(page)
    page.get_by_label("Name").fill("Buyer & Daughters Ltd")
    page.get_by_label("Address").fill("1 Main Street\nDublin")
    page.get_by_label("Country").select_option("Ireland VAT ID")
    page.get_by_role("textbox", name="Tax ID").fill("IE1234567X")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Expected form: IE6433435F.")).to_be_visible()
    refused(faults)
    check_looks(page)
    page.get_by_role("textbox", name="Tax ID").first.fill("ie 6433435f")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Add billing details").click()
    expect(page.get_by_role("article")).to_contain_text("Buyer & Daughters Ltd")
    expect(page.get_by_role("article")).to_contain_text("Ireland VAT ID IE6433435F")
    check_looks(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")
    cards = f"SELECT brand, last4, state FROM billing_savedcard WHERE account_id = {customer.account}"
    assert site.rows(cards) == [("visa", "4242", "active")]


def test_a_line_is_drawn_and_the_history_downloads_as_it_is_shown(
    site: Site, page: Page, customer: Person, tmp_path: Path
):
    enter(page, site, customer, "/settings/credits")
    page.get_by_label("When the balance drops below").fill("1000")
    page.get_by_role("button", name="Turn on low-balance alert").click()
    expect(page.get_by_text("The balance is below $1,000.00 now.")).to_be_visible()
    check_looks(page)
    page.get_by_role("button", name="Turn off low-balance alert").click()
    expect(page.get_by_text("The low-balance alert is off.")).to_be_visible()

    with page.expect_download() as started:
        page.get_by_role("link", name="Download as CSV").click()
    saved = tmp_path / started.value.suggested_filename
    started.value.save_as(saved)
    rows = list(csv.DictReader(saved.read_text().splitlines()))
    assert len(rows) == page.locator("#history tbody tr").count()
    [(received,)] = site.rows(f"SELECT credits FROM billing_creditaccount WHERE id = {customer.account}")
    assert sum(Decimal(row["amount_usd"]) for row in rows) == Decimal(received).scaleb(-12)


def test_the_request_that_makes_the_balance_low_sends_one_mail(site: Site, page: Page, customer: Person):
    enter(page, site, customer, "/settings/credits")
    page.get_by_label("When the balance drops below").fill("25.00")  # the balance
    page.get_by_role("button", name="Turn on low-balance alert").click()
    expect(page.get_by_text("Admins get one email when the balance drops below")).to_be_visible()

    def mails() -> int:
        return len([mail for mail in mails_to(site, customer.email) if "Subject: Your balance is below" in mail])

    assert mails() == 0
    for _ in range(3):
        answer = requests.post(
            f"{site.url}/api/v1/chat/completions",
            json={"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hello"}]},
            headers={"Authorization": f"Bearer {customer.key}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
    wait_until(mails, "the mail")
    page.reload()
    expect(page.get_by_text("Admins get another email after the balance recovers")).to_be_visible()
    assert mails() == 1


def test_the_pay_button_survives_a_quote_that_changes_nothing(site: Site, page: Page, customer: Person):
    enter(page, site, customer, "/settings/credits")
    quote = page.locator("#quote")
    page.get_by_text("$10", exact=True).check()
    expect(quote).to_contain_text("$10.80")
    pay = quote.get_by_role("button").element_handle()
    for method, total in (("Alipay", "$10.80"), ("USDC", "$10.50")):
        with page.expect_response("**/quote?**") as answer:
            page.get_by_role("radio", name=method, exact=True).check()
        answer.value.finished()
        expect(quote).to_contain_text(total)
        expect(page.locator(".htmx-request")).to_have_count(0)
        assert pay.evaluate("button => button.isConnected") == (total == "$10.80")


CODE = """
from accounts.models import User
from billing.credits import promotions
rules = promotions.Rules(cents=500, max_uses=1, credit_days=60)
print("CODE", promotions.create(rules, operator=User.objects.get(email="{email}")).code)
"""


def test_a_buyer_redeems_a_code_cancels_a_purchase_and_pays_and_is_refunded_by_paypal(
    site: Site, page: Page, customer: Person, faults: list[str]
):
    printed = site.manage("shell", "--no-imports", "-c", CODE.format(email=customer.email))
    [code] = re.findall(r"^CODE (\w+)", printed, re.MULTILINE)
    enter(page, site, customer, "/settings/credits")
    page.get_by_text("Redeem a promotional code").click()
    page.get_by_label("Promotional code").fill("nonsense")
    page.get_by_role("button", name="Redeem").click()
    expect(page.get_by_text("This code isn't valid.")).to_be_visible()
    refused(faults)
    check_looks(page)
    page.get_by_label("Promotional code").fill(code.lower())
    page.get_by_role("button", name="Redeem").click()
    expect(page.get_by_text("$5.00 in credits added.")).to_be_visible()
    row = page.locator("#history tbody tr")
    expect(row.first).to_contain_text("Promotional code")

    def start_paying() -> None:
        page.get_by_role("radio", name="PayPal").check()
        page.get_by_text("$10", exact=True).check()
        page.get_by_role("button", name="Pay $10.80").click()
        expect(page).not_to_have_url(re.compile(re.escape(site.url)))

    start_paying()
    page.goto(f"{site.url}/settings/credits")
    check_looks(page)
    page.get_by_role("button", name="Cancel the purchase").click()
    expect(page.get_by_text("Purchase of $10.00 canceled.")).to_be_visible()
    expect(row.first).to_contain_text("Canceled")

    start_paying()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("button", name="Authorize test payment").click()
    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()
    page.goto(f"{site.url}/settings/credits")
    expect(row.first).to_contain_text("PayPal, by")
    page.get_by_role("link", name="Refund of").click()
    page.get_by_role("button", name="Refund $10.00").click()
    expect(page.get_by_role("heading", name="Credit note")).to_be_visible()
    check_looks(page)
