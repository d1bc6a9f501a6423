"""The notifications, unsubscribing signed out, and the email addresses of a protected account in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import enter, new_person
from tests.support.processes import Site

TOKEN = """
from billing.models import EmailChoice
from billing.notifications import unsubscribing
print("TOKEN", unsubscribing.token_of(EmailChoice.objects.get(user__email="{email}", kind="weekly")))
"""
PROTECT = """
from accounts.models import User
from allauth.mfa.models import Authenticator
user = User.objects.get(email="{email}")
Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={{}})
"""


def test_kinds_of_email_are_chosen_and_one_is_ended_signed_out(page: Page, site: Site, new_page: Callable[..., Page]):
    person = new_person(site)
    enter(page, site, person, "/settings/notifications")
    check_looks(page)
    switches = page.get_by_role("switch")
    expect(switches).to_have_count(8)
    expect(page.get_by_role("switch", checked=True)).to_have_count(6)
    page.get_by_role("switch", name="Weekly summary").check()
    page.get_by_role("switch", name="API key limit alerts").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Notifications saved.")).to_be_visible()
    expect(page.get_by_role("switch", name="Weekly summary")).to_be_checked()
    expect(page.get_by_role("switch", name="API key limit alerts")).not_to_be_checked()
    expect(page.get_by_text("You can't turn these off.")).to_be_visible()

    printed = site.manage("shell", "--no-imports", "-c", TOKEN.format(email=person.email))
    found = re.search(r"^TOKEN (.*)", printed, re.MULTILINE)
    assert found, printed
    stranger = new_page(viewport={"width": 390, "height": 844})
    stranger.goto(f"{site.url}/unsubscribe/{found[1]}")
    stranger.get_by_role("button", name="Unsubscribe").click()
    expect(stranger.get_by_role("heading", name="You're unsubscribed")).to_be_visible()
    check_looks(stranger)
    page.reload()
    expect(page.get_by_role("switch", name="Weekly summary")).not_to_be_checked()


def test_a_protected_account_reads_how_to_add_an_address(page: Page, site: Site):
    person = new_person(site)
    site.manage("shell", "--no-imports", "-c", PROTECT.format(email=person.email))
    enter(page, site, person, "/account/email/")
    expect(page.get_by_role("heading", name="New email address")).to_be_visible()
    expect(page.get_by_role("button", name="Add address")).to_have_count(0)
    check_looks(page)
    page.get_by_role("link", name="Manage two-factor authentication").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two-factor authentication")
