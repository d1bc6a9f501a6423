"""The monthly report, the notifications and the export menu of the logs in a real browser."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.pdf_text import lines_of_pages
from tests.support.processes import Site

TOKEN = """
from billing.models import EmailChoice
from billing.notifications import unsubscribing
print("TOKEN", unsubscribing.token_of(EmailChoice.objects.get(user__email="{email}", kind="weekly")))
"""


@pytest.fixture
def customer(site: Site) -> Person:
    """A user with a request."""
    person = new_person(site)
    reply = requests.post(
        f"{site.url}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {person.key}"},
        json={"model": "openai/gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    return person


def test_the_logs_lead_to_a_months_report_and_its_pdf(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/logs")
    page.get_by_role("button", name="Export").click()
    menu = page.locator("#export-menu")
    with page.expect_download() as download:
        menu.get_by_role("link", name="Requests (CSV)").click()
    assert download.value.path().read_text().startswith("id,created_at,model,")
    expect(menu.get_by_role("link", name="Ask for a custom report")).to_have_attribute("href", re.compile("^mailto:"))
    menu.get_by_role("link", name="Monthly reports").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Usage in .* so far$"))
    expect(page.get_by_role("rowheader", name="openai/gpt-4o-mini")).to_be_visible()
    check_looks(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Months")).to_be_hidden()
    page.emulate_media(media="screen")
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    balance = page.locator(".sums dd").last.inner_text()
    assert ["Balance now", balance] in lines_of_pages(download.value.path().read_bytes())[0]


def test_a_summary_is_turned_on_and_ended_signed_out(page: Page, site: Site, customer: Person, new_page):
    enter(page, site, customer, "/settings/notifications")
    page.get_by_role("switch", name="Weekly summary").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Notifications saved.")).to_be_visible()
    expect(page.get_by_role("switch", name="Weekly summary")).to_be_checked()
    expect(page.get_by_role("switch", name="Monthly summary")).not_to_be_checked()
    check_looks(page)
    printed = site.manage("shell", "--no-imports", "-c", TOKEN.format(email=customer.email))
    found = re.search(r"^TOKEN (.*)", printed, re.MULTILINE)
    assert found, printed
    stranger = new_page(viewport={"width": 390, "height": 844})
    stranger.goto(f"{site.url}/unsubscribe/{found[1]}")
    stranger.get_by_role("button", name="Unsubscribe").click()
    expect(stranger.get_by_role("heading", name="You're unsubscribed")).to_be_visible()
    check_looks(stranger)
    page.reload()
    expect(page.get_by_role("switch", name="Weekly summary")).not_to_be_checked()
