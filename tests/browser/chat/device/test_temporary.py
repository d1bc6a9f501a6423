"""Temporary chats: nothing of them is on the device or on the server, and they can be kept."""

from typing import Any

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import (
    QUICK,
    MakeGate,
    OpenRoom,
    Room,
    chatroom,
    choose_file,
    gate,
    new_chat,
    people,
    room,
    titles,
)

__all__ = ["chatroom", "gate", "people", "room"]

#: All that the browser keeps for the site, as one text: every store of every database, both storages, every cache.
EVERYTHING = """async () => {
    const { openDB } = await import("idb");
    const found = [{ ...localStorage }, { ...sessionStorage }, document.title, location.href];
    for (const { name } of await indexedDB.databases()) {
        const db = await openDB(name);
        for (const store of db.objectStoreNames) {
            found.push(await db.getAll(store), await db.getAllKeys(store));
        }
        db.close();
    }
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        found.push(...(await Promise.all((await cache.matchAll()).map((answer) => answer.text()))));
    }
    return JSON.stringify(found);
}"""


def switch(chat: Room) -> None:
    chat.page.locator(".welcome").get_by_role("button", name="Temporary chat").click()


def watch_dialogs(chat: Room) -> list[str]:
    """The kinds of the dialogs that the browser opens from now on; each is agreed to."""
    kinds: list[str] = []

    def agree(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        dialog.accept()

    chat.page.on("dialog", agree)
    return kinds


def test_a_temporary_chat_leaves_nothing_behind(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    box = page.locator("#message")
    chat.ask("An ordinary question")
    other = Room(page.context.new_page()).open(page.url)
    box.fill("a quokkadraft of the ordinary chat")
    page.keyboard.press("Control+Shift+E")
    expect(page.locator("#temporary")).to_contain_text("Temporary chat. It isn't saved")
    expect(page.get_by_role("button", name="Keep this chat")).to_be_hidden()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    choose_file(page, "#attach", {"name": "quokkafile.txt", "mimeType": "text/plain", "buffer": b"quokkatext"})
    chat.ask("A quokkaquestion")
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    chat.wait()
    expect(page.get_by_role("button", name="Branch to new chat")).to_have_count(0)
    box.fill("a quokkadraft")
    for tab in (chat, other):
        assert titles(tab) == ["An ordinary question"]
    assert chat.keys[0] is not None
    assert chat.keys[1:] == [None, None]  # without a key the server keeps no answer
    page.locator("#rail-search").fill("quokkaquestion")
    expect(page.locator("#conversations")).to_contain_text("No chats match")
    page.locator("#rail-search").fill("")

    page.locator("#conversations a").click()  # another chat opens, and the temporary one comes back
    expect(box).to_have_value("a quokkadraft of the ordinary chat")
    box.fill("")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".bubble")).to_have_text("A quokkaquestion")
    expect(box).to_have_value("a quokkadraft")
    expect(page.locator(".question .chip")).to_have_text("quokkafile.txt")
    chat.ask("Another quokkaquestion")
    page.get_by_role("button", name="Delete question").last.click()
    expect(page.locator(".bubble")).to_have_count(1)
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator(".bubble")).to_have_count(2)

    kept = page.evaluate(EVERYTHING)
    assert "An ordinary question" in kept
    assert "quokka" not in kept
    dialogs = watch_dialogs(chat)
    chat.reload()
    assert dialogs == []  # nothing was unfinished
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#temporary")).to_be_hidden()
    assert "quokka" not in page.evaluate(EVERYTHING)


def test_a_temporary_chat_that_is_kept_is_an_ordinary_one(room: OpenRoom, gate: MakeGate):
    halfway = gate(20)
    chat = room(sandbox={"Tokens": "40"} | halfway.control, viewport={"width": 390, "height": 844})
    page = chat.page
    page.locator("#message").fill("Typed before")
    switch(chat)
    expect(page.locator("#message")).to_have_value("Typed before")
    chat.ask("What is this?", wait=False)
    expect(page.locator(".answer.silent")).to_have_count(0)
    page.get_by_role("button", name="Keep this chat").click()
    expect(page.locator("#temporary")).to_be_hidden()
    halfway.open()
    chat.wait()
    stored = chat.billed()
    [conversation] = stored["conversations"]
    assert conversation["title"] == "What is this?"
    texts = {message["role"]: message["text"].strip() for message in stored["messages"]}
    assert texts == {"user": "What is this?", "assistant": chat.answers[0]}
    chat.reload()
    expect(page.locator(".bubble")).to_have_text("What is this?")


def test_an_answer_of_a_temporary_chat_ends_with_its_connection(room: OpenRoom, gate: MakeGate, faults: list[str]):
    chat = room(sandbox={"Tokens": "40"} | gate(20).control)
    page = chat.page
    switch(chat)
    chat.ask("First", wait=False)
    expect(page.locator(".answer.silent")).to_have_count(0)
    page.context.set_offline(True)
    expect(page.locator(".answer")).to_contain_text("Connection lost before the answer finished.")
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator(".answer").get_by_role("button", name="Continue")).to_be_visible()  # what it cost is known
    assert chat.stored()["messages"] == []
    faults.clear()  # the browser reports what fails without a network


@pytest.mark.parametrize("unfinished", ["draft", "answer"])
def test_leaving_asks_only_while_something_is_unfinished(room: OpenRoom, gate: MakeGate, unfinished: str):
    control: dict[str, Any] = {"Tokens": "40"} | gate(20).control if unfinished == "answer" else QUICK
    chat = room(sandbox=control)
    switch(chat)
    chat.ask("First", wait=unfinished == "draft")
    if unfinished == "draft":
        chat.page.locator("#message").fill("half a thought")
    expect(chat.page.get_by_role("button", name="Keep this chat")).to_be_visible()
    dialogs = watch_dialogs(chat)
    chat.reload()
    assert dialogs == ["beforeunload"]
    new_chat(chat)
    assert chat.stored()["messages"] == []
