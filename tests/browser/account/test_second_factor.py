"""Operators' way into the admin in a browser: an authenticator app, recovery codes, passkeys; and sign-up by link."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.accounts.helpers import totp
from tests.browser.accessibility import check_looks
from tests.browser.people import mails_to
from tests.support.processes import Site, wait_until

PASSWORD = "an operator's passphrase"
MAKE = """
from accounts.models import User
User.objects.create_superuser("{email}", "{password}")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that asks operators for a second factor and newcomers for their address, as in production."""
    settings = {"ADMIN_REQUIRES_SECOND_FACTOR": "true", "EMAIL_VERIFICATION": "mandatory"}
    with Site(tmp_path_factory.mktemp("second-factor"), processes=("web",), **settings) as site:
        site.url = site.url.replace("127.0.0.1", "localhost")  # passkeys need a host name
        yield site


@pytest.fixture
def operator(site: Site) -> str:
    """The address of a new operator."""
    email = f"operator-{uuid.uuid4().hex[:8]}@example.com"
    site.manage("shell", "--no-imports", "-c", MAKE.format(email=email, password=PASSWORD))
    return email


def sign_in(page: Page, site: Site, email: str, path: str = "/admin/") -> None:
    page.goto(site.url + path)
    page.get_by_label("Email").fill(email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def confirm(page: Page) -> None:
    """Enter the password once more, before a change."""
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def enter_code(page: Page, secret: str, button: str, leads_to: Callable[[], object]) -> None:
    """Enter the app's code; once more if it changed in between."""
    for _ in range(2):
        page.get_by_label("Code").fill(totp(secret))
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state()
        if leads_to():
            return


def add_security_key(page: Page) -> None:
    """Plug a virtual security key into the browser."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": options | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )


def test_an_operator_sets_up_an_app_and_signs_in_with_it(site: Site, page: Page, new_page, operator: str):
    sign_in(page, site, operator)
    expect(page.get_by_text("open only to operators with a second factor")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Add authenticator app").click()
    confirm(page)
    expect(page.get_by_role("heading", name="Add an authenticator app")).to_be_visible()
    assert page.get_by_role("img", name="QR code").evaluate("image => image.naturalWidth") > 0
    check_looks(page)
    secret = page.locator("#totp-secret").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Add app").click()
    expect(page.get_by_label("Code")).to_have_accessible_description(re.compile("Incorrect code"))
    enter_code(page, secret, "Add app", lambda: "recovery-codes" in page.url)
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    check_looks(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().split() == codes
    page.get_by_role("link", name="Continue to the administration").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    elsewhere = new_page(viewport={"width": 1440, "height": 900})
    sign_in(elsewhere, site, operator, "/admin/billing/purchase/")
    expect(elsewhere.get_by_role("heading", name="Confirm your sign-in")).to_be_visible()
    check_looks(elsewhere)
    elsewhere.get_by_label("Code").fill(codes[0])
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.wait_for_url(f"{site.url}/admin/billing/purchase/")


def test_an_operator_signs_in_with_a_passkey(site: Site, page: Page, operator: str):
    add_security_key(page)
    sign_in(page, site, operator)
    page.get_by_role("link", name="Add passkey").click()
    confirm(page)
    check_looks(page)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add passkey").click()
    page.get_by_role("link", name="Continue to the administration").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    page.goto(f"{site.url}/account/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You're signed out.")).to_be_visible()
    sign_in(page, site, operator, "/chat#abc")  # the server never sees what follows the "#"
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{site.url}/chat#abc")

    page.goto(f"{site.url}/account/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.url}/account/login/?next=/admin/#abc")
    check_looks(page)
    page.get_by_role("button", name="Use a passkey").click()  # without a password
    page.wait_for_url(f"{site.url}/admin/#abc")
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()

    page.goto(f"{site.url}/account/two-factor/")
    expect(page.get_by_text("Your sign-in is protected")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Manage passkeys").click()
    expect(page.get_by_text("My laptop")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Rename My laptop").click()
    confirm_or_go_on(page)
    check_looks(page)
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Remove Old laptop").click()
    check_looks(page)
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("You have no passkeys.")).to_be_visible()
    page.goto(f"{site.url}/admin/")
    expect(page.get_by_text("open only to operators with a second factor")).to_be_visible()


def confirm_or_go_on(page: Page) -> None:
    if "reauthenticate" in page.url:
        check_looks(page)
        confirm(page)


def test_a_passkey_that_is_not_there_says_so(site: Site, page: Page, operator: str):
    sign_in(page, site, operator)
    page.get_by_role("link", name="Add passkey").click()
    confirm(page)
    page.evaluate(
        "() => { navigator.credentials.create = async () => { throw new DOMException('', 'NotAllowedError') } }"
    )
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("status").filter(has_text="canceled or timed out").first).to_be_visible()


def test_the_remaining_pages_fit_and_are_accessible(site: Site, page: Page, operator: str):
    sign_in(page, site, operator)
    page.get_by_role("link", name="Add authenticator app").click()
    confirm(page)
    secret = page.locator("#totp-secret").inner_text()
    enter_code(page, secret, "Add app", lambda: "recovery-codes" in page.url)
    for path in ("totp/deactivate/", "recovery-codes/generate/", "reauthenticate/"):
        page.goto(f"{site.url}/account/two-factor/{path}")
        check_looks(page)


def test_a_newcomer_enters_with_the_link_and_a_twin_sees_the_same(site: Site, page: Page, new_page):
    address = f"newcomer-{uuid.uuid4().hex[:8]}@example.com"

    def sign_up(page: Page) -> str:
        page.goto(f"{site.url}/account/signup/")
        page.get_by_label("Email").fill(address)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
        return page.get_by_role("main").inner_text()

    told = sign_up(page)
    check_looks(page)
    wait_until(lambda: mails_to(site, address), "the mail with the link")
    link = re.findall(r"/account/confirm-email/[\w:-]+/", mails_to(site, address)[0])[0]
    page.goto(site.url + link)
    page.get_by_role("button", name="Verify email").click()
    expect(page.get_by_role("heading", name="Next steps")).to_be_visible()
    assert sign_up(new_page(viewport={"width": 1440, "height": 900})) == told
