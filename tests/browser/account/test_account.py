"""A newcomer's account in a browser: created with GitHub, its sessions, and Manage Account as a dialog and a page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.accounts.sign_in.oauth_server import CLIENT_ID, SECRET, OAuthServer, oauth_server
from tests.browser.accessibility import check_looks
from tests.support.processes import Site


@pytest.fixture(scope="module")
def github() -> Iterator[OAuthServer]:
    with oauth_server() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, github: OAuthServer) -> Iterator[Site]:
    """A site that offers to sign in with GitHub."""
    client = {"GITHUB_CLIENT_ID": CLIENT_ID, "GITHUB_CLIENT_SECRET": SECRET, "GITHUB_URL": f"{github.url}/github"}
    with Site(tmp_path_factory.mktemp("account"), processes=("web",), **client) as site:
        yield site


@pytest.fixture
def email(github: OAuthServer) -> str:
    """The verified address of a GitHub user that the site doesn't know yet."""
    github.user_id += 1
    github.emails = [(f"ada-{github.user_id}@example.com", True)]
    return github.emails[0][0]


def test_an_account_of_github_is_signed_up_and_its_sessions_are_ended(site: Site, page: Page, new_page, email: str):
    def enter(page: Page) -> None:
        page.goto(f"{site.url}/account/login/")
        page.get_by_role("button", name="Sign in with GitHub").click()

    enter(page)
    expect(page.get_by_role("heading", name="Create your account")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(email)
    check_looks(page)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("$0.10").first).to_be_visible()

    elsewhere = new_page(viewport={"width": 390, "height": 844})
    enter(elsewhere)
    expect(elsewhere.get_by_text("$0.10").first).to_be_visible()

    page.goto(f"{site.url}/settings/preferences")
    page.get_by_role("link", name="Manage account").click()
    dialog = page.get_by_role("dialog", name="Manage account")
    expect(dialog.get_by_role("link", name="Email addresses")).to_be_visible()
    dialog.get_by_role("tab", name="Security").click()
    expect(dialog.get_by_role("link", name="Email addresses")).to_be_hidden()
    check_looks(page)
    dialog.get_by_role("link", name="Sessions").click()
    expect(page.get_by_text("This browser")).to_be_visible()
    check_looks(page)
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_text("Signed out on 1 device.").first).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_role("link", name="Sign in").first).to_be_visible()

    page.goto(f"{site.url}/account/connected/")
    expect(page.get_by_text("GitHub: ada-l")).to_be_visible()
    check_looks(page)
    page.get_by_role("button", name="Disconnect GitHub").click()
    expect(page.get_by_text("Choose a password first")).to_be_visible()


@pytest.mark.usefixtures("email")
def test_manage_account_is_a_page_without_scripts(site: Site, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/account/login/?next=/settings/preferences")
    page.get_by_role("button", name="Sign in with GitHub").click()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Preferences")).to_be_visible()
    page.get_by_role("link", name="Manage account").click()
    for name in ("Email addresses", "Password", "Sessions"):
        expect(page.get_by_role("main").get_by_role("link", name=name)).to_be_visible()
