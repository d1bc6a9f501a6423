"""A chat in several tabs."""

from playwright.sync_api import expect

from tests.browser.chat.chatroom import (
    QUICK,
    MakeGate,
    OpenRoom,
    Room,
    chatroom,
    gate,
    menu,
    people,
    room,
)
from tests.support.processes import wait_until

__all__ = ["chatroom", "gate", "people", "room"]


def second_tab(chat: Room) -> Room:
    return Room(chat.page.context.new_page()).open(chat.page.url)


def test_two_tabs_show_the_same_chat_and_neither_cuts_the_others_answer(room: OpenRoom, gate: MakeGate):
    halfway = gate(60)
    chat = room(sandbox={"Tokens": "120"} | halfway.control)
    chat.ask("Say a lot", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 40, "some words")
    other = second_tab(chat)
    expect(other.page.locator(".answer")).to_have_attribute("aria-busy", "true")
    expect(other.page.locator(".answer .banner")).to_have_count(0)
    halfway.open()
    chat.wait()
    other.wait()
    wait_until(lambda: other.answers == chat.answers, "the other tab to follow")
    expect(other.page.locator(".answer .meta summary")).to_contain_text("120 tokens")
    assert [message["status"] for message in chat.stored()["messages"] if message["role"] == "assistant"] == ["done"]


def test_the_other_tab_follows_while_an_answer_is_written_and_may_stop_it(room: OpenRoom, gate: MakeGate):
    halfway = gate(60)
    chat = room(sandbox={"Tokens": "120"} | halfway.control)
    chat.ask("First", wait=False)
    other = second_tab(chat)
    wait_until(lambda: len("".join(chat.answers)) > 40, "some words")
    wait_until(lambda: other.answers == chat.answers, "the other tab to show them while they are written")
    expect(other.page.get_by_role("button", name="Stop answering")).to_be_visible()
    other.page.get_by_role("button", name="Stop answering").click()
    for tab in (chat, other):
        expect(tab.page.locator(".answer")).to_contain_text("You stopped this answer.")
        expect(tab.page.get_by_role("button", name="Send")).to_be_visible()


def test_a_question_asked_in_one_tab_while_the_other_writes_appears_in_both(room: OpenRoom, gate: MakeGate):
    halfway = gate(60)
    chat = room(sandbox={"Tokens": "120"} | halfway.control)
    chat.ask("First", wait=False)
    wait_until(lambda: len("".join(chat.answers)) > 40, "some words")
    other = second_tab(chat)
    # The button says Stop; another version of the question is asked by editing it.
    other.page.locator(".question").hover()
    other.page.get_by_role("button", name="Edit message").click()
    other.page.get_by_label("Edit your message").fill("Second")
    other.page.locator(".editing").get_by_role("button", name="Send").click()
    expect(other.page.locator(".bubble")).to_have_text("Second")
    expect(chat.page.locator(".question .versions")).to_contain_text("1/2")
    halfway.open()
    wait_until(
        lambda: [m["status"] for m in chat.stored()["messages"] if m["role"] == "assistant"] == ["done"] * 2, "both"
    )


#: A conversation is read while its answer is being written, which ends before what was read is used.
STALE = """async ({ mine }) => {
    const { Emitter } = await import("chat/emitter");
    const { Following } = await import("chat/device/following");
    const answer = (status) => ({ id: "a", conversation: "c", parent: null, status, text: status, key: "k" });
    const shown = answer("streaming");
    const [live, resumed, released] = [new Set(mine ? ["a"] : []), [], []];
    const settings = Promise.withResolvers();
    const room = {
        conversation: { id: "c", leaf: "a" }, messages: new Map([["a", shown]]), saved: true, saving: null, changes: 0,
        emit: (name) => name === "settings" && settings.resolve(),
    };
    let stored = answer("streaming");
    const end = () => {
        if (stored.status === "done") return;
        stored = answer("done");
        if (!mine) return;
        live.clear();
        Object.assign(shown, stored);
        room.changes += 1;
    };
    const store = {
        conversation: async () => ({ id: "c", leaf: "a" }),
        messages: async () => [{ ...stored }],
        message: async () => ({ ...stored }),
    };
    const answers = {
        get: (id) => (live.has(id) ? shown : undefined), resume: ({ id }) => resumed.push(id), requestBills() {},
    };
    const tabs = Object.assign(new Emitter(), {
        claimed: async () => (end(), new Set()), claimFree: async () => true, release: (id) => released.push(id),
    });
    new Following(room, { store, answers, tabs });
    tabs.emit("conversation", "c");
    await settings.promise;
    return { status: room.messages.get("a").status, isSame: room.messages.get("a") === shown, resumed, released };
}"""


def test_an_answer_that_ends_while_its_chat_is_read_again_stays_ended(room: OpenRoom):
    page = room(sandbox=QUICK).page
    ended = {"status": "done", "isSame": True, "resumed": []}
    assert page.evaluate(STALE, {"mine": True}) == ended | {"released": []}
    assert page.evaluate(STALE, {"mine": False}) == ended | {"released": ["a"]}


def test_closing_the_tab_that_writes_an_answer_passes_it_to_the_other(room: OpenRoom, gate: MakeGate):
    halfway = gate(60)
    chat = room(sandbox={"Tokens": "120"} | halfway.control)
    chat.ask("First", wait=False)
    wait_until(lambda: len("".join(chat.answers)) > 40, "some words")
    other = second_tab(chat)
    wait_until(lambda: other.answers == chat.answers, "the other tab to show them")
    chat.page.close()
    halfway.open()
    other.wait()
    expect(other.page.locator(".answer .meta summary")).to_contain_text("120 tokens")
    expect(other.page.get_by_role("button", name="Send")).to_be_visible()
    assert not other.asked


def test_what_one_tab_deletes_disappears_from_the_other(room: OpenRoom):
    chat = room(sandbox=QUICK)
    chat.ask("To be deleted")
    other = second_tab(chat)
    expect(other.page.locator(".bubble")).to_have_text("To be deleted")
    menu(chat, "To be deleted", "Delete")
    expect(other.page.locator(".welcome")).to_be_visible()
    expect(other.page.locator("#conversations .conv")).to_have_count(0)
