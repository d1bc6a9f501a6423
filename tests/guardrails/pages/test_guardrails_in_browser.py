"""A guardrail in a browser: created, assigned, enforced, edited and deleted, at a desk and on a phone."""

from collections.abc import Callable

import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site, wait_until

PAGE = "/settings/guardrails"


def ask(site: Site, key: str) -> requests.Response:
    body = {"model": "openai/gpt-4o", "max_tokens": 4000, "messages": [{"role": "user", "content": "Hello"}]}
    return requests.post(
        f"{site.url}/api/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )


def refusal(site: Site, key: str, words: str) -> str:
    """Wait until requests with the key are refused with these words, and return the message."""
    found: list[str] = []

    def refused() -> bool:
        answer = ask(site, key)
        found[:] = [answer.json()["error"]["message"]] if answer.status_code == 403 else []
        return any(words in message for message in found)

    wait_until(refused, f"a refusal with “{words}”")
    return found[0]


def test_a_guardrail_binds_a_key_and_its_owner(
    page: Page, new_page: Callable[..., Page], site: Site, customer: Person, faults: list[str]
):
    enter(page, site, customer, "/settings/privacy")
    page.get_by_role("link", name="Manage guardrails").click()
    expect(page.get_by_role("heading", name="No guardrails yet")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Create guardrail").click()
    page.get_by_label("Name").fill("Small budget")
    page.get_by_role("textbox", name="Budget").fill("0.01")
    page.get_by_label("Budget resets").select_option("daily")
    page.get_by_label("Excluded models").fill("no/such-model")
    page.get_by_role("button", name="Create guardrail").click()
    expect(page.get_by_text("The catalog doesn't have “no/such-model”.")).to_be_visible()
    check_looks(page)
    faults.clear()  # the form was refused with 422
    page.get_by_label("Excluded models").fill("")
    page.get_by_label("Find a model or author").fill("openai/*")
    page.get_by_label("Find a model or author").press("Enter")
    page.get_by_label("Find a model or author").fill("openai/o1")
    page.get_by_role("button", name="Exclude", exact=True).click()
    expect(page.get_by_label("Allowed models")).to_have_value("openai/*")
    expect(page.get_by_label("Excluded models")).to_have_value("openai/o1")
    page.get_by_role("button", name="Create guardrail").click()
    expect(page.get_by_text("applies to no request until you assign it")).to_be_visible()
    page.get_by_label("API key").select_option(index=1)
    page.get_by_role("button", name="Assign to the key").click()
    expect(page.get_by_text("“Small budget” applies to Program.")).to_be_visible()
    check_looks(page)
    assert "($0.01)" in refusal(site, customer.key, "remaining budget of the guardrail “Small budget”")

    plain = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    enter(plain, site, customer, PAGE)
    plain.get_by_role("link", name="Small budget", exact=True).click()
    plain.get_by_role("link", name="Edit", exact=True).click()
    plain.get_by_role("textbox", name="Budget").fill("5")
    plain.get_by_label("Allowed models").fill("openai/gpt-4o-mini")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("$5.00 every day")).to_be_visible()
    plain.get_by_role("button", name="Remove Program").click()
    plain.get_by_label("Member").select_option(customer.email)
    plain.get_by_role("button", name="Assign to the member").click()
    expect(plain.get_by_text("Chat and all their keys")).to_be_visible()
    assert "An admin can change the guardrail at" in refusal(site, customer.key, "model not allowed")

    page.goto(site.url + PAGE)
    check_looks(page)
    page.get_by_role("link", name="Small budget", exact=True).click()
    page.get_by_role("link", name="Delete").click()
    check_looks(page)
    page.get_by_role("button", name="Delete guardrail").click()
    expect(page.get_by_text("Deleted “Small budget”.")).to_be_visible()
    wait_until(lambda: ask(site, customer.key).status_code == 200, "requests are served again")
