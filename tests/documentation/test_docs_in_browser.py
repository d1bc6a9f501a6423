"""The documentation in a browser: reading, searching, code in tabs, questions, on a screen and a phone."""

import re

from playwright.sync_api import expect

from tests.browser.accessibility import check_looks
from tests.support.processes import Site


def test_a_reader_follows_searches_and_copies(new_page, site: Site):
    page = new_page(viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.url + "/docs")
    expect(page).to_have_url(f"{site.url}/docs/quickstart")
    sample = page.locator(".samples").first
    expect(sample.get_by_role("tabpanel")).to_have_count(1)
    sample.get_by_role("tab", name="Python").click()
    expect(sample.get_by_role("tabpanel")).to_contain_text("import requests")
    sample.get_by_role("button", name="Copy").click()
    expect(sample.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import os\n\nimport requests")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    page.get_by_role("link", name="Next Models and variants").click()
    expect(page.locator(".samples").first.get_by_role("tab", name="Python")).to_have_attribute("aria-selected", "true")
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Variants").click()
    expect(page).to_have_url(re.compile("#variants$"))

    page.keyboard.press("/")
    page.keyboard.type("rate limits")
    hit = page.locator("#docs-hits a", has_text="How are rate limits calculated?")
    expect(hit).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    hit.click()
    expect(page.get_by_text("the limit depends on the credits that you have bought")).to_be_visible()
    check_looks(page)


def test_a_phone_has_a_drawer_and_the_contents_in_the_page(new_page, site: Site):
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(site.url + "/docs/api-reference/chat")
    page.get_by_role("button", name="Contents").click()
    drawer = page.locator("#docs-rail")
    drawer.get_by_role("searchbox").fill("embeddings")
    expect(drawer.locator("#docs-hits a").first).to_be_visible()
    drawer.get_by_role("searchbox").fill("")
    drawer.get_by_role("link", name="Errors", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Errors")).to_be_visible()
    page.get_by_text("On this page").first.click()
    page.locator(".docs-inline-contents").get_by_role("link", name="Statuses").click()
    expect(page).to_have_url(re.compile("#statuses$"))
    check_looks(page)
    page.goto(site.url + "/docs/api-reference/chat")
    check_looks(page)
    for path in ("/pricing", "/support", "/status", "/docs/search?q=key"):
        page.goto(site.url + path)
        check_looks(page)


def test_without_scripts_all_code_and_the_search_are_there(new_page, site: Site):
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/docs/faq#how-are-rate-limits-calculated")
    expect(page.get_by_text("the limit depends on the credits that you have bought")).to_be_visible()
    page.goto(f"{site.url}/docs/streaming")
    expect(page.locator(".samples").first.locator("pre")).to_have_count(3)
    for language in ("curl", "Python", "TypeScript"):
        expect(page.locator(".samples").first.locator(".code-language", has_text=language)).to_be_visible()
    page.get_by_role("searchbox", name="Search the documentation").fill("webhook fallback")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No page has all of these words")).to_be_visible()
