"""Saved views in a real browser: what the address says now is what is saved."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.activity.dashboard.test_activity_in_browser import MODELS, ask
from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site


@pytest.fixture
def customer(site: Site) -> Person:
    """A user with a request."""
    person = new_person(site)
    ask(site, person, MODELS[0])
    return person


def test_a_view_is_saved_from_the_address_opened_and_replaced(
    page: Page, site: Site, customer: Person, faults: list[str]
):
    enter(page, site, customer, "/activity")
    page.get_by_text("7 days", exact=True).click()
    expect(page).to_have_url(f"{site.url}/activity?period=7d")
    page.get_by_role("button", name="Views").click()
    check_looks(page)
    page.get_by_role("link", name="Save current view").click()
    page.get_by_label("Name").fill("A week")
    check_looks(page)
    page.get_by_role("button", name="Save view").click()
    expect(page).to_have_url(f"{site.url}/activity?period=7d")
    page.goto(f"{site.url}/activity?period=7d&by=app")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name="Save current view").click()
    page.get_by_label("Name").fill("A week")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("You have a view named “A week” already.")).to_be_visible()
    faults.clear()  # the console names the refusal, 422
    page.get_by_role("button", name="Replace it").click()
    page.goto(f"{site.url}/activity")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name="A week").click()
    expect(page).to_have_url(f"{site.url}/activity?period=7d&by=app")


def test_views_are_managed_on_a_phone_without_javascript(new_page: Callable[..., Page], site: Site, customer: Person):
    phone = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False)
    page = enter(phone, site, customer, "/logs?status=failed")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name="Save current view").click()
    page.get_by_label("Name").fill("Failures")
    page.get_by_role("button", name="Save view").click()
    page.goto(f"{site.url}/activity/views")
    page.get_by_role("link", name="Edit Failures").click()
    page.get_by_label("Name").fill("What failed")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="What failed", exact=True).click()
    expect(page).to_have_url(f"{site.url}/logs?status=failed")
    page.goto(f"{site.url}/activity/views")
    page.get_by_role("link", name="Delete What failed").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("heading", name="No saved views yet")).to_be_visible()


def test_the_list_of_views_is_accessible_and_fits(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/logs")
    for name in ("Failures", "A name that is as long as a name may be, with many words in it, eighty characters"):
        page.goto(
            f"{site.url}/activity/views/save?page=logs&query=status%3Dfailed%26time%3D7d%26session_id%3D{'x' * 150}"
        )
        page.get_by_label("Name").fill(name[:80])
        page.get_by_role("button", name="Save view").click()
    page.goto(f"{site.url}/activity/views")
    check_looks(page)
    page.get_by_role("link", name="Edit Failures").click()
    check_looks(page)
