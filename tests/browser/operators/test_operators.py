"""The operator's pages about the installation, providers and people, in a browser: accessible and never too wide.

What is changed here is changed by one process and noticed by the others within seconds.
"""

import uuid

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site, wait_until

MAKE_OPERATOR = """
from accounts.models import User
User.objects.filter(email="{person.email}").update(is_staff=True, is_superuser=True)
"""


@pytest.fixture
def operator(site: Site) -> Person:
    person = new_person(site)
    site.manage("shell", "--no-imports", "-c", MAKE_OPERATOR.format(person=person))
    return person


def chat(site: Site, person: Person, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {person.key}"}
    return httpx.post(f"{site.url}/api/v1/chat/completions", json=body, headers=headers, timeout=30, trust_env=False)


def act(page: Page, text: str, action: str) -> None:
    """Choose the row with this text, and what to do with it."""
    page.get_by_role("row").filter(has_text=text).get_by_role("checkbox").first.check()
    page.get_by_label("Action:").select_option(label=action)
    page.get_by_role("button", name="Go").click()


def wide(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})


def test_the_start_page_shows_the_state_of_every_part(site: Site, page: Page, operator: Person):
    enter(page, site, operator, "/admin/")
    row = page.get_by_role("row").filter(has_text="Card payments")
    expect(row).to_contain_text("Simulated")
    expect(row).to_contain_text("Set STRIPE_SECRET_KEY")
    check_looks(page)


def test_a_server_of_ones_own_answers_until_it_is_turned_off(site: Site, page: Page, operator: Person):
    name = f"Box {uuid.uuid4().hex[:6]}"
    slug = name.lower().replace(" ", "-")
    server = f"{site.providers_url}/{slug}"
    body = {"model": "tiny-llama", "messages": [{"role": "user", "content": "Hi"}]}
    # The sandbox lists models used before.
    httpx.post(f"{server}/v1/chat/completions", json=body, trust_env=False, timeout=60)

    enter(page, site, operator, "/admin/models_catalog/provider/")
    page.get_by_role("link", name="Add a server of your own").click()
    page.get_by_label("Name:").fill(name)
    page.get_by_label("Address:").fill("localhost:11434")
    page.get_by_label("Its models are free").check()
    page.get_by_role("button", name="Read its models").click()
    expect(page.get_by_text("must start with http:// or https://")).to_be_visible()
    check_looks(page)
    wide(page)
    page.get_by_label("Address:").fill(f"{server}/")
    page.get_by_role("button", name="Read its models").click()
    expect(page.get_by_text(f"{name}: added {slug}/tiny-llama.")).to_be_visible()
    check_looks(page)
    wide(page)

    wait_until(lambda: chat(site, operator, f"{slug}/tiny-llama").status_code == 200, "the server to answer")
    page.goto(f"{site.url}/{slug}/tiny-llama")
    expect(page.get_by_role("heading", level=1)).to_contain_text("tiny-llama")
    page.goto(f"{site.url}/chat?model={slug}/tiny-llama")
    expect(page.get_by_text("tiny-llama").first).to_be_visible()

    enter(page, site, operator, f"/admin/models_catalog/provider/?q={slug}")
    act(page, name, "Turn off")
    expect(page.get_by_text("Providers turned off: 1.")).to_be_visible()
    wait_until(lambda: chat(site, operator, f"{slug}/tiny-llama").status_code == 404, "the server to be left out")

    site.manage("add_provider", f"{name} two", server, "--prompt-price", "1", "--completion-price", "2")
    priced = f"{slug}-two/tiny-llama"
    wait_until(lambda: chat(site, operator, priced).status_code == 200, "the priced server to answer")
    assert chat(site, operator, priced).json()["usage"]["cost"] > 0


def test_a_key_is_entered_tested_and_turned_off(site: Site, page: Page, operator: Person):
    slug = f"host-{uuid.uuid4().hex[:6]}"
    server = f"{site.providers_url}/{slug}"
    body = {"model": "tiny-llama", "messages": [{"role": "user", "content": "Hi"}]}
    httpx.post(f"{server}/v1/chat/completions", json=body, trust_env=False, timeout=60)
    site.manage("add_provider", slug, server, "--free")

    enter(page, site, operator, "/admin/models_catalog/providerkey/add/")
    page.get_by_label("Provider:").select_option(label=slug)
    page.get_by_label("Key:").fill("sk-entered-in-a-browser-invalid")
    check_looks(page)
    wide(page)
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text(f"{slug} rejected the key (401).")).to_be_visible()
    expect(page.get_by_text("Saved: …alid.")).to_be_visible()
    assert "sk-entered" not in page.content()
    check_looks(page)
    wide(page)
    page.get_by_label("Key:").fill("sk-entered-in-a-browser-0007")
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text(f"{slug} accepted the key and lists 1 model.")).to_be_visible()

    page.goto(f"{site.url}/admin/models_catalog/providerkey/?q={slug}")
    expect(page.get_by_role("row").filter(has_text=slug)).to_contain_text("…0007")
    check_looks(page)
    wide(page)
    act(page, slug, "Turn off")
    expect(page.get_by_text("Keys turned off: 1.")).to_be_visible()


def test_an_app_of_the_rankings_is_named_and_categorized(site: Site, page: Page, operator: Person):
    slug = f"notes-{uuid.uuid4().hex[:6]}.example.com"
    make = f"from activity.models import App; App.objects.create(slug='{slug}', sent_categories=['game'])"
    site.manage("shell", "--no-imports", "-c", make)
    enter(page, site, operator, f"/admin/activity/app/?q={slug}")
    expect(page.get_by_role("row").filter(has_text=slug)).to_contain_text("game")
    check_looks(page)
    wide(page)
    page.get_by_role("link", name=slug).click()
    page.get_by_label("Name:").fill("Notes")
    page.get_by_label("legal", exact=True).check()
    check_looks(page)
    wide(page)
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="View on site").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notes")
    expect(page.get_by_role("list", name="Categories")).to_have_text("Legal")
    check_looks(page)


def test_people_organizations_keys_and_requests_are_looked_up_and_disabled(site: Site, page: Page, operator: Person):
    customer = new_person(site)
    answer = chat(site, customer, "openai/gpt-4o-mini")
    wait_until(
        lambda: site.rows(f"SELECT 1 FROM gateway_generation WHERE id = '{answer.json()['id']}'"), "the request's row"
    )
    enter(page, site, operator, f"/admin/gateway/generation/?q={customer.email}")
    check_looks(page)
    wide(page)
    page.get_by_role("link", name=answer.json()["id"]).click()
    expect(page.get_by_text("openai/gpt-4o-mini").first).to_be_visible()
    check_looks(page)

    wide(page)
    page.goto(f"{site.url}/admin/accounts/organisation/?q={customer.email}")
    check_looks(page)
    wide(page)
    page.get_by_role("link", name="Keys of").click()
    check_looks(page)
    wide(page)
    act(page, "Program", "Disable (requests get 401 within two seconds)")
    expect(page.get_by_text("Keys disabled: 1.")).to_be_visible()
    wait_until(lambda: chat(site, customer, "openai/gpt-4o-mini").status_code == 401, "the key to be refused")

    page.goto(f"{site.url}/admin/accounts/user/?q={customer.email}")
    check_looks(page)
    wide(page)
    act(page, customer.email, "Disable (signs them out everywhere; freeze the account to stop its keys)")
    expect(page.get_by_text("Users disabled: 1.")).to_be_visible()
    mine = httpx.get(f"{site.url}/settings/keys", cookies={"sessionid": customer.session}, trust_env=False, timeout=60)
    assert mine.status_code == 302
