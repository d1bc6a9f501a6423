"""Data on the device: drafts, several tabs, full disks."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat.chatroom import (
    QUICK,
    MakeGate,
    OpenRoom,
    Room,
    agree,
    chatroom,
    gate,
    menu,
    new_chat,
    people,
    room,
    titles,
)
from tests.browser.people import Person
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "gate", "people", "room"]


# --- Drafts and the rail --------------------------------------------------------------------------


def test_each_chat_keeps_its_draft_through_a_reload(room: OpenRoom):
    chat = room(sandbox=QUICK)
    box = chat.page.locator("#message")
    chat.ask("First chat")
    box.fill("half a thought")
    new_chat(chat)
    expect(box).to_have_value("")
    box.fill("something new")
    chat.wait_for_draft("something new")
    chat.reload()
    expect(box).to_have_value("something new")
    chat.page.locator("#conversations a", has_text="First chat").click()
    expect(box).to_have_value("half a thought")
    box.fill("")
    chat.ask("Sent now")
    chat.reload()
    expect(box).to_have_value("")


def test_chats_are_renamed_pinned_found_and_deleted_with_a_way_back(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    for text in ("Lighthouses of Brittany", "Recipes for rye bread", "The word quokka appears here only"):
        chat.ask(text)
        new_chat(chat)
    menu(chat, "Recipes", "Rename")
    page.locator("dialog input[name=value]").fill("Baking")
    agree(page, "Rename chat")
    expect(page.locator("#conversations")).to_contain_text("Baking")
    menu(chat, "Lighthouses", "Pin")
    expect(page.locator("#conversations h2").first).to_have_text("Pinned")
    assert titles(chat)[0] == "Lighthouses of Brittany"
    page.locator("#rail-search").fill("quokka")
    expect(page.locator("#conversations .conv")).to_have_count(1)
    page.locator("#rail-search").fill("rye")  # in the text, no longer in the title
    expect(page.locator("#conversations .conv")).to_have_count(1)
    expect(page.locator("#conversations small")).to_contain_text("Recipes for rye bread")
    page.locator("#rail-search").fill("nothing of the kind")
    expect(page.locator("#conversations")).to_contain_text("No chats match")
    page.locator("#rail-search").fill("")
    expect(page.locator("#conversations .conv")).to_have_count(3)
    before = chat.billed()
    menu(chat, "Baking", "Delete")
    expect(page.locator("#conversations .conv")).to_have_count(2)
    assert len(chat.stored()["messages"]) == len(before["messages"]) - 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#conversations .conv")).to_have_count(3)
    assert chat.stored() == before
    chat.reload()
    expect(page.locator("#conversations .conv")).to_have_count(3)
    assert set(titles(chat)) == {"Lighthouses of Brittany", "Baking", "The word quokka appears here only"}


def test_the_address_leads_back_to_a_chat(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("First chat")
    address = page.url
    assert re.search(r"/chat#\w+$", address)
    new_chat(chat)
    assert page.url.endswith("/chat")
    page.go_back()
    expect(page.locator(".bubble")).to_have_text("First chat")
    page.goto(address.replace("#", "?x=1#nosuchchat"))
    expect(page.locator("#toasts")).to_contain_text("isn't on this device")


def test_a_search_opens_the_chat_at_the_message_in_its_version_and_marks_the_words(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("Where do quokkas live, and what do QUOKKAS eat?")
    page.locator(".question").hover()
    page.get_by_role("button", name="Edit message").click()
    page.get_by_label("Edit your message").fill("Where do wombats live?")
    page.locator(".editing").get_by_role("button", name="Send").click()
    expect(page.locator(".bubble")).to_have_text("Where do wombats live?")
    chat.wait()
    new_chat(chat)
    page.locator("#rail-search").fill("quokkas live")
    expect(page.locator("#conversations small")).to_contain_text("Where do quokkas live")
    page.locator("#conversations a").click()
    expect(page.locator(".bubble")).to_contain_text("Where do quokkas live")
    expect(page.locator(".question .versions")).to_contain_text("1/2")
    marked = "[...CSS.highlights.get('found')].map(String)"
    assert page.evaluate(marked) == ["quokkas", "live", "QUOKKAS"]
    assert chat.stored()["conversations"][0]["leaf"] != page.locator(".answer").get_attribute("data-id"), "only shown"
    new_chat(chat)
    assert page.evaluate("CSS.highlights.has('found')") is False


# --- Tabs -----------------------------------------------------------------------------------------


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


# --- When the browser does not keep things --------------------------------------------------------


def test_a_full_disk_is_named_with_what_it_costs_and_the_remedy(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page, notice = chat.page, chat.page.locator("#storage-full")
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave the page?"
    chat.ask("First")
    chat.billed()  # the first answer changes no more
    fill = """() => {
        window.put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
    }"""
    page.evaluate(fill)
    chat.ask("Second")
    expect(notice).to_contain_text("This device's storage is full. 2 messages in “First” will be lost")
    expect(notice).to_contain_text("Free up space on this device or delete chats, then try again.")
    assert len(chat.answers) == 2
    notice.get_by_role("button", name="Manage storage").click()
    with page.expect_download() as download:
        page.locator("#export-all").click()
    assert "Second" in download.value.path().read_text(), "the export has what is not saved"
    page.keyboard.press("Escape")
    page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    notice.get_by_role("button", name="Try again").click()
    expect(notice).to_be_hidden()
    assert len(chat.billed()["messages"]) == 4

    page.evaluate(fill)
    chat.ask("Third")
    expect(notice).to_contain_text("2 messages in “First”")
    chat.reload()
    expect(notice).to_contain_text(
        "This device's storage was full. 2 messages in “First” couldn't be saved and are lost."
    )
    expect(page.locator(".bubble")).to_have_text(["First", "Second"])
    notice.get_by_role("button", name="Dismiss this notice").click()
    chat.reload()
    expect(notice).to_be_hidden()


def test_a_browser_that_stores_nothing_still_chats_and_says_so(
    room: OpenRoom, new_page: Callable[..., Page], chatroom: Any, people: dict[str, Person]
):
    page = new_page(extra_http_headers={"X-Sandbox-Tokens": "6"})
    page.add_init_script("indexedDB.open = () => { throw new DOMException('no', 'SecurityError'); };")
    page.context.add_cookies([{"name": "sessionid", "value": people["alice"].session, "url": chatroom.url}])
    chat = Room(page).open(f"{chatroom.url}/chat")
    expect(page.locator("#toasts")).to_contain_text("blocks storage")
    chat.ask("Hello")
    chat.ask("Again")
    assert len(chat.answers) == 2
    expect(page.locator("#rail-usage")).to_contain_text("Temporary: not saved")


def test_two_people_on_one_computer_do_not_see_each_others_chats(
    room: OpenRoom, people: dict[str, Person], chatroom: Site
):
    chat = room(sandbox=QUICK)
    chat.ask("A secret of Alice")
    page = chat.page
    page.context.add_cookies([{"name": "sessionid", "value": people["poor"].session, "url": chatroom.url}])
    page.goto(f"{chatroom.url}/chat")
    expect(page.locator("#chat[data-ready]")).to_be_attached()
    expect(page.locator("#conversations .conv")).to_have_count(0)


def test_a_chat_of_two_thousand_messages_opens_with_the_last_of_them_and_scrolls_back(room: OpenRoom):
    chat = room()
    page = chat.page
    page.evaluate(
        """async () => {
            const { openDB } = await import("idb");
            const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
            const db = await openDB(`chat-${user}`);
            const write = db.transaction(["conversations", "messages"], "readwrite");
            const words = "Some **words** about a `thing`.\\n\\n- one\\n- two\\n\\n```js\\nlet a = 1;\\n```\\n\\n";
            let parent = null;
            for (let turn = 0; turn < 1000; turn += 1) {
                const question = { id: `q${turn}`, conversation: "long", parent, role: "user", created: 2 * turn + 1,
                    text: `Question ${turn}`, files: [] };
                const answer = { id: `a${turn}`, conversation: "long", parent: question.id, role: "assistant", slot: 0,
                    created: 2 * turn + 2, model: "openai/gpt-4o-mini", status: "done", error: null, meta: {},
                    text: `Answer ${turn}. ${words.repeat(3)}` };
                parent = answer.id;
                write.objectStore("messages").put(question);
                write.objectStore("messages").put(answer);
            }
            write.objectStore("conversations").put({ id: "long", title: "Long", titled: "user", created: 1,
                updated: Date.now(), pinned: false, models: ["openai/gpt-4o-mini"], system: "", params: {},
                leaf: parent });
            await write.done;
            db.close();
        }"""
    )
    chat.reload()
    page.locator("#conversations a", has_text="Long").click()
    expect(page.locator(".bubble").last).to_have_text("Question 999")
    shown = page.locator(".exchange").count()
    assert shown < 100
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -100_000)
    wait_until(lambda: page.locator(".exchange").count() > shown, "earlier messages")
    expect(page.locator("#latest")).to_be_visible()
    page.locator("#latest").click()
    expect(page.locator(".answer .acts").last).to_be_in_viewport()
