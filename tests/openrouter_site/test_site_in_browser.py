"""The shell of every page in a real browser: keyboard, phone, themes, no JavaScript, and a newcomer's first minutes."""

import re
import uuid

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_axe, check_looks
from tests.browser.people import Person, enter, mails_to
from tests.support.processes import Site, wait_until

PASSWORD = "a long enough passphrase"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PUBLIC = [
    "/", "/terms", "/privacy", "/account/login/", "/account/signup/", "/account/password/reset/",
    "/account/password/reset/done/", "/account/confirm-email/broken/",
]  # fmt: skip
MEMBERS = ["/", "/account/email/", "/account/password/change/", "/account/logout/", "/styleguide/"]


def sign_up(page: Page, site: Site) -> str:
    """The address of a new account, signed in on the start page."""
    address = f"newcomer-{uuid.uuid4().hex[:12]}@example.com"
    page.goto(f"{site.url}/account/signup/")
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Next steps")).to_be_visible()
    return address


def test_pages_are_accessible_and_fit_the_window(page: Page, site: Site, customer: Person):
    for address in PUBLIC:
        page.goto(site.url + address)
        check_looks(page)
    for address in MEMBERS:
        enter(page, site, customer, address)
        check_looks(page)


def test_a_newcomer_verifies_the_address_and_gets_the_allowance(page: Page, site: Site):
    address = sign_up(page, site)
    expect(page.get_by_text("We emailed a link to")).to_be_visible()
    expect(page.locator(".nav [data-balance]")).to_have_text("$0.00")
    wait_until(lambda: mails_to(site, address), "the mail")
    [link] = re.findall(rf"{site.url}/account/confirm-email/\S+", mails_to(site, address)[0])
    page.goto(link)
    expect(page.get_by_role("main").get_by_text(address)).to_be_visible()
    page.get_by_role("button", name="Verify email").click()
    expect(page.locator(".nav [data-balance]")).to_have_text("$0.10")
    expect(page.get_by_text("1 of 4 done")).to_be_visible()


def test_the_keyboard_reaches_content_search_and_account(page: Page, site: Site):
    sign_up(page, site)
    page.goto(f"{site.url}/terms")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search models")).to_be_focused()
    page.keyboard.type("gpt/4")  # a slash inside the box is a slash
    expect(page.get_by_role("searchbox", name="Search models")).to_have_value("gpt/4")

    page.get_by_role("button", name="Account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Settings")).to_be_hidden()
    expect(page.get_by_role("button", name="Account")).to_be_focused()


def test_a_phone_opens_and_closes_the_menu(new_page, site: Site):
    page = new_page(viewport=SIZES["phone"])
    page.goto(f"{site.url}/terms")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Models")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()


def test_a_theme_applies_at_once_and_is_kept(page: Page, site: Site):
    page.goto(f"{site.url}/terms")
    white = "rgb(255, 255, 255)"
    expect(page.locator("body")).to_have_css("background-color", white)
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("body")).not_to_have_css("background-color", white)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Theme: dark").click()
    page.get_by_role("button", name="System").click()
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", white)


def test_samples_change_language_by_arrow_keys_and_are_copied_as_shown(new_page, site: Site):
    page = new_page(viewport=SIZES["desktop"], permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.url)
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Python")).to_be_visible()
    expect(page.locator("#sample-curl")).to_be_hidden()
    page.locator(".samples [data-copy]").click()
    expect(page.locator(".samples [data-copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("from openai import OpenAI") and f'base_url="{site.url}/api/v1"' in copied
    compile(copied, "sample", "exec")
    page.reload()
    expect(page.get_by_role("tab", name="Python")).to_have_attribute("aria-selected", "true")


def test_a_password_can_be_looked_at_and_errors_keep_what_was_typed(page: Page, site: Site, faults: list[str]):
    page.goto(f"{site.url}/account/signup/")
    page.get_by_label("Email").fill("someone@example.com")
    password = page.get_by_label("Password", exact=True)
    password.fill("short")
    expect(password).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_label("Email")).to_have_value("someone@example.com")
    expect(password).to_have_accessible_description(re.compile("At least 10 characters.*too short"))
    check_axe(page)


def test_a_second_click_on_a_slow_button_sends_nothing(page: Page, site: Site):
    posts: list[str] = []
    page.goto(f"{site.url}/account/password/reset/")
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_label("Email").fill("noone@example.com")
    page.get_by_role("button", name="Send reset link").dblclick()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(posts) == 1


def test_toasts_announce_themselves_and_problems_stay(page: Page, site: Site):
    sign_up(page, site)
    page.goto(f"{site.url}/styleguide/")
    page.get_by_role("button", name="Persistent toast").click()
    problem = page.get_by_role("status").filter(has_text="Couldn't save").first
    expect(problem).to_be_visible()
    problem.get_by_role("button", name="Close").click()
    expect(problem).to_be_hidden()


def test_signing_in_choosing_a_theme_and_signing_out_work_without_javascript(new_page, site: Site, page: Page):
    address = sign_up(page, site)
    plain = new_page(viewport=SIZES["desktop"], java_script_enabled=False)
    plain.goto(site.url)
    for language in ("curl", "python", "javascript"):  # all three samples, one under the other
        expect(plain.locator(f"#sample-{language}")).to_be_visible()
    plain.goto(f"{site.url}/account/login/")
    plain.get_by_label("Email").fill(address)
    plain.get_by_label("Password", exact=True).fill(PASSWORD)
    plain.get_by_role("button", name="Sign in").click()
    expect(plain.get_by_role("heading", name="Next steps")).to_be_visible()
    plain.get_by_role("button", name="Theme: system").click()
    plain.get_by_role("button", name="Dark").click()
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    plain.get_by_role("button", name="Account").click()
    plain.get_by_role("button", name="Sign out").click()
    expect(plain.get_by_text("You're signed out.")).to_be_visible()


def test_everything_comes_from_the_site_itself(page: Page, site: Site):
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(site.url) else None)
    sign_up(page, site)
    page.goto(f"{site.url}/styleguide/", wait_until="networkidle")
    assert elsewhere == []
