"""Live pages in a real browser: new requests come by themselves, and what the reader does is left alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.activity.dashboard.test_activity_in_browser import MODELS, ask
from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

#: Counts the page's looks, and stops its own: what comes then was told by the socket.
ONLY_TOLD = "window.setInterval = () => 0;"
CONNECTED = (
    "document.addEventListener('live:connection', (event) => { document.body.dataset.connected = event.detail; });"
)


@pytest.fixture
def customer(site: Site) -> Person:
    """A user with two requests."""
    person = new_person(site)
    for _ in range(2):
        ask(site, person, MODELS[0])
    return person


def enter_live(page: Page, site: Site, person: Person, path: str) -> Page:
    """Open a page that is told of changes, and does not look for them itself."""
    page.add_init_script(ONLY_TOLD + CONNECTED)
    enter(page, site, person, path)
    expect(page.locator("body[data-connected=true]")).to_be_attached()
    return page


def test_a_request_appears_and_scroll_position_focus_and_tooltip_stay(page: Page, site: Site, customer: Person):
    page.set_viewport_size({"width": 1440, "height": 500})
    enter_live(page, site, customer, "/activity")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_text("Data table").click()
    rows.nth(1).get_by_role("link").focus()
    page.evaluate("scrollTo(0, 200); window.kept = document.querySelectorAll('.requests tbody tr')[1]")
    before = page.evaluate("[scrollY, document.activeElement.href]")
    ask(site, customer, MODELS[2])
    expect(rows.nth(0)).to_contain_text(MODELS[2])
    expect(rows.nth(0)).to_contain_text("length")
    expect(page.locator(".breakdown tbody tr")).to_have_count(2)
    assert page.evaluate("[scrollY, document.activeElement.href]") == before
    assert page.evaluate("window.kept === document.querySelectorAll('.requests tbody tr')[2]")
    expect(page.locator("[data-bars-table]")).to_be_visible()
    # The chart is new, and still speaks.
    page.locator(".plot").focus()
    page.keyboard.press("End")
    expect(page.locator("[data-tip]")).to_contain_text(MODELS[2])
    ask(site, customer, MODELS[2])
    expect(rows).to_have_count(4)
    expect(page.locator("[data-tip]")).to_be_visible()
    expect(page.locator(".tiles .tile").first).to_be_visible()


def test_the_drawer_stays_open_and_its_neighbor_is_the_new_request(page: Page, site: Site, customer: Person):
    enter_live(page, site, customer, "/logs")
    rows = page.locator(".requests tbody tr")
    rows.nth(0).get_by_role("link").click()
    drawer = page.get_by_role("dialog", name="Request")
    expect(drawer.get_by_role("heading", level=1)).to_have_text(MODELS[0])
    expect(drawer.get_by_role("button", name="Newer request")).to_be_disabled()
    address = page.url
    ask(site, customer, MODELS[2])
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("length")
    expect(drawer.get_by_role("heading", level=1)).to_have_text(MODELS[0])
    assert page.url == address
    drawer.get_by_role("button", name="Newer request").click()
    expect(drawer.get_by_role("heading", level=1)).to_have_text(MODELS[2])
    expect(drawer.get_by_role("button", name="Newer request")).to_be_disabled()


def test_selected_text_is_left_alone_and_the_new_requests_are_offered(
    new_page: Callable[..., Page], site: Site, customer: Person
):
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    enter_live(page, site, customer, "/logs")
    rows = page.locator(".requests tbody tr")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.requests tbody td'))")
    ask(site, customer, MODELS[2])
    offer = page.get_by_role("button", name="1 new request", exact=True)
    expect(offer).to_be_visible()
    ask(site, customer, MODELS[2])
    offer = page.get_by_role("button", name="2 new requests")
    expect(offer).to_be_visible()
    expect(rows).to_have_count(2)
    check_looks(page)
    offer.click()
    expect(rows).to_have_count(4)
    expect(offer).to_have_count(0)


def test_an_older_page_is_left_alone_and_the_new_requests_are_offered(page: Page, site: Site, customer: Person):
    enter_live(page, site, customer, "/logs?before=2999-01-01T00:00:00%2B00:00~gen-9")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(2)
    ask(site, customer, MODELS[2])
    offer = page.get_by_role("button", name="1 new request", exact=True)
    expect(offer).to_be_visible()
    expect(rows).to_have_count(2)
    offer.click()
    expect(page).to_have_url(f"{site.url}/logs")
    expect(rows).to_have_count(3)
    expect(offer).to_have_count(0)
    ask(site, customer, MODELS[2])
    expect(rows).to_have_count(4)


def test_without_the_socket_the_page_looks_by_itself(page: Page, site: Site, customer: Person):
    page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } close() {} };"
        "const every = window.setInterval; window.setInterval = (call) => every(call, 100);"
        "const now = performance.now; performance.now = () => now.call(performance) * 100;"
    )
    enter(page, site, customer, "/logs")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(2)
    ask(site, customer, MODELS[0])
    expect(rows).to_have_count(3)


def test_the_first_request_of_an_account_appears_too(page: Page, site: Site):
    person = new_person(site)
    enter_live(page, site, person, "/activity")
    expect(page.locator("#results")).to_have_count(0)
    ask(site, person, MODELS[0])
    expect(page.locator(".requests tbody tr")).to_have_count(1)
    expect(page.get_by_role("switch", name="Live")).to_be_checked()
