"""A buyer's story, told in a browser against the real processes: every way to pay, and a statement that adds up.

Told twice: on the embedded stores (SQLite, files) and on those of production (PostgreSQL, Redis).
"""

import csv
import io
import json
import re
from decimal import Decimal

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.people import account_of
from tests.support.processes import Site, wait_until

pytestmark = pytest.mark.parametrize("site", ["embedded", "production-like"], indirect=True)

GOOD_CARD, DECLINED_CARD = "4242 4242 4242 4242", "4000 0000 0000 0002"


def amount(text: str) -> Decimal:
    """The first amount in a text: "+$10.00" is 10, "-$9.98" is -9.98."""
    found = re.search(r"([-\u2212]?)\$([\d,]+(?:\.\d+)?)", text)
    assert found, f"no amount in {text!r}"
    return Decimal(found[2].replace(",", "")) * (-1 if found[1] else 1)


def test_credits_are_bought_in_every_way_topped_up_and_refunded_and_the_statement_adds_up(
    site: Site, page: Page, faults: list[str]
):
    buyer = json.loads(site.manage("demo_account", "--email", "buyer@example.com", "--credits", "0", "--json"))
    sign_in(site, page, buyer)

    start_buying(site, page, "10.00", "Card", total="$10.80")
    pay_by_card(page, DECLINED_CARD)
    expect(page.get_by_role("alert")).to_contain_text("declined")  # on the provider's page, which stays open
    assert [fault for fault in faults if "402" not in fault] == []
    faults.clear()  # the browser notes that the provider answered 402
    assert amount(page_of_credits(site, page).locator("[data-balance]").last.inner_text()) == 0
    page.get_by_role("link", name="Continue of the purchase").first.click()
    page.get_by_role("link", name="Continue to payment").click()
    pay_by_card(page, GOOD_CARD)
    expect(page.get_by_role("heading", name="$10.00 added")).to_be_visible()

    start_buying(site, page, "6.00", "Alipay", total="$6.80")
    page.get_by_role("button", name=re.compile("Alipay|Pay", re.I)).click()
    page.get_by_role("button", name="Authorize test payment").click()
    expect(page.get_by_role("heading", name="$6.00 added")).to_be_visible()

    start_buying(site, page, "20.00", "USDC", total="$21.00")
    page.get_by_role("button", name="Pay 21.00 USDC").click()
    expect(page.get_by_role("heading", name="$20.00 added")).to_be_visible()

    switch_on_auto_top_up(site, page, below="36.00", add="40.00")
    spend(site, buyer["api_key"])
    wait_until(lambda: row(page_of_credits(site, page), "Auto top-up").count() == 1, "the top-up to arrive")
    expect(row(page, "Auto top-up")).to_contain_text("+$40.00")
    switch_off_auto_top_up(site, page)

    # The oldest credits were spent first: of the card's $10.00 a part is gone, of Alipay's nothing.
    refund_all_that_is_left(site, page, "Alipay", Decimal("6.00"))
    refunded = refund_all_that_is_left(site, page, "Visa", None)
    assert Decimal("9") < refunded < Decimal("10")
    expect(row(page_of_credits(site, page), "USDC").get_by_role("link", name="Refund of")).to_have_count(0)

    the_statement_adds_up(site, page, account_of(site, buyer["email"]))
    assert "All sums agree" in site.manage("reconcile_ledger")


# --- Steps ----------------------------------------------------------------------------------------------


def sign_in(site: Site, page: Page, buyer: dict[str, str]) -> None:
    page.goto(f"{site.url}/account/login/")
    page.get_by_label("Email").fill(buyer["email"])
    page.get_by_role("textbox", name="Password").fill(buyer["password"])
    page.locator("main").get_by_role("button", name=re.compile("Sign in|Log in")).click()
    page.wait_for_url(f"{site.url}/")


def page_of_credits(site: Site, page: Page) -> Page:
    page.goto(f"{site.url}/settings/credits")
    return page


def start_buying(site: Site, page: Page, credit: str, method: str, *, total: str) -> None:
    """Ask for so many credits; the page shows the total before anything is paid."""
    page_of_credits(site, page)
    page.locator(".buy-form").get_by_text("Other", exact=True).check()
    page.get_by_label("Other amount in US dollars").fill(credit)
    page.get_by_role("radio", name=method, exact=True).check()
    expect(page.locator("#quote")).to_contain_text(total)
    page.get_by_role("button", name=f"Pay {total}").click()
    expect(page).not_to_have_url(re.compile(re.escape(site.url)))


def pay_by_card(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("A Buyer")
    page.get_by_role("button", name=re.compile("^(Pay|Save)")).click()


def switch_on_auto_top_up(site: Site, page: Page, *, below: str, add: str) -> None:
    page_of_credits(site, page).get_by_role("link", name="Set up auto top-up").click()
    page.get_by_role("button", name="Add card").click()
    pay_by_card(page, GOOD_CARD)
    expect(page.locator("ul.cards")).to_contain_text("Visa ending in 4242")
    page.get_by_label("When the balance drops below").fill(below)
    page.get_by_label("Amount to buy").fill(add)
    page.get_by_label(re.compile("^I allow")).check()
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("On", exact=True).first).to_be_visible()


def switch_off_auto_top_up(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/settings/credits/auto-top-up")
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("button", name="Turn on")).to_be_visible()


def spend(site: Site, key: str) -> None:
    """A program asks; the balance, exactly at the line before, falls below it."""
    reply = requests.post(
        f"{site.url}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}", "X-Sandbox-Tokens": "400"},
        json={"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Tell me about lighthouses."}]},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    assert reply.json()["usage"]["cost"] > 0


def row(page: Page, text: str):
    return page.locator("#history tbody tr:not(.unmoved)").filter(has_text=text)


def refund_all_that_is_left(site: Site, page: Page, of: str, expected: Decimal | None) -> Decimal:
    """Refund the purchase that was paid with this; how much came back."""
    bought = row(page_of_credits(site, page), of).filter(has_text="Purchase")
    bought.get_by_role("link", name="Refund of").click()
    offered = amount(page.locator(".quote .total").inner_text())
    assert expected is None or offered == expected
    page.get_by_role("button", name=f"Refund ${offered}").click()
    expect(page.get_by_role("heading", name="Credit note")).to_be_visible()
    return offered


def the_statement_adds_up(site: Site, page: Page, account: int) -> None:
    """Every line of the history together is what was received; less what was spent, it is the balance shown."""
    page_of_credits(site, page)
    lines = page.locator("#history tbody tr:not(.unmoved)")
    moved = [amount(line) for line in lines.locator("td:nth-child(3)").all_inner_texts()]
    assert len(moved) == 6  # three purchases, a top-up, two refunds
    sums = page.locator("dl.sums")
    words = [term.strip() for term in sums.locator("dt").all_inner_texts()]
    shown = dict(zip(words, map(amount, sums.locator("dd").all_inner_texts()), strict=True))
    assert sum(moved) == shown["Credits added"]
    assert shown["Credits added"] - shown["Usage"] == shown["Balance"]
    balance = amount(page.locator(".balance-card [data-balance]").inner_text())
    assert abs(shown["Balance"] - balance) <= Decimal("0.005")  # the card rounds to cents

    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("CSV")).click()
    statement = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert sum(Decimal(line["amount_usd"]) for line in statement) == shown["Credits added"]
    [(received, used, held)] = site.rows(f"SELECT credits, usage, held FROM billing_creditaccount WHERE id = {account}")
    assert (Decimal(received).scaleb(-12), Decimal(used).scaleb(-12)) == (
        shown["Credits added"],
        shown["Usage"],
    )
    assert held == 0
