"""Paying in USDC, in a browser and against the real processes."""

import re

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site, wait_until


def choose_ten_dollars(page: Page) -> None:
    page.get_by_text("$10", exact=True).check()
    page.get_by_role("radio", name="USDC").check()
    expect(page.locator("#quote")).to_contain_text("$0.50")
    expect(page.locator("#quote")).to_contain_text("Payments in USDC are final")


def test_a_newcomer_buys_with_usdc(site: Site, page: Page, customer: Person):
    enter(page, site, customer, "/settings/credits")
    choose_ten_dollars(page)
    check_looks(page)
    page.get_by_role("button", name="Pay $10.50").click()

    expect(page.get_by_text("Network")).to_be_visible()  # the payment provider's own page
    page.get_by_role("button", name="Pay 10.50 USDC").click()

    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_text(re.compile("transaction 0x[0-9a-f]{64}"))).to_be_visible()

    page.goto(f"{site.url}/settings/credits")
    line = page.locator("#history tbody tr").first
    expect(line).to_contain_text("$10.50")
    expect(line).to_contain_text("USDC: not refundable")
    expect(line.get_by_role("link", name="Refund")).to_have_count(0)
    # The webhook found its way to the site as well.
    [(checkout,)] = site.rows(f"SELECT provider_session FROM billing_purchase WHERE account_id = {customer.account}")
    delivered = f"SELECT state FROM billing_providerevent WHERE provider = 'coinbase' AND object_id = '{checkout}'"
    wait_until(lambda: site.rows(delivered) == [("done",)], "the webhook")


def test_a_payment_that_is_confirmed_later_arrives_by_itself(site: Site, page: Page, customer: Person):
    enter(page, site, customer, "/settings/credits")
    choose_ten_dollars(page)
    page.get_by_role("button", name="Pay $10.50").click()
    page.get_by_role("button", name="Pay, to be confirmed later").click()

    expect(page.get_by_role("heading", name="Payment processing")).to_be_visible()
    help_card = page.get_by_role("region", name="Sent USDC but no credits?")
    expect(help_card).to_be_visible()
    check_looks(page)

    purchase = page.url.rpartition("/")[2].replace("-", "")
    [(checkout,)] = site.rows(
        f"SELECT provider_session FROM billing_purchase WHERE replace(cast(id AS text), '-', '') = '{purchase}'"
    )
    confirmed = page.request.post(f"{site.coinbase_url}/_test/checkouts/{checkout}/confirm", data={})
    assert confirmed.ok
    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()
    expect(help_card).to_be_hidden()
