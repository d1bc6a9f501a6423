"""The pages of a model, its providers and its author in a real browser, on a screen and a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site

USE = """
from datetime import timedelta
from activity.models import ModelDay
from common.clock import utc_now
from gateway.models import EndpointDay, EndpointMinute
from models_catalog import catalog
now = utc_now()
model = catalog.current().models["openai/gpt-oss-120b"]
tags = [each.tag for each in model.endpoints][:5]
EndpointMinute.objects.bulk_create([
    EndpointMinute(process_id="browser", model=model.id, tag=tag, minute=now - timedelta(minutes=7 * part), ok=20 + at,
                   errors=(part + at) % 7, latency={str(60 + at + part % 9): 20}, throughput={str(40 + 3 * at): 20})
    for at, tag in enumerate(tags[:4]) for part in range(200)
], ignore_conflicts=True)
EndpointMinute.objects.create(process_id="browser", model=model.id, tag=tags[-1], minute=now, ok=3, latency={"60": 3})
EndpointDay.objects.bulk_create([
    EndpointDay(model=model.id, tag=tag, day=now.date() - timedelta(days=day), until=now, ok=1000 - 90 * at * (day % 5),
                errors=90 * at * (day % 5), latency={str(60 + 2 * at + day % 7): 100 * (day != 9)},
                throughput={str(40 + 3 * at - day % 4): 100 * (day != 9)})
    for at, tag in enumerate(tags[:4]) for day in range(0, 30) if day != 17
], ignore_conflicts=True)
ModelDay.objects.bulk_create([
    ModelDay(day=now.date() - timedelta(days=day), model=name, prompt_tokens=(40 - day) * 12345 * at, completion_tokens=9000 * at)
    for at, name in enumerate(("openai/gpt-oss-120b", "openai/gpt-4o-mini", "openai/gpt-4o"), 1) for day in range(30)
], ignore_conflicts=True)
"""  # noqa: E501


@pytest.fixture
def _used(site: Site) -> None:
    site.manage("shell", "--no-imports", "-c", USE)


@pytest.fixture
def customer(site: Site, _used: None) -> Person:
    """A user with one key, on a site whose model has been used for a month."""
    return new_person(site)


def test_a_customer_compares_the_providers_of_a_model(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/openai/gpt-oss-120b")
    expect(page.locator(".your-keys")).to_contain_text("Program")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#providers").get_by_role("link", name="Throughput").click()
    expect(page.locator("#providers tbody tr").first).to_contain_text("Fastest")
    page.locator("#usage .plot").focus()
    page.keyboard.press("End")
    for _ in range(2):  # the clock counts today again each minute, and yesterday for a while after midnight
        page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-tip]")).to_contain_text("Completion")
    page.locator("#providers tbody tr").first.locator(".name a").click()
    expect(page.get_by_role("heading", name="Uptime")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="OpenAI: gpt-oss-120b").first.click()
    page.get_by_label("Breadcrumb").get_by_role("link", name="OpenAI").click()
    expect(page.get_by_role("heading", name="OpenAI", exact=True)).to_be_visible()
    check_looks(page)


def test_a_phone_shows_the_data_policies_without_javascript(new_page: Callable[..., Page], site: Site, _used: None):
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False)
    page.goto(f"{site.url}/openai/gpt-oss-120b")
    policy = page.locator("#providers .data-policy .policy").first
    expect(policy).to_be_visible()
    box = policy.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.get_by_text("Data table").first.click()
    expect(page.get_by_role("region", name="Latency per day, data")).to_be_visible()


def test_the_link_of_an_excluded_model_leads_to_the_settings(page: Page, site: Site):
    enter(page, site, new_person(site), "/models")
    page.locator(".model .excluded").get_by_role("link", name="Edit settings").first.click()
    expect(page).to_have_url(f"{site.url}/settings/privacy")
