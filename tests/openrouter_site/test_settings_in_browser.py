"""The settings area in a browser: its navigation on a screen and on a phone, and preferences that take effect."""

import re

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_schemes, widest_overflow
from tests.browser.people import Person, enter
from tests.support.processes import Site

PHONE = {"width": 390, "height": 844}
PAGES = {
    "Profile": "/settings/profile",
    "Preferences": "/settings/preferences",
    "Notifications": "/settings/notifications",
    "Credits": "/settings/credits",
    "Connected apps": "/settings/connected-apps",
    "Provider keys": "/settings/provider-keys",
    "API keys": "/settings/keys",
    "Privacy": "/settings/privacy",
    "Observability": "/settings/observability",
    "Presets": "/settings/presets",
    "Guardrails": "/settings/guardrails",
    "Organization": "/settings/organization",
    "Security": "/settings/security",
}
BELOW = {
    "/account/email/": "Profile",
    "/settings/provider-keys/add": "Provider keys",
    "/settings/observability/add/s3": "Observability",
    "/settings/management-keys": "API keys",
    "/settings/privacy/lists": "Privacy",
    "/settings/privacy/logging": "Privacy",
    "/settings/guardrails/create": "Guardrails",
    "/account/password/change/": "Security",
}


def test_a_screen_has_the_list_beside_every_page(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings")
    check_schemes(page)
    expect(page.get_by_role("navigation", name="Settings").get_by_role("link")).to_have_count(len(PAGES))
    page.get_by_role("link", name="Profile").click()
    for label, address in PAGES.items():
        listed = page.get_by_role("navigation", name="Settings").get_by_role("link", name=re.compile(f"^{label}"))
        listed.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(site.url + address)
        expect(page.get_by_role("heading", level=1)).to_have_text(label)
        expect(listed).to_have_attribute("aria-current", "page")
        expect(page.locator(".settings-nav [aria-current]")).to_have_count(1)
        check_schemes(page)
        assert widest_overflow(page) == []
    for address, label in BELOW.items():
        page.goto(site.url + address)
        listed = page.get_by_role("navigation", name="Settings").get_by_role("link", name=re.compile(f"^{label}"))
        expect(listed).to_have_attribute("aria-current", "true")


def test_on_a_phone_the_list_leads_on_and_every_page_back(new_page, site: Site, customer: Person):
    page = new_page(viewport=PHONE)
    enter(page, site, customer, "/settings")
    check_schemes(page)
    for label, address in PAGES.items():
        page.get_by_role("navigation", name="Settings").get_by_role("link", name=re.compile(f"^{label}")).click()
        expect(page).to_have_url(site.url + address)
        expect(page.get_by_role("navigation", name="Settings")).to_be_hidden()
        check_schemes(page)
        assert widest_overflow(page) == []
        page.get_by_role("navigation", name="Back").get_by_role("link", name="Settings").click()
        expect(page).to_have_url(f"{site.url}/settings")
    for address, label in BELOW.items():
        page.goto(site.url + address)
        page.get_by_role("navigation", name="Back").get_by_role("link", name=re.compile(f"^{label}")).click()
        expect(page).to_have_url(site.url + PAGES[label])


def test_the_browsers_zone_and_a_theme_are_chosen_with_the_keyboard(new_page, site: Site, customer: Person):
    page = new_page(timezone_id="America/New_York", color_scheme="light")
    enter(page, site, customer, "/settings/preferences")
    page.get_by_role("button", name="Use this browser's: America/New_York").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Time zone")).to_have_value("America/New_York")
    expect(page.get_by_label("Time zone")).to_be_focused()
    page.get_by_role("combobox", name="Theme").select_option("Dark")
    page.get_by_label("Date format").select_option("2026-11-29")
    page.get_by_label("Time zone").press("Enter")
    expect(page.get_by_role("status").filter(has_text="Preferences saved.")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    expect(page.get_by_role("combobox", name="Theme")).to_have_value("dark")
    page.goto(f"{site.url}/settings/credits")
    expect(page.get_by_role("columnheader", name="Date (America/New York)")).to_be_visible()
    expect(page.locator("tbody time").first).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d$"))


def test_the_browsers_zone_is_offered_only_where_another_one_is_in_use(new_page, site: Site, customer: Person):
    page = new_page(timezone_id="UTC")
    enter(page, site, customer, "/settings/preferences")
    page.get_by_label("Time zone").fill("Asia/Kolkata")
    expect(page.get_by_role("button", name="Use this browser's: UTC")).to_be_visible()
    page.get_by_label("Time zone").fill("")  # which means UTC
    expect(page.get_by_role("button", name="Use this browser's: UTC")).to_be_hidden()


def test_without_javascript_preferences_are_saved(new_page, site: Site, customer: Person):
    page = new_page(java_script_enabled=False)
    enter(page, site, customer, "/settings/preferences")
    expect(page.get_by_text("Use this browser's")).to_be_hidden()
    page.get_by_label("Time zone").fill("asia/kolkata")
    page.get_by_role("combobox", name="Theme").select_option("Light")
    page.get_by_role("button", name="Save display preferences").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
