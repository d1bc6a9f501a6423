"""The operator's pages about money, in a browser: accessible, as wide as the window, and each action told."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

MAKE_OPERATOR = """
import requests
from django.conf import settings
from accounts.models import User
from billing.payments import checkouts, purchases, quotes
from billing.models import CreditAccount, Purchase
operator = User.objects.get(email="{person.email}")
operator.is_staff = operator.is_superuser = True
operator.save()
account = CreditAccount.objects.get(pk={person.account})
for number, cents in enumerate((1000, 1_234_500)):
    purchase = checkouts.start(
        account, operator, quotes.quote(cents), method=Purchase.Method.CARD, form_token=str(number), site="http://x"
    )
    requests.post(f"{{settings.STRIPE_API_BASE}}/_test/sessions/{{purchase.provider_session}}/pay", json={{}})
    purchases.sync(purchase)
"""


@pytest.fixture
def operator(site: Site) -> Person:
    """A new superuser with purchases of $10 and $12,345."""
    person = new_person(site)
    site.manage("shell", "--no-imports", "-c", MAKE_OPERATOR.format(person=person))
    return person


def act(page: Page, text: str, action: str) -> None:
    """Choose the row with this text, and what to do with it."""
    page.get_by_role("row").filter(has_text=text).get_by_role("checkbox").first.check()
    page.get_by_label("Action:").select_option(label=action)
    page.get_by_role("button", name="Go").click()


def test_a_row_is_accessible_and_fits_a_phone(site: Site, page: Page, operator: Person):
    enter(page, site, operator, f"/admin/billing/creditaccount/{operator.account}/change/")
    check_looks(page)


def test_a_promotional_code_is_made_and_ended(site: Site, page: Page, operator: Person):
    enter(page, site, operator, "/admin/billing/promotionalcode/add/")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("Amount in US dollars").fill("5")
    page.get_by_label("Max uses").fill("100")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#result_list tbody th a").first.click()
    page.get_by_label("Is active").uncheck()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Save", exact=True).click()
    assert site.rows("SELECT max_uses, uses FROM billing_promotionalcode WHERE NOT is_active") == [(100, 0)]


def test_an_account_is_granted_credits_frozen_and_unfrozen(site: Site, page: Page, operator: Person):
    name = operator.email.split("@")[0]
    enter(page, site, operator, f"/admin/billing/creditaccount/?q={operator.email}")
    check_looks(page)
    page.get_by_role("link", name="Adjust credits").click()
    page.get_by_label("Amount in US dollars").fill("-20000")
    page.get_by_label("Reason").fill("Granted twice")
    page.get_by_role("button", name="Adjust credits").click()
    expect(page.get_by_text("You can deduct at most $12,380.00.")).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("Amount in US dollars").fill("12.50")
    page.get_by_role("button", name="Adjust credits").click()
    expect(page.get_by_text("Granted $12.50 to")).to_be_visible()

    page.goto(f"{site.url}/admin/billing/creditaccount/?q={operator.email}")
    act(page, name, "Freeze (blocks requests, purchases, refunds and auto top-up)")
    expect(page.get_by_text("Accounts frozen: 1.")).to_be_visible()
    act(page, name, "Unfreeze (the credits must cover usage and holds)")
    expect(page.get_by_text("Accounts unfrozen: 1.")).to_be_visible()


def test_a_refund_is_asked_about_before_it_is_made(site: Site, page: Page, operator: Person):
    enter(page, site, operator, f"/admin/billing/purchase/?q={operator.email}")
    check_looks(page)
    act(page, "$10.00", "Refund unspent credits (also after the refund window)")
    check_looks(page)
    page.get_by_role("button", name="Refund $10.00").click()
    expect(page.get_by_text("Refunds requested: 1.")).to_be_visible()
    act(page, "$10.00", "Refund unspent credits (also after the refund window)")
    expect(page.get_by_text("has already been refunded")).to_be_visible()
