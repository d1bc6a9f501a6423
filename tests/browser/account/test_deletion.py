"""A person deletes their account in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import enter, mails_to, new_person
from tests.support.processes import Site, wait_until

PASSWORD = "a person's passphrase"
GIVE_PASSWORD = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from accounts.models import User
user = User.objects.get(email="{email}")
user.set_password("{password}")
user.save()
session = import_module(settings.SESSION_ENGINE).SessionStore("{session}")
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("deletion"), processes=("web", "worker", "stripe")) as site:
        yield site


def test_a_person_deletes_their_account(site: Site, page: Page, new_page, faults: list[str]):
    person = new_person(site)
    fill = {"email": person.email, "password": PASSWORD, "session": person.session}
    site.manage("shell", "--no-imports", "-c", GIVE_PASSWORD.format(**fill))
    elsewhere = enter(new_page(viewport={"width": 1440, "height": 900}), site, person, "/chat")
    enter(page, site, person, "/settings/security")
    check_looks(page)
    page.get_by_role("link", name="Delete account").click()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("$25.00 in unused credits. They can't be reclaimed.")).to_be_visible()
    check_looks(page)
    page.get_by_label("Your email address").fill("someone@example.com")
    page.get_by_role("button", name="Delete account").click()
    wrong = re.compile("This isn't the primary email address of your account")
    expect(page.get_by_label("Your email address")).to_have_accessible_description(wrong)
    faults.clear()  # the browser's line on the status 422
    check_looks(page)
    page.get_by_label("Your email address").fill(person.email)
    page.get_by_role("button", name="Delete account").click()
    expect(page.get_by_role("heading", name="Account deleted")).to_be_visible()
    check_looks(page)
    expect(elsewhere.get_by_text("You're signed out").first).to_be_visible()
    wait_until(lambda: mails_to(site, person.email), "the confirmation")
    assert "account was deleted" in mails_to(site, person.email)[0]
    open_deletions = "SELECT count(*) FROM accounts_accountdeletion WHERE finished_at IS NULL"
    wait_until(lambda: site.rows(open_deletions) == [(0,)], "the deletion to be finished")
    assert site.rows(f"SELECT count(*) FROM accounts_user WHERE email = '{person.email}'") == [(0,)]
