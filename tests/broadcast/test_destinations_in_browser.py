"""A destination in a browser: added with the keyboard, tested, edited and deleted, at a desk and on a phone."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site


def test_a_webhook_is_added_tested_and_deleted(
    page: Page, new_page: Callable[..., Page], site: Site, customer: Person, faults: list[str]
):
    enter(page, site, customer, "/settings/observability")
    check_looks(page)
    page.get_by_role("link", name="Add Webhook").focus()
    page.keyboard.press("Enter")
    check_looks(page)
    page.get_by_label("Name", exact=True).fill("Own server")
    page.get_by_label("URL").fill("example.com")
    page.get_by_label("Headers").fill("Authorization: Bearer quartz")
    page.get_by_label("Sampling").press("Enter")
    expect(page.get_by_text("Enter an address that starts with https://")).to_be_visible()
    check_looks(page)
    faults.clear()  # the form was refused with 422
    page.get_by_label("URL").fill("http://127.0.0.1:9/in")
    page.get_by_role("checkbox", name=re.compile("^Program")).check()
    page.get_by_role("button", name="Add destination").click()
    expect(page.locator("#secret")).to_have_text(re.compile("^whsec_"))
    check_looks(page)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Send test event").click()
    expect(page.get_by_text("The test event was not accepted. The address is not public.")).to_be_visible()
    check_looks(page)
    page.get_by_role("button", name="Replace signing secret").click()
    expect(page.get_by_text("deliveries carry signatures of the old and the new secret")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Done").click()
    check_looks(page)
    page.get_by_role("button", name="Stop using the old secret now").press("Enter")
    expect(page.get_by_text("The old signing secret is no longer used.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop using")).to_be_hidden()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Headers")).to_have_value("Authorization: ********")
    check_looks(page)
    page.get_by_label("Enabled").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved “Own server”.")).to_be_visible()

    plain = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    enter(plain, site, customer, "/settings/observability")
    expect(plain.get_by_text("Disabled")).to_be_visible()
    plain.get_by_role("link", name="Own server", exact=True).click()
    plain.get_by_role("link", name="Delete").click()
    plain.get_by_role("button", name="Delete destination").click()
    expect(plain.get_by_text("Deleted “Own server”.")).to_be_visible()
