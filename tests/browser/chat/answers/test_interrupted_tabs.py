"""Tabs that end in the middle of answers, at random points from a fixed seed. INTERRUPTIONS sets their number."""

import os
import random
from functools import partial

from playwright.sync_api import expect

from tests.browser.chat.chatroom import OpenRoom, Room, chatroom, new_chat, people, room
from tests.browser.people import Person, new_person
from tests.support.gates import Gate
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "people", "room"]

POINTS = int(os.environ.get("INTERRUPTIONS", "20"))
AT_ONCE = 10  # answers of one tab, two of each question
TOKENS = 120


def test_a_tab_that_ends_in_the_middle_of_answers_loses_nothing_and_pays_once(
    room: OpenRoom, chatroom: Site, people: dict[str, Person], faults: list[str]
):
    draw = random.Random(13)
    people["interrupted"] = person = new_person(chatroom, cents=1000)
    chat = room("interrupted")
    chat.choose("claude haiku", add=True)
    for _ in range(POINTS // AT_ONCE):
        gates = [Gate(chatroom.providers_url, after=draw.randrange(TOKENS)) for _ in range(AT_ONCE // 2)]
        for number, gate in enumerate(gates):
            if number or chat.answers:
                new_chat(chat)
            chat.ask(f"/sandbox tokens={TOKENS} gate={gate.place}\nChat {number}", wait=False)
        for gate in gates:
            gate.wait_for_an_answer(2)
        shown: dict[str, str] = {}
        for row in range(len(gates)):
            look_at(chat, row)
            shown |= texts(chat)
        tab, context = chat.page, chat.page.context
        chat = Room(context.new_page())
        tab.close()
        chat.open(f"{chatroom.url}/chat")
        for row in range(len(gates)):
            look_at(chat, row)
            wait_until(partial(shows_all, chat, shown), "what was shown before")
        for gate in gates:
            gate.open()
        chat.wait()
    answers = [message for message in chat.billed()["messages"] if message["role"] == "assistant"]
    assert [(each["status"], each["meta"]["usage"]["completion_tokens"]) for each in answers] == [
        ("done", TOKENS)
    ] * POINTS
    wait_until(lambda: chatroom.rows("SELECT count(*) FROM gateway_hold") == [(0,)], "the end of every hold")
    query = "SELECT count(*), count(DISTINCT id), sum(completion_tokens) FROM gateway_generation"
    query += f" WHERE account_id = {person.account}"
    assert chatroom.rows(query) == [(POINTS, POINTS, POINTS * TOKENS)]
    faults.clear()


def look_at(chat: Room, row: int) -> None:
    """Open a chat; the newest is at the top."""
    chat.page.locator("#conversations .conv a").nth(row).click()
    expect(chat.page.locator(".bubble")).to_contain_text(f"Chat {AT_ONCE // 2 - 1 - row}")
    expect(chat.page.locator("#thread .answer[aria-busy=true]")).to_have_count(2)


def shows_all(chat: Room, before: dict[str, str]) -> bool:
    """Whether the answers are those of before, and go on."""
    return all(text.startswith(before[answer]) for answer, text in texts(chat).items())


def texts(chat: Room) -> dict[str, str]:
    """The text of each answer that is shown, by its ID."""
    shown: dict[str, str] = chat.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#thread .answer")].map(
            (answer) => [answer.dataset.id, answer.querySelector(".answer-text").innerText]))"""
    )
    return shown
