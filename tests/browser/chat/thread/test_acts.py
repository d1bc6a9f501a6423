"""Acts in the chatroom: deleting with undo, stopping one answer, paging by keys, a low balance, waiting messages."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import check_axe
from tests.browser.chat.chatroom import (
    QUICK,
    MakeGate,
    OpenRoom,
    Room,
    chatroom,
    choose_file,
    gate,
    last_answer,
    people,
    room,
)
from tests.support.processes import wait_until

__all__ = ["chatroom", "gate", "people", "room"]


def delete(chat: Room, kind: str, at: int = 0) -> None:
    chat.page.get_by_role("button", name=f"Delete {kind}").nth(at).click()


def undo(chat: Room) -> None:
    chat.page.get_by_role("button", name="Undo").click()


def test_a_question_or_version_is_deleted_with_what_follows_and_comes_back(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("First")
    chat.ask("Second")
    page.get_by_role("button", name="Regenerate", exact=True).last.click()
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    chat.wait()
    before = chat.billed()
    other = Room(page.context.new_page()).open(page.url)
    expect(other.page.locator(".bubble")).to_have_text(["First", "Second"])

    delete(chat, "answer")
    for tab in (chat, other):
        expect(tab.page.locator(".answer .versions")).to_have_count(0)
        expect(tab.page.locator(".answer")).to_have_count(2)
    assert len(chat.stored()["messages"]) == 4
    undo(chat)
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    expect(other.page.locator(".answer .versions")).to_contain_text("1/2")  # stays at what it shows

    delete(chat, "question")
    for tab in (chat, other):
        expect(tab.page.locator(".bubble")).to_have_count(0)
    assert chat.stored()["messages"] == []
    undo(chat)
    for tab in (chat, other):
        expect(tab.page.locator(".bubble")).to_have_text(["First", "Second"])
    assert chat.stored()["messages"] == before["messages"]


def test_a_file_is_deleted_with_the_last_version_of_its_question(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    choose_file(page, "#attach", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"A note"})
    chat.ask("First")
    page.get_by_role("button", name="Edit message").click()
    page.get_by_label("Edit your message").fill("Second")
    page.locator(".editing").get_by_role("button", name="Send").click()
    expect(page.locator(".question .versions")).to_contain_text("2/2")
    chat.wait()
    [file] = chat.billed()["files"]
    delete(chat, "question")
    expect(page.locator(".bubble")).to_have_text("First")
    assert chat.stored()["files"] == [file]
    delete(chat, "question")
    expect(page.locator(".bubble")).to_have_count(0)
    wait_until(lambda: not chat.stored()["files"], "the file to go")
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator(".bubble")).to_have_text("First")
    wait_until(lambda: chat.stored()["files"] == [file], "the file to come back")


@pytest.mark.parametrize("writer", ["this tab", "another tab"])
def test_a_running_answer_is_stopped_before_its_question_is_deleted(room: OpenRoom, gate: MakeGate, writer: str):
    writing = room(sandbox={"Tokens": "60"} | gate(20).control)
    writing.ask("First", wait=False)
    expect(writing.page.locator(".answer.silent")).to_have_count(0)
    chat = writing if writer == "this tab" else Room(writing.page.context.new_page()).open(writing.page.url)
    delete(chat, "question")
    for tab in (chat, writing):
        expect(tab.page.locator(".welcome")).to_be_visible()
        expect(tab.page.locator("#send")).to_have_attribute("data-act", "send")
    undo(chat)
    for tab in (chat, writing):
        expect(tab.page.locator(".answer")).to_contain_text("You stopped this answer.")
    assert [message["role"] for message in chat.billed()["messages"]].count("assistant") == 1


def test_one_of_several_running_answers_is_stopped(room: OpenRoom, gate: MakeGate):
    halfway = gate(20)
    chat = room(sandbox={"Tokens": "40"} | halfway.control)
    page = chat.page
    chat.choose("claude sonnet", add=True)
    chat.ask("Describe a river", wait=False)
    expect(page.locator(".answer.silent")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Stop Claude")).click()
    answers = page.locator(".answer")
    expect(answers.nth(1)).to_contain_text("You stopped this answer.")
    expect(answers.nth(0)).to_have_attribute("aria-busy", "true")
    halfway.open()
    chat.wait()
    expect(answers.nth(0).locator(".note")).to_have_count(0)


def test_arrow_keys_page_through_versions_and_keep_the_focus(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("Name a color")
    page.get_by_role("button", name="Regenerate", exact=True).click()
    versions = page.locator(".answer .versions")
    expect(versions).to_contain_text("2/2")
    chat.wait()
    page.get_by_role("button", name="Previous version of this answer").press("ArrowLeft")
    expect(versions).to_contain_text("1/2")
    expect(page.get_by_role("button", name="Next version of this answer")).to_be_focused()
    page.locator(".answer").focus()
    page.keyboard.press("ArrowRight")
    expect(versions).to_contain_text("2/2")
    expect(page.locator(".answer")).to_be_focused()
    page.keyboard.press("ArrowRight")  # there is no third
    expect(versions).to_contain_text("2/2")


def test_a_low_balance_is_said_before_it_is_zero_until_dismissed(room: OpenRoom):
    chat = room("low", sandbox=QUICK, viewport={"width": 390, "height": 844})
    page = chat.page
    notice = page.locator("#low-balance")
    expect(notice).to_contain_text("Your balance is low: $0.")
    expect(notice.get_by_role("link", name="Buy credits")).to_have_attribute("href", re.compile("/settings/credits"))
    expect(page.locator("#no-credits")).to_be_hidden()
    check_axe(page)
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_be_hidden()
    chat.reload()
    expect(page.locator("[data-balance]").first).to_contain_text("$")
    chat.ask("Hello")
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")
    expect(notice).to_be_hidden()


def test_a_balance_of_fewer_than_ten_average_answers_is_low(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("Hello")
    chat.billed()
    expect(page.locator("#low-balance")).to_be_hidden()
    page.evaluate(
        """async () => {
            const { openDB } = await import("idb");
            const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
            const db = await openDB(`chat-${user}`);
            const [answer] = (await db.getAll("messages")).filter(({ role }) => role === "assistant");
            answer.meta.cost = "2.5";
            await db.put("messages", answer);
            db.close();
        }"""
    )
    chat.reload()
    expect(page.locator("#low-balance")).to_contain_text("About 3 more answers like those in this chat.")


# --- What is written while an answer runs ---------------------------------------------------------


def write(chat: Room, *texts: str) -> None:
    for text in texts:
        chat.page.locator("#message").fill(text)
        chat.page.keyboard.press("Enter")
        expect(chat.page.locator("#waiting")).to_contain_text(text)


def test_messages_wait_for_the_answer_and_can_be_taken_back(room: OpenRoom, gate: MakeGate):
    halfway = gate(10)
    chat = room(sandbox={"Tokens": "20"} | halfway.control)
    page = chat.page
    chat.ask("First", wait=False)
    write(chat, "Second", "Third", "Fourth")
    expect(page.locator("#waiting li")).to_have_text(["Second", "Third", "Fourth"])
    assert len(chat.asked) == 1
    page.locator("#message").press("ArrowUp")
    expect(page.locator("#message")).to_have_value("Fourth")
    page.locator("#waiting").get_by_role("button", name="Edit waiting message").first.click()
    expect(page.locator("#message")).to_have_value("Second\n\nFourth")
    expect(page.locator("#waiting li")).to_have_text(["Third"])
    halfway.open()
    expect(page.locator(".bubble")).to_have_text(["First", "Third"])
    expect(page.locator("#waiting")).to_be_hidden()
    chat.wait()
    assert [body["messages"][-1]["content"] for body in chat.asked] == ["First", "Third"]
    expect(page.locator("#message")).to_have_value("Second\n\nFourth")


@pytest.mark.parametrize("end", ["stop", "reload"])
def test_waiting_messages_return_to_the_box_after_a_stop_or_a_reload(room: OpenRoom, gate: MakeGate, end: str):
    chat = room(sandbox={"Tokens": "20"} | gate(10).control, viewport={"width": 390, "height": 844})
    page = chat.page
    chat.ask("First", wait=False)
    page.locator("#message").fill("Second")
    page.get_by_role("button", name="Send next").click()
    expect(page.locator("#waiting")).to_contain_text("Second")
    check_axe(page)
    if end == "stop":
        page.get_by_role("button", name="Stop answering").click()
    else:
        chat.reload()
    expect(page.locator("#message")).to_have_value("Second")
    expect(page.locator("#waiting")).to_be_hidden()
    assert len(chat.asked) == 1
