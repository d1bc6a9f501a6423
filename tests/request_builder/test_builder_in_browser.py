"""The request builder in a real browser: typing, sharing, running, and without JavaScript."""

import json
import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.request_builder.posting import PATH
from tests.support.gates import Gate
from tests.support.processes import Site

TEXT = 'It\'s "one" \\ two\n`$HOME` </script> 😀'


def opened(page: Page, site: Site, path: str = PATH) -> Page:
    page.goto(site.url + path)
    expect(page.locator("[data-ready]")).to_be_attached()
    return page


def sent(page: Page) -> dict[str, object]:
    """The request that the page shows as JSON."""
    body: dict[str, object] = json.loads(page.locator("#code-json code").text_content() or "")
    return body


def test_a_request_is_built_by_typing_and_shared_by_a_link(new_page: Callable[..., Page], site: Site):
    page = opened(new_page(permissions=["clipboard-read", "clipboard-write"]), site)
    page.get_by_role("heading", name="Sampling").click()
    page.get_by_label("Temperature").fill("3")
    expect(page.locator("[data-field=temperature] .error")).to_have_text("Use a number from 0 to 2.")
    expect(page.get_by_label("Temperature")).to_have_attribute("aria-invalid", "true")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("Temperature").fill("0")
    expect(page.locator("[data-field=temperature] .error")).to_have_count(0)

    page.get_by_label("Text of message 1").fill(TEXT)
    page.get_by_role("button", name="Add message").press("Enter")
    expect(page.get_by_label("Text of message 2")).to_be_focused()
    expect(page.locator("[data-message] .error:visible")).to_have_text("Enter a text, or remove this message.")
    page.keyboard.type("Second")
    page.get_by_role("button", name="Move message 2 up").press("Enter")
    expect(page.get_by_label("Text of message 1")).to_have_value("Second")
    expect(page.locator("#code-json")).to_contain_text('"Second"')
    page.locator("#id_model").fill("anthropic/claude-sonnet-4.5")
    expect(page.locator("#price")).to_contain_text("prompt tokens")
    expect(page.locator(".summary")).to_contain_text("Claude Sonnet 4.5")
    said = [{"role": "assistant", "content": "Second"}, {"role": "user", "content": TEXT}]
    expected = {"model": "anthropic/claude-sonnet-4.5", "messages": said, "stream": True, "temperature": 0}
    assert sent(page) == expected

    page.get_by_role("tab", name="requests").click()
    page.locator("#result [data-copy]").click()
    assert "import requests" in page.evaluate("navigator.clipboard.readText()")
    expect(page).to_have_url(re.compile("#r="))
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")

    other = new_page(viewport={"width": 390, "height": 844})
    other.goto(link)
    expect(other.get_by_label("Text of message 2")).to_have_value(TEXT)
    expect(other.get_by_label("Temperature")).to_be_visible()  # its group is open, because it is set
    assert sent(other) == expected
    other.get_by_text("Messages", exact=True).first.click()
    expect(other.locator("#code-json")).to_contain_text('"max_tokens": 1024')
    expect(other.get_by_label("Text of message 2")).to_have_value(TEXT)
    expect(other.locator("#run-sign-in")).to_have_attribute("href", re.compile(r"next=%2Frequest-builder%23r%3D\w"))
    other.get_by_role("link", name="Reset").click()
    expect(other.get_by_label("Text of message 2")).to_have_count(0)


def test_an_api_is_shown_though_another_change_is_sent_before_it_has_come(page: Page, site: Site):
    opened(page, site)
    waiting: list[Route] = []
    page.route("**/request-builder", lambda route: route.continue_() if waiting else waiting.append(route))
    with page.expect_request("**/request-builder"):
        page.get_by_text("Embeddings", exact=True).click()
    page.locator("#id_model").press("End")
    page.keyboard.type("x")
    expect(page.locator("#id_input")).to_be_visible()
    expect(page.locator("#code-json")).to_contain_text('"input": ')
    assert len(waiting) == 1


def test_a_request_runs_in_the_readers_account_and_can_be_stopped(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/openai/gpt-4o-mini")
    page.get_by_role("link", name="Open in request builder").click()
    expect(page.locator("[data-ready]")).to_be_attached()
    page.get_by_label("Text of message 1").fill("Say exactly: prime <b>numbers</b>")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-facts")).to_contain_text("Cost")
    expect(page.locator("#run-output")).to_have_text("prime <b>numbers</b>")
    expect(page.locator("#run-status")).to_have_text("Finished.")
    for fact in ("openai/gpt-4o-mini", "(simulated)", "gen-", "in, ", "$0.0000"):
        expect(page.locator("#run-facts")).to_contain_text(fact)
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    gate = Gate(site.providers_url, after=3)
    page.get_by_label("Text of message 1").fill(f"{gate.command}Tell me a long story")
    page.get_by_role("button", name="Run", exact=True).click()
    gate.wait_for_an_answer()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#run-status")).to_have_text("You stopped this response.")
    expect(page.locator("#run-facts")).to_contain_text("Cost")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    gate.open()

    page.get_by_text("Use an API key").click()
    key = page.get_by_label("API key", exact=True)
    key.fill("sk-or-v1-" + "0" * 64)
    page.get_by_label("Text of message 1").fill("Say exactly: with a key")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-status a")).to_have_text("API keys")
    key.fill(customer.key)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-output")).to_have_text("with a key")
    expect(page.locator("#run-facts")).to_contain_text("Cost")
    assert customer.key not in page.url and customer.key not in page.content()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    key.fill("")

    page.get_by_role("heading", name="Providers").click()
    page.get_by_label("Only these").fill("groq")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-status")).to_contain_text("2 by your list of allowed providers")
    page.get_by_text("Embeddings", exact=True).click()
    page.locator("#id_input").fill("one\ntwo")
    page.get_by_label("Only these").fill("")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-output")).to_contain_text("2 vectors of")
    page.locator("#id_input").fill("")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-status")).to_contain_text("Complete the request first.")


def test_without_javascript_the_form_shows_its_code(new_page: Callable[..., Page], site: Site):
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(site.url + PATH)
    page.get_by_label("Text of message 1").fill("Hello")
    page.get_by_role("button", name="Add message").click()
    page.get_by_label("Text of message 2").fill("Hi")
    page.get_by_text("Responses", exact=True).click()
    page.get_by_role("button", name="Show code").last.click()
    expect(page.locator("#code-json")).to_contain_text('{"role": "assistant", "content": "Hi"}')
    expect(page.locator("#code-curl")).to_contain_text("/api/v1/responses")
    expect(page.locator("#run")).to_be_hidden()
