"""The chat in Firefox: the story of a day, with the mouse and the keyboard."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.firefox import Firefox, firefox
from tests.browser.people import new_person
from tests.support.gates import Gate
from tests.support.processes import Site

PASSWORD = "a long passphrase of a tester"
SET_PASSWORD = """
from accounts.models import User
user = User.objects.get(email="{email}")
user.set_password("{password}")
user.save()
"""
LAST = "document.querySelector('#thread .exchange:last-child .answer')"
TEXT = f"{LAST}?.querySelector('.answer-text').textContent.length"
CHATS = "document.querySelectorAll('#conversations .conv').length"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Firefox]:
    if not firefox():
        assert not os.environ.get("CI"), "There is no Firefox."
        pytest.skip("There is no Firefox; install firefox-esr.")
    with Firefox(tmp_path) as browser:
        browser.resize(1280, 800)
        yield browser


def ask(browser: Firefox, text: str) -> None:
    browser.write("#message", text)
    browser.press("Enter")


def test_signing_in_chatting_stopping_reloading_and_deleting(site: Site, browser: Firefox):
    person = new_person(site)
    site.manage("shell", "--no-imports", "-c", SET_PASSWORD.format(email=person.email, password=PASSWORD))
    browser.open(f"{site.url}/account/login/?next=/chat")
    browser.write("input[name=login]", person.email)
    browser.write("input[name=password]", PASSWORD)
    browser.press("Enter")
    browser.expect("location.pathname", "/chat")
    browser.expect("Boolean(document.querySelector('#chat[data-ready]'))")

    gate = Gate(site.providers_url, after=40)
    try:
        ask(browser, f"{gate.command}Say a lot")
        gate.wait_for_an_answer()
        browser.expect(f"{TEXT} > 40")
        browser.expect(f"{LAST}.ariaBusy", "true")
        browser.press("Escape")
        browser.expect(f"{LAST}.querySelector('.note')?.textContent.includes('You stopped this answer.')")
        seen = browser.evaluate(f"{LAST}.querySelector('.answer-text').textContent")
    finally:
        gate.open()

    browser.reload()
    browser.expect(f"{LAST}?.querySelector('.answer-text').textContent", seen)
    browser.expect("Boolean(document.querySelector('#chat[data-ready]'))")
    browser.click("#new-chat")
    browser.expect("Boolean(document.querySelector('.welcome'))")
    ask(browser, "Say exactly: A list: **bold**, `code` and $x^2$")
    browser.expect(f"{LAST}?.ariaBusy", "false")
    browser.expect(f"{LAST}.querySelectorAll('.answer-text :is(strong, code, .katex)').length > 2")
    browser.expect(CHATS, 2)

    browser.click("#conversations .conv:not(.current) > a")
    browser.expect(f"{LAST}?.querySelector('.answer-text').textContent", seen)
    browser.expect("document.querySelector('.conv.current')?.dataset.id === location.hash.slice(1)")
    browser.click("#conversations .conv.current .dots")
    browser.click("#conversation-menu [data-act=delete]")
    browser.expect(CHATS, 1)
    browser.click(".toast .btn")
    browser.expect(CHATS, 2)
    assert not browser.faults
