"""The logs in a real browser: filters in place, one request beside the list, sessions, phone, no JavaScript."""

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

MODELS = ("openai/gpt-4o-mini", "openai/gpt-4o-mini", "anthropic/claude-sonnet-4.5")


@pytest.fixture
def customer(site: Site) -> Person:
    """A user with requests of two models, all in one session."""
    person = new_person(site)
    for model in MODELS:
        reply = requests.post(
            f"{site.url}/api/v1/chat/completions",
            headers={"Authorization": f"Bearer {person.key}"},
            json={
                "model": model,
                "session_id": "a task",
                "max_tokens": 20,
                "messages": [{"role": "user", "content": "Hi"}],
            },
            timeout=60,
        )
        assert reply.status_code == 200, reply.text
    return person


def choose(page: Page, model: str) -> None:
    """Check a model in the filter's list."""
    page.locator("summary", has_text="Model").click()
    page.get_by_label(model, exact=True).check()


def test_a_request_opens_beside_the_list_and_the_address_names_it(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/logs")
    rows = page.locator(".requests tbody tr")
    expect(rows).to_have_count(3)
    rows.nth(0).get_by_role("link").click()
    drawer = page.get_by_role("dialog", name="Request")
    expect(drawer.get_by_role("heading", level=1)).to_have_text("anthropic/claude-sonnet-4.5")
    expect(drawer.get_by_text("Admission and routing")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/logs\?generation=gen-"))
    expect(drawer.get_by_role("button", name="Newer request")).to_be_disabled()
    page.keyboard.press("ArrowDown")
    expect(drawer.get_by_role("heading", level=1)).to_have_text("openai/gpt-4o-mini")
    page.reload()
    expect(drawer.get_by_role("heading", level=1)).to_have_text("openai/gpt-4o-mini")
    drawer.get_by_text("Repeat this request").click()
    expect(drawer.get_by_text("Your prompt")).to_be_visible()
    check_looks(page)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(f"{site.url}/logs")
    expect(rows.nth(1).get_by_role("link")).to_be_focused()


def test_filters_change_the_list_in_place(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/logs")
    rows = page.locator(".requests tbody tr")
    choose(page, "openai/gpt-4o-mini")
    expect(rows).to_have_count(2)
    page.get_by_text("More filters").click()
    page.get_by_label("Cost from").fill("cheap")
    page.get_by_label("Cost from").press("Enter")
    expect(page.get_by_text("Enter the cost in dollars, for example 0.05. This filter is ignored.")).to_be_visible()
    page.get_by_label("Cost from").fill("1000")
    page.get_by_label("Cost from").press("Enter")
    expect(page.get_by_role("heading", name="No requests found")).to_be_visible()
    check_looks(page)
    page.locator("#results").get_by_role("link", name="Clear filters").click()
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="Sessions").click()
    page.get_by_role("link", name="a task").click()
    expect(page).to_have_url(f"{site.url}/logs?session_id=a%20task")
    expect(rows).to_have_count(3)


def test_a_request_is_found_by_its_id(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/logs")
    generation = page.locator("[data-generation]").nth(2).get_attribute("data-generation")
    page.get_by_text("More filters").click()
    page.get_by_label("Request ID").fill(generation)
    page.get_by_label("Request ID").press("Enter")
    expect(page.get_by_role("dialog", name="Request").locator("#generation-id")).to_have_text(generation)


def test_on_a_phone_and_without_javascript(new_page: Callable[..., Page], site: Site, customer: Person):
    phone = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False)
    page = enter(phone, site, customer, "/logs")
    choose(page, "anthropic/claude-sonnet-4.5")
    page.locator("[data-pick][open]").get_by_role("button", name="Apply").click()
    expect(page.locator(".requests tbody tr")).to_have_count(1)
    page.locator(".requests tbody a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("anthropic/claude-sonnet-4.5")


def test_times_are_typed_in_the_readers_zone(page: Page, site: Site, customer: Person):
    berlin = f"User.objects.filter(email='{customer.email}').update(time_zone='Europe/Berlin')"
    site.manage("shell", "--no-imports", "-c", f"from accounts.models import User; {berlin}")
    enter(page, site, customer, "/logs?start=2020-07-01T08:00")
    field = page.get_by_label("From (Europe/Berlin)")
    expect(field).to_have_value("2020-07-01T10:00")
    field.fill("2020-07-01T12:30")
    field.press("Enter")
    expect(page).to_have_url(f"{site.url}/logs?start=2020-07-01T10%3A30Z")
    page.get_by_role("link", name="Show UTC").click()
    expect(page.get_by_label("From (UTC)")).to_have_value("2020-07-01T10:30")
    page.get_by_label("From (UTC)").fill("")
    page.get_by_label("From (UTC)").press("Enter")
    expect(page).to_have_url(f"{site.url}/logs?zone=utc")
    expect(page.locator(".requests tbody tr")).to_have_count(3)
