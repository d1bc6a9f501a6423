"""Reading in the chatroom: scrolling, shortcuts, and text that stays text."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, gate, last_answer, new_chat, people, room
from tests.support.processes import wait_until

__all__ = ["chatroom", "gate", "people", "room"]

#: What is uppermost in view, and by how much: [message, part, pixels].
PLACE = """async () => {
    const { placeIn } = await import("chat/thread/place");
    const { message, part, offset } = placeIn(document.querySelector("#scroll")) ?? {};
    return [message, part, offset];
}"""
#: "here" if the view is where the chat will open, "elsewhere", or "" if it will open at its end.
KEPT_PLACE = """async () => {
    const { openDB } = await import("idb");
    const { placeIn } = await import("chat/thread/place");
    const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
    const db = await openDB(`chat-${user}`);
    const kept = await db.get("meta", `place:${location.hash.slice(1)}`);
    db.close();
    if (!kept) return "";
    return JSON.stringify(kept) === JSON.stringify(placeIn(document.querySelector("#scroll"))) ? "here" : "elsewhere";
}"""

#: Whether the sidebar will be shown, as the device keeps it.
KEPT_RAIL = """async () => {
    const { openDB } = await import("idb");
    const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
    const db = await openDB(`chat-${user}`);
    const kept = await db.get("meta", "rail");
    db.close();
    return kept;
}"""


def test_reading_back_is_not_disturbed_and_one_press_returns(room: OpenRoom, gate: MakeGate):
    first, second = gate(300), gate(600)
    gates = {"Gate": f"{first.place}; {second.place}"}
    chat = room(sandbox={"Tokens": "900"} | gates, viewport={"width": 1000, "height": 500})
    page = chat.page
    chat.ask("Say a lot", wait=False)
    wait_until(lambda: page.evaluate("document.querySelector('#scroll').scrollTop") > 200, "the text to grow")
    expect(page.locator("#latest")).to_be_hidden()
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -300)
    expect(page.locator("#latest")).to_be_visible()
    top = page.evaluate("document.querySelector('#scroll').scrollTop")
    seen = len(chat.answers[0])
    first.open()
    second.wait_for_an_answer()
    wait_until(lambda: len(chat.answers[0]) > seen, "more text below")
    assert abs(page.evaluate("document.querySelector('#scroll').scrollTop") - top) < 2
    page.locator("#latest").click()
    expect(page.locator("#latest")).to_be_hidden()
    second.open()
    chat.wait()
    away = page.locator("#scroll").evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight")
    assert away < 4


def is_at(page: Page, place: list[Any]) -> bool:
    *part, offset = page.evaluate(PLACE)
    return part == place[:2] and abs(offset - place[2]) < 3


def test_each_chat_opens_where_it_was_left(room: OpenRoom):
    chat = room(sandbox={"Tokens": "600"}, viewport={"width": 1000, "height": 500})
    page = chat.page
    chat.ask("The first one")
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -600)
    expect(page.locator("#latest")).to_be_visible()
    page.locator("#scroll").evaluate("scroller => scroller.scrollTo(0, 250)")
    wait_until(lambda: page.evaluate(KEPT_PLACE) == "here", "the place to be kept")
    place = page.evaluate(PLACE)
    chat.reload()
    wait_until(lambda: is_at(page, place), "the place where it was left")
    expect(page.locator("#latest")).to_be_visible()

    new_chat(chat)
    chat.ask("The second one")
    page.locator("#conversations a", has_text="The first one").click()
    expect(page.locator(".bubble")).to_have_text("The first one")
    wait_until(lambda: is_at(page, place), "the place where it was left")
    page.locator("#latest").click()
    wait_until(lambda: not page.evaluate(KEPT_PLACE), "the place to be dropped")
    chat.reload()
    expect(page.locator("#latest")).to_be_hidden()
    expect(last_answer(chat).locator(".acts")).to_be_in_viewport()


def test_shortcuts_work_and_single_keys_can_be_switched_off(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    chat.ask("Hello")
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(".welcome")).to_be_visible()
    page.locator("#message").type("why?")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.locator("#message").fill("")
    page.locator("#new-chat").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("Control+Shift+S")
    expect(page.locator("#rail")).to_be_hidden()
    wait_until(lambda: page.evaluate(KEPT_RAIL) is False, "the device to keep that")
    chat.reload()
    expect(page.locator("#rail")).to_be_hidden()
    page.keyboard.press("Control+Shift+S")
    page.locator("#rail .device").click()
    page.get_by_text("Single-key shortcuts").click()
    page.keyboard.press("Escape")
    page.locator("#new-chat").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_a_hostile_answer_of_a_real_model_stays_text(room: OpenRoom):
    chat = room()
    chat.ask('Say exactly: <img src=x onerror="window.touched=1"> [x](javascript:window.touched=1) **bold**')
    expect(last_answer(chat).locator(".answer-text")).to_contain_text('<img src=x onerror="window.touched=1">')
    expect(last_answer(chat).locator(".answer-text img, .answer-text script")).to_have_count(0)
    assert chat.page.evaluate("window.touched ?? null") is None


@pytest.mark.parametrize("question", ["<b>hi</b> & <script>window.touched=1</script>", "مرحبا بالعالم", "x" * 12_000])
def test_any_question_is_shown_as_it_was_written(room: OpenRoom, question: str):
    chat = room(sandbox={"Tokens": "4"})
    chat.ask(question)
    expect(chat.page.locator(".bubble")).to_have_text(question)
    overflow = chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not overflow
