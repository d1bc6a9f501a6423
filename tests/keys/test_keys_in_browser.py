"""Keys in a real browser: dialogs, keyboard, the secret that is shown once, phone, no JavaScript."""

import re

import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site, wait_until


def status_of(site: Site, secret: str) -> int:
    """Return the status of an API request with the key."""
    reply = requests.get(f"{site.url}/api/v1/key", headers={"Authorization": f"Bearer {secret}"}, timeout=30)
    return reply.status_code


def test_a_key_is_created_with_the_keyboard_only(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Create an API key")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Enter")  # the browser requires the name
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("12.50")
    page.keyboard.press("Enter")
    secret = page.locator("#secret")
    expect(secret).to_have_text(re.compile(r"sk-or-v1-[0-9a-f]{64}"))
    expect(page.get_by_role("button", name="Copy").first).to_be_focused()
    key = secret.inner_text()
    assert status_of(site, key) == 200
    page.keyboard.press("Escape")
    expect(secret).to_be_visible()  # it is shown once, so an accidental Escape must not close it
    page.get_by_role("link", name="Done").click()
    row = page.get_by_role("row").filter(has_text="By keyboard")
    expect(row).to_contain_text("of $12.50")
    assert key not in page.content()


def test_an_error_is_shown_in_the_dialog_and_keeps_the_input(page: Page, site: Site, customer: Person, faults):
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("Mistaken")
    page.get_by_label("Spend limit").fill("plenty")
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Enter an amount in dollars")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value("Mistaken")
    expect(dialog.get_by_label("Spend limit")).to_be_focused()
    assert "422" in faults.pop()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Create key")).to_be_focused()


def test_the_date_field_appears_only_when_chosen(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").click()
    date = page.get_by_label("Expiration date")
    expect(page.get_by_label("Expires")).to_be_visible()
    expect(date).to_be_hidden()
    page.get_by_label("Expires").select_option("date")
    expect(date).to_be_visible()


def test_a_key_is_edited_disabled_and_deleted_from_the_list(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("Short life")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Done").click()

    page.get_by_role("button", name="Actions for Short life").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Name").fill("Shorter life")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved “Shorter life”.")).to_be_visible()

    page.get_by_role("button", name="Actions for Shorter life").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row").filter(has_text="Shorter life")).to_contain_text("Disabled")
    assert status_of(site, secret) == 401

    page.get_by_role("button", name="Actions for Shorter life").click()
    page.get_by_role("link", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete this key?")
    expect(dialog).to_contain_text("will fail with 401")
    dialog.get_by_role("button", name="Delete key").click()
    expect(page.get_by_role("link", name="Shorter life")).to_have_count(0)


def test_a_dialog_leaves_the_focus_where_the_reader_puts_it(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings/keys")
    focus = "() => document.getElementById('id_limit').focus()"
    page.evaluate(f"document.addEventListener('htmx:afterSwap', () => setTimeout({focus}))")
    page.get_by_role("link", name="Create key").click()
    limit = page.get_by_role("dialog").get_by_label("Spend limit")
    expect(limit).to_be_focused()
    expect(page.locator(".htmx-settling, .htmx-added")).to_have_count(0)
    assert limit.evaluate("each => each === document.activeElement")


def test_a_key_is_restricted_and_rotated(page: Page, site: Site, customer: Person, faults):
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("Robot")
    page.get_by_text("Restrictions", exact=True).click()
    page.get_by_label("Allowed IP addresses").fill("203.0.113.0/24")
    page.get_by_label("Requests per minute").fill("60")
    page.get_by_role("button", name="Create key").click()
    question = page.get_by_label("Save without 127.0.0.1")
    expect(question).to_be_focused()
    expect(page.get_by_text("Your current address, 127.0.0.1, isn't in the list")).to_be_visible()
    assert "422" in faults.pop()
    check_looks(page)
    question.check()
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    assert status_of(site, secret) == 403
    page.get_by_role("link", name="Done").click()

    page.get_by_role("link", name="Robot").first.click()
    expect(page.get_by_text("60 requests per minute")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Allowed IP addresses").fill("203.0.113.0/24\n127.0.0.0/8")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("127.0.0.0/8")).to_be_visible()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_role("dialog", name="Rotate this key?").get_by_role("button", name="Rotate key").click()
    expect(page.locator("#secret")).not_to_have_text(secret)
    new = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("The old secret still works until")).to_be_visible()
    wait_until(lambda: (status_of(site, secret), status_of(site, new)) == (200, 200), "both secrets to work")
    check_looks(page)
    page.get_by_role("button", name="Revoke it now").click()
    expect(page.get_by_text("The old secret is revoked")).to_be_visible()
    wait_until(lambda: (status_of(site, secret), status_of(site, new)) == (401, 200), "the old secret to stop")


def test_keys_are_created_without_javascript(new_page, site: Site, customer: Person):
    page = new_page(java_script_enabled=False)
    enter(page, site, customer, "/settings/keys")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("Plain")
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#secret").inner_text()
    assert status_of(site, secret) == 200
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Plain", exact=True).click()
    page.get_by_role("link", name="Rotate").click()
    page.get_by_label("The current secret works").select_option("None: it stops now")
    page.get_by_role("button", name="Rotate key").click()
    new = page.locator("#secret").inner_text()
    assert (status_of(site, secret), status_of(site, new)) == (401, 200)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete key").click()
    assert status_of(site, new) == 401


def test_the_pages_are_accessible_and_fit_the_window(page: Page, site: Site, customer: Person):
    for address in ("/settings/keys", "/settings/keys/create", "/settings/management-keys"):
        enter(page, site, customer, address)
        check_looks(page)
    page.goto(f"{site.url}/settings/keys")
    page.get_by_role("link", name="Create key").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_looks(page)
    page.get_by_label("Name").fill("For looks")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#secret")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="For looks").first.click()
    expect(page.get_by_role("heading", name="For looks")).to_be_visible()
    check_looks(page)
