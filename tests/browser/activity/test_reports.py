"""The monthly report and the export menu of the logs in a real browser."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.pdf_text import lines_of_pages
from tests.support.processes import Site


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
