"""A team of three in a browser: invited, switched, limited, refused, removed."""

import re
from collections.abc import Callable

import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, mails_to, new_person
from tests.support.processes import Site, wait_until

PAGE = "/settings/organization"
FUND = """
from accounts.models import Organisation
from billing import spending
from billing.credits import ledger
from billing.models import LedgerEntry
from common.money import pico_from_cents
account = spending.account_of(Organisation.objects.get(name="{name}"))
ledger.add(account, pico_from_cents(500), kind=LedgerEntry.Kind.GRANT, reference="test:{name}")
"""


def invitation_of(site: Site, address: str) -> str:
    """Return the path of the link in the invitation to this address."""
    wait_until(lambda: any("/invitations/" in mail for mail in mails_to(site, address)), "the invitation arrives")
    [path] = {path for mail in mails_to(site, address) for path in re.findall(r"/invitations/\w+", mail)}
    return path


def invite(page: Page, address: str) -> None:
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text(f"We emailed an invitation to {address}.")).to_be_visible()


def join(page: Page, site: Site, person: Person) -> None:
    enter(page, site, person, invitation_of(site, person.email))
    expect(page.get_by_role("heading", name="Join")).to_be_visible()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="Members")).to_be_visible()


def key_of(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/settings/keys")
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name").fill("Program")
    page.get_by_role("button", name="Create key").click()
    return page.locator("#secret").inner_text()


def ask(site: Site, key: str) -> requests.Response:
    body = {"model": "openai/gpt-4o", "max_tokens": 4000, "messages": [{"role": "user", "content": "Hello"}]}
    return requests.post(
        f"{site.url}/api/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )


def test_a_team_of_three_with_a_limit(page: Page, new_page: Callable[..., Page], site: Site, customer: Person):
    name = f"Team {customer.account}"
    ben, cem = new_person(site), new_person(site)
    enter(page, site, customer, PAGE)
    page.get_by_label("Organization name").fill(name)
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_text(f"{name} is created.")).to_be_visible()
    invite(page, ben.email)
    invite(page, cem.email)
    check_looks(page)
    site.manage("shell", "--no-imports", "-c", FUND.format(name=name))

    bens, cems = new_page(), new_page()
    join(bens, site, ben)
    join(cems, site, cem)
    cems.goto(f"{site.url}{PAGE}/leave")
    check_looks(cems)
    expect(bens.get_by_role("heading", name="Invite members")).to_have_count(0)
    check_looks(bens)

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(site.url + PAGE)
    page.get_by_role("button", name=f"More for {ben.email}").click()
    page.get_by_role("link", name=f"Spend limit of {ben.email}").click()
    page.get_by_label("Spend limit").fill("0.01")
    check_looks(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("$0.01 left of $0.01")).to_be_visible()

    bens_key, cems_key = key_of(bens, site), key_of(cems, site)
    assert ask(site, cems_key).status_code == 200
    refused = ask(site, bens_key)
    assert refused.status_code == 402
    assert "your remaining spend limit in this organization" in refused.json()["error"]["message"]

    page.goto(f"{site.url}{PAGE}/delete")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(site.url + PAGE)
    page.get_by_role("button", name=f"More for {ben.email}").click()
    page.get_by_role("link", name=f"Remove {ben.email}").click()
    check_looks(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text(f"{ben.email} is removed.")).to_be_visible()
    wait_until(lambda: ask(site, bens_key).status_code == 401, "the key of the removed member is refused")

    plain = new_page(java_script_enabled=False)
    enter(plain, site, cem, "/settings/profile")
    plain.get_by_role("button", name="Account", exact=True).click()
    plain.get_by_role("form", name="Switch account").get_by_role("button").first.click()
    expect(plain.get_by_role("button", name=re.compile("switch organization"))).to_have_count(0)
