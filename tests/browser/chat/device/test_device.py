"""Data on the device: drafts, the rail, full disks."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat.chatroom import (
    QUICK,
    OpenRoom,
    Room,
    agree,
    chatroom,
    menu,
    new_chat,
    people,
    room,
    titles,
)
from tests.browser.people import Person
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "people", "room"]


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
