"""Crashes in the middle of an answer: of the web process, and of the tab. No text is lost, nothing is paid twice."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.chat.chatroom import Room, last_answer
from tests.browser.fixtures import stores
from tests.browser.people import Person, enter, new_person
from tests.support.gates import Gate
from tests.support.holds import release_holds_of_the_dead
from tests.support.processes import Site, wait_until

TOKENS = 120
BEFORE = 40  # tokens, at which the answer waits
#: Notes each time that the answer's text is shorter than before.
WATCH = """() => {
    const text = () => document.querySelector("#thread .answer .answer-text").textContent;
    let longest = text();
    window.shorter = [];
    new MutationObserver(() => {
        if (text().length < longest.length) window.shorter.push(text());
        else longest = text();
    }).observe(document.querySelector("#thread"), { childList: true, characterData: true, subtree: true });
}"""


def ask_up_to_the_gate(chat: Room, gate: Gate) -> str:
    """Ask, and return the text that is shown and stored when the answer waits at the gate."""
    chat.ask(f"/sandbox tokens={TOKENS} gate={gate.place}\nTell me a lot", wait=False)
    gate.wait_for_an_answer()
    wait_until(lambda: len(stored_text(chat).split()) >= BEFORE // 2, "the text to be stored")
    wait_until(lambda: shown_text(chat) == stored_text(chat).split(), "the text to be shown")
    return stored_text(chat)


def stored_text(chat: Room) -> str:
    [text] = [message["text"] for message in chat.stored()["messages"] if message["role"] == "assistant"]
    return str(text)


def shown_text(chat: Room) -> list[str]:
    return (last_answer(chat).locator(".answer-text").text_content() or "").split()


@pytest.mark.parametrize("kind", ["embedded", "production-like"])
def test_a_web_process_that_is_killed_costs_no_text_and_no_money(
    kind: str, new_page: Callable[..., Page], faults: list[str], tmp_path: Path
):
    with Site(tmp_path, processes=("providers", "web"), **stores(kind, second=True)) as site:
        person = new_person(site)
        gate = Gate(site.providers_url, after=BEFORE)
        chat = Room(enter(new_page(), site, person, "/chat"))
        chat.expect_ready()
        before = ask_up_to_the_gate(chat, gate)
        chat.page.evaluate(WATCH)
        site.processes["web"].kill()
        expect(last_answer(chat).locator(".about")).to_contain_text("waiting for connection")
        assert shown_text(chat) == before.split()
        site.start("web")
        site.processes["web"].wait_until_it_responds(site.url)
        expect(last_answer(chat)).to_contain_text("Connection lost before the answer finished.")
        assert shown_text(chat) == before.split()
        assert chat.page.evaluate("window.shorter") == []

        assert release_holds_of_the_dead(site) == 1
        chat.reload()  # the page asks what it cost
        [answer] = [message for message in chat.billed()["messages"] if message["role"] == "assistant"]
        assert (answer["status"], answer["text"], answer["meta"]["cost"]) == ("interrupted", before, "0")
        assert shown_text(chat) == before.split()
        query = f"SELECT state, cost FROM gateway_generation WHERE account_id = {person.account}"
        assert site.rows(query) == [("released", 0)]
        assert site.rows(held(person)) == [(0,)]
        chat.page.close()  # while the site is there: it would look for it
    faults.clear()  # of the lost connection


@pytest.mark.parametrize("kind", ["embedded", "production-like"])
def test_an_answer_goes_on_after_its_tab_has_crashed_and_is_paid_once(
    kind: str, sites: Callable[[str], Site], new_page: Callable[..., Page], faults: list[str]
):
    site = sites(kind)
    person = new_person(site)
    waiting = Gate(site.providers_url, after=BEFORE)
    chat = Room(enter(new_page(), site, person, "/chat"))
    chat.expect_ready()
    before = ask_up_to_the_gate(chat, waiting)
    context = chat.page.context
    with chat.page.expect_event("crash"), suppress(Error):  # no page comes
        chat.page.goto("chrome://crash")
    chat = Room(context.new_page()).open(f"{site.url}/chat")
    chat.page.locator("#conversations .conv a").click()
    wait_until(lambda: shown_text(chat)[: len(before.split())] == before.split(), "what was shown before")
    chat.page.evaluate(WATCH)
    waiting.open()
    chat.wait()
    assert chat.page.evaluate("window.shorter") == []
    [answer] = [message for message in chat.billed()["messages"] if message["role"] == "assistant"]
    assert (answer["status"], answer["meta"]["usage"]["completion_tokens"]) == ("done", TOKENS)
    assert answer["text"].startswith(before)
    wait_until(lambda: site.rows(held(person)) == [(0,)], "the end of every hold")
    query = f"SELECT state, completion_tokens FROM gateway_generation WHERE account_id = {person.account}"
    assert site.rows(query) == [("settled", TOKENS)]
    faults.clear()


def held(person: Person) -> str:
    return f"SELECT held FROM billing_creditaccount WHERE id = {person.account}"
