"""The dashboard in a real browser, with real requests: filters, keyboard, live, phone, no JavaScript."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

MODELS = ("openai/gpt-4o-mini", "openai/gpt-4o-mini", "anthropic/claude-sonnet-4.5")


@pytest.fixture
def customer(site: Site) -> Person:
    """A user with usage of two models through a key."""
    person = new_person(site)
    for model in MODELS:
        ask(site, person, model)
    return person


def ask(site: Site, person: Person, model: str) -> None:
    reply = requests.post(
        f"{site.url}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {person.key}", "HTTP-Referer": "https://notes.example.com"},
        json={"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text


def choose(page: Page, model: str) -> None:
    """Check a model in the filter's list."""
    page.locator("summary", has_text="Model").click()
    page.get_by_label(model, exact=True).check()


def test_filters_change_the_page_in_place_and_the_address_says_which(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/activity")
    rows = page.locator(".requests tbody tr")
    before = rows.count()
    page.evaluate("window.stays = true")
    choose(page, "anthropic/claude-sonnet-4.5")
    expect(page).to_have_url(f"{site.url}/activity?model=anthropic%2Fclaude-sonnet-4.5")
    expect(rows).to_have_count(1)
    expect(page.get_by_label("anthropic/claude-sonnet-4.5", exact=True)).to_be_focused()
    page.get_by_text("7 days", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?period=7d&model=anthropic%2Fclaude-sonnet-4\.5$"))
    page.locator("label", has_text="Tokens").click()
    expect(page.get_by_role("heading", name="Tokens per day by model")).to_be_visible()
    assert page.evaluate("window.stays")
    page.go_back()
    expect(page.get_by_role("heading", name="Spend per day by model")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(rows).to_have_count(before)


def test_the_chart_is_read_by_arrow_keys_and_by_pointer(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/activity")
    plot = page.locator(".plot")
    plot.focus()
    page.keyboard.press("End")
    total = page.locator("[data-bars-table] tbody tr").last.locator("td").last
    expect(page.locator("[data-tip]")).to_contain_text(total.text_content())
    spoken = page.get_by_role("status").filter(has_text="Total")
    expect(spoken).to_contain_text("anthropic/claude-sonnet-4.5")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-tip]")).to_contain_text("$0.00")
    page.keyboard.press("Escape")
    expect(page.locator("[data-tip]")).to_be_hidden()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 50)
    expect(page.locator("[data-tip]")).to_contain_text(total.text_content())
    page.mouse.move(5, 5)
    expect(page.locator("[data-tip]")).to_be_hidden()


def test_a_new_request_appears_by_itself_unless_live_is_off(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/activity")
    rows = page.locator(".requests tbody tr")
    before = rows.count()
    page.get_by_text("Data table").click()
    ask(site, customer, MODELS[0])
    page.evaluate("document.activeElement.blur(); document.dispatchEvent(new Event('visibilitychange'))")
    expect(rows).to_have_count(before + 1)
    expect(page.locator("[data-bars-table]")).to_be_visible()  # what was opened stays open
    expect(page).to_have_url(f"{site.url}/activity")
    page.get_by_role("switch", name="Live").uncheck()
    ask(site, customer, MODELS[0])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(500)
    expect(rows).to_have_count(before + 1)


def test_the_exports_are_files_of_the_same_view(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/activity")
    choose(page, "anthropic/claude-sonnet-4.5")
    expect(page.locator(".requests tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Requests (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 2
    assert "anthropic/claude-sonnet-4.5" in lines[1]


def test_filters_work_without_javascript(new_page, site: Site, customer: Person):
    page = new_page(java_script_enabled=False)
    enter(page, site, customer, "/activity")
    choose(page, "anthropic/claude-sonnet-4.5")
    page.locator("[data-pick][open]").get_by_role("button", name="Apply").click()
    assert "model=anthropic%2Fclaude-sonnet-4.5" in page.url
    expect(page.locator(".requests tbody tr")).to_have_count(1)


def test_the_pages_are_accessible_and_fit_the_window(page: Page, site: Site, customer: Person):
    for address in ("/activity", "/activity?period=24h&by=provider&show=requests", "/activity?model=nothing"):
        enter(page, site, customer, address)
        check_looks(page)
    page.goto(f"{site.url}/activity")
    page.locator(".requests tbody th a").first.click()
    expect(page.get_by_role("heading", name="Cost breakdown")).to_be_visible()
    check_looks(page)


def test_links_to_another_view_change_the_page_in_place(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/activity")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(3)
    expect(page.get_by_text("Top apps by cost")).to_be_visible()
    page.evaluate("window.stays = true")

    page.locator(".breakdown").get_by_role("link", name="anthropic/claude-sonnet-4.5").click()
    expect(page).to_have_url(f"{site.url}/activity?model=anthropic%2Fclaude-sonnet-4.5")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("region", name="Usage by model")).to_be_focused()
    expect(page.get_by_text("Top apps by cost")).to_have_count(0)

    page.locator(".view-bar").get_by_role("link", name="Model: anthropic/claude-sonnet-4.5").click()
    expect(page).to_have_url(f"{site.url}/activity")
    expect(rows).to_have_count(3)
    expect(page.locator(".view-bar summary")).to_be_focused()
    expect(page.get_by_text("Top apps by cost")).to_be_visible()
    page.locator("label", has_text="7 days").click()
    expect(page.locator("#plot-title")).to_have_text("Spend per day, 7 days")
    expect(page.get_by_text("Top apps by cost")).to_be_visible()  # kept as it was

    page.locator(".plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Custom", exact=True)).to_be_checked()
    expect(page).to_have_url(re.compile(r"\?from=.*&to=.*&back=7d$"))
    expect(page.locator(".plot")).to_be_focused()
    page.get_by_role("link", name="Back to 7 days").click()
    expect(page.get_by_label("7 days", exact=True)).to_be_checked()
    expect(page).to_have_url(f"{site.url}/activity?period=7d")
    page.go_back()
    expect(page).to_have_url(re.compile(r"&back=7d$"))
    expect(page.get_by_label("Custom", exact=True)).to_be_checked()
    assert not page.evaluate("window.stays")  # history is read anew, since usage may have changed
