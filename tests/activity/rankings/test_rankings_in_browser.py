"""The rankings in a real browser: a visitor goes from the models to the apps to one app, on a screen and a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, new_person
from tests.support.processes import Site

USE = """
from datetime import timedelta
from activity.models import App
from activity.rankings.counting import rank_again
from activity.tasks import count_rankings
from common.clock import hour_of, utc_now
from gateway.models import UsageHour
models = ("openai/gpt-4o-mini", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash", "an-author/" + "long-" * 30)
apps = ("", "https://notes.example.com/", "https://github.com/a-company/a-program", "https://" + "very-long-" * 5 + "name.example.org")
now = hour_of(utc_now())
UsageHour.objects.bulk_create([
    UsageHour(account_id={account}, hour=now - timedelta(days=day), model=model, provider="openai", app=app, source="api",
              requests=7 + at, prompt_tokens=(90 - day) * 1234 * (at + 1), completion_tokens=(day % 7) * 100)
    for day in range(0, 90) for at, model in enumerate(models) for app in apps
])
for _ in range(4):
    count_rankings()
App.objects.filter(slug="notes.example.com").update(
    name="Notes with a name that is as long as an app's name may be here", categories=["writing-assistant"], verified=True
)
App.objects.filter(slug="github.com/a-company/a-program").update(categories=["cli-agent"])
rank_again()
count_rankings()
"""  # noqa: E501


@pytest.fixture
def customer(site: Site) -> Person:
    """A user whose apps have used four models for three months."""
    person = new_person(site)
    site.manage("shell", "--no-imports", "-c", USE.replace("{account}", str(person.account)))
    return person


def test_a_visitor_reads_the_rankings(page: Page, site: Site, customer: Person):
    page.goto(f"{site.url}/rankings")
    expect(page.get_by_role("heading", name="Top models in the last 7 days")).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    plot = page.locator(".plot")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator("[data-tip]")).to_contain_text("so far")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="30 days", exact=True).click()
    expect(page).to_have_url(f"{site.url}/rankings?period=month")
    page.get_by_role("link", name="Uses").click()
    expect(page.locator(".ranking tbody tr").filter(has_text="Programming")).to_be_visible()
    check_looks(page)
    page.goto(f"{site.url}/rankings?by=app&period=day")
    check_looks(page)


def test_apps_are_found_without_javascript(new_page: Callable[..., Page], site: Site, customer: Person):
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False)
    page.goto(f"{site.url}/apps")
    page.get_by_label("Search apps").fill("notes")
    page.get_by_role("button", name="Find").click()
    page.locator(".ranking a").first.click()
    expect(page).to_have_url(re.compile("/apps/notes.example.com$"))
    expect(page.get_by_role("heading", name="Models in the last 7 days")).to_be_visible()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Models today")).to_be_visible()


def test_apps_are_accessible_and_fit(page: Page, site: Site, customer: Person):
    for address in ("/apps", "/apps?q=nothing-is-called-so", "/apps/notes.example.com"):
        page.goto(f"{site.url}{address}")
        check_looks(page)
