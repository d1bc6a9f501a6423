"""Classification in a browser: turned on, the use of a request read, ranked, and turned off."""

import os

import httpx
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site, wait_until

TEXT = "Why does this Python function raise a TypeError?"
LABEL = "Classify my requests by use"


def ask(site: Site, person: Person) -> str:
    """The ID of a request."""
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": TEXT}]}
    headers = {"Authorization": f"Bearer {person.key}"}
    url = f"{site.url}/api/v1/chat/completions"
    return str(httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False).json()["id"])


def looks(page: Page, name: str) -> None:
    check_looks(page)
    if folder := os.environ.get("SCREENSHOTS"):
        for width, scheme in ((1440, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_classification_is_turned_on_read_ranked_and_turned_off(site: Site, page: Page, customer: Person):
    before = ask(site, customer)
    enter(page, site, customer, "/settings/privacy")
    expect(page.get_by_label(LABEL)).not_to_be_checked()
    looks(page, "privacy")
    page.get_by_label(LABEL).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Privacy settings saved.")).to_be_visible()
    expect(page.get_by_label(LABEL)).to_be_checked()

    def classified() -> str:
        generation = ask(site, customer)
        page.goto(f"{site.url}/activity/{generation}")
        return generation if page.get_by_text("Programming (classified from its text)").is_visible() else ""

    wait_until(classified, "the setting to reach the gateway")
    looks(page, "request")
    page.goto(f"{site.url}/activity/{before}")
    expect(page.get_by_role("heading", name="Details")).to_be_visible()
    expect(page.get_by_text("classified from its text")).to_have_count(0)

    site.manage("shell", "--no-imports", "-c", "from activity.tasks import count_rankings; count_rankings()")
    page.goto(f"{site.url}/rankings?by=use&period=day")
    expect(page.locator(".ranking tbody tr").filter(has_text="Programming")).to_be_visible()
    expect(page.get_by_text("of requests that name their app or are classified")).to_be_visible()
    looks(page, "rankings")

    page.goto(f"{site.url}/settings/privacy")
    page.get_by_label(LABEL).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label(LABEL)).not_to_be_checked()
    wait_until(lambda: not classified(), "the setting to reach the gateway")
