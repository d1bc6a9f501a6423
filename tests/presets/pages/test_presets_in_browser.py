"""Presets in a real browser: the way from none to one that answers in the chat, and back to its first version."""

from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site


def test_a_preset_is_created_changed_rolled_back_and_used_in_the_chat(page: Page, site: Site, customer: Person, faults):
    enter(page, site, customer, "/settings/presets")
    check_looks(page)
    on_its_way: list[Route] = []
    page.route("**/js/presets*", lambda route: on_its_way.append(route))
    page.get_by_role("link", name="Create preset").click()
    name, slug = page.get_by_label("Name"), page.get_by_label("Slug")
    name.fill("  Parcel Desk!")
    expect(slug).to_have_value("")
    on_its_way[0].continue_()  # a slow line brings the script after the first letters
    expect(slug).to_have_value("parcel-desk")
    slug.fill("parcels")
    name.fill("Parcel desk")
    expect(slug).to_have_value("parcels")  # edited, so it follows the name no longer
    page.get_by_label("Model (optional)", exact=True).fill("openai/gpt-4o-mini")
    page.get_by_label("System prompt").fill("Say exactly: first")
    page.get_by_label("Other fields").fill("{")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not valid JSON")).to_be_visible()
    expect(page.get_by_label("System prompt")).to_have_value("Say exactly: first")
    assert "422" in faults.pop()
    check_looks(page)
    page.get_by_label("Other fields").fill("")
    page.get_by_label("Temperature").fill("0")
    page.get_by_role("button", name="Create preset").click()
    expect(page.get_by_role("heading", name="Parcel desk", level=1)).to_be_visible()
    expect(page.get_by_role("tabpanel").first).to_contain_text('"model": "@preset/parcels"')

    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_label("Temperature")).to_have_value("0.0")
    page.get_by_label("Temperature").fill("1.5")
    page.get_by_role("button", name="Save").click()
    versions = page.get_by_role("region", name="Versions").get_by_role("listitem")
    expect(versions.filter(has_text="Version 2").first).to_contain_text("In use")
    page.get_by_text("Show all settings").last.click()
    check_looks(page)
    page.get_by_role("button", name="Use this version (1)").click()
    expect(versions.filter(has_text="Version 1").first).to_contain_text("In use")

    page.get_by_role("link", name="Try in chat").click()
    expect(page.locator("#chat[data-ready]")).to_be_attached()
    expect(page.locator("#models")).to_contain_text("Parcel desk")
    page.get_by_label("Message", exact=True).fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#thread .answer, #thread article").last).to_contain_text("first")
