"""Folders in the sidebar: by mouse and keyboard, on a phone, in two tabs, through an export, from an older database."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_axe, widest_overflow
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, agree, chatroom, menu, new_chat, people, room, titles
from tests.browser.chat.transfer.transfers import bring, confirm_import, delete_all, export_all
from tests.browser.people import Person, enter
from tests.support.processes import Site

__all__ = ["chatroom", "people", "room"]

#: Puts chats into the store, the first one newest: [{id, title, folder}]. A folder has its ID as its name.
PUT = """async (chats) => {
    const { openDB } = await import("idb");
    const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
    const db = await openDB(`chat-${user}`);
    const now = Date.now();
    for (const [at, chat] of chats.entries()) {
        if (chat.folder) {
            const { folder } = chat;
            await db.put("folders", { id: folder, name: folder, created: 1, collapsed: folder === "Food" });
        }
        await db.put("conversations", { titled: "user", created: 1, updated: now - at, pinned: false,
            models: ["openai/gpt-4o-mini"], system: "", params: {}, web: false, folder: null, leaf: `q-${chat.id}`,
            ...chat });
        await db.put("messages", { id: `q-${chat.id}`, conversation: chat.id, parent: null, role: "user", created: 2,
            text: `Text of ${chat.title}`, files: [] });
    }
    db.close();
}"""

#: A database as the first version of the page made it, with a chat, its message and file, and a draft.
FIRST_VERSION = """(name) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onerror = () => reject(request.error);
    request.onupgradeneeded = () => {
        const db = request.result;
        db.createObjectStore("conversations", { keyPath: "id" });
        db.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
        db.createObjectStore("files", { keyPath: "id" }).createIndex("conversation", "conversation");
        db.createObjectStore("meta");
    };
    request.onsuccess = () => {
        const db = request.result;
        const write = db.transaction(["conversations", "messages", "files", "meta"], "readwrite");
        write.objectStore("conversations").put({ id: "old", title: "An old chat", titled: "user", created: 1,
            updated: Date.now(), pinned: true, models: ["openai/gpt-4o-mini"], system: "", params: {}, leaf: "q" });
        write.objectStore("messages").put({ id: "q", conversation: "old", parent: null, role: "user", created: 2,
            text: "An old question", files: ["f"] });
        write.objectStore("files").put({ id: "f", conversation: "old", kind: "text", name: "old.txt",
            type: "text/plain", size: 3, blob: new Blob(["old"], { type: "text/plain" }) });
        write.objectStore("meta").put({ text: "An old draft", files: [] }, "draft:old");
        write.oncomplete = () => { db.close(); resolve(); };
    };
})"""


def with_chats(chat: Room, *chats: dict[str, Any]) -> Room:
    chat.page.evaluate(PUT, list(chats))
    chat.reload()
    return chat


def create_folder(page: Page, name: str) -> None:
    page.get_by_role("button", name="New folder", exact=True).click()
    page.locator("dialog input[name=value]").fill(name)
    agree(page, "New folder")
    expect(page.get_by_role("region", name=name)).to_be_visible()


def folder_menu(page: Page, name: str, act: str) -> None:
    page.get_by_role("button", name=f"Options for folder {name}").click()
    page.locator("#folder-menu").get_by_text(act, exact=True).click()


def in_folder(chat: Room, name: str) -> list[str]:
    return chat.page.get_by_role("region", name=name).locator(".conv a > span").all_inner_texts()


def test_chats_are_put_into_folders_by_mouse_and_by_keyboard_in_both_tabs(room: OpenRoom):
    chat = with_chats(
        room(sandbox=QUICK),
        {"id": "a", "title": "Lighthouses"},
        {"id": "b", "title": "Bread"},
        {"id": "c", "title": "Trains"},
    )
    page = chat.page
    other = Room(page.context.new_page()).open(page.url)
    other.page.locator("#conversations a", has_text="Bread").click()
    expect(other.page.locator(".bubble")).to_have_text("Text of Bread")
    create_folder(page, "Work")
    expect(page.get_by_role("region", name="Work")).to_contain_text("Empty. Drag a chat here")
    check_axe(page)
    page.locator(".conv", has_text="Lighthouses").drag_to(page.get_by_role("region", name="Work"))
    expect(page.get_by_role("region", name="Work").locator(".conv")).to_have_count(1)

    page.get_by_role("button", name="Options for Bread").press("Enter")  # the same by keyboard, into a new folder
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#move-menu")).to_contain_text("Work")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("dialog input[name=value]").fill("Food")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Food").locator(".conv a")).to_be_focused()
    assert (in_folder(chat, "Work"), in_folder(chat, "Food")) == (["Lighthouses"], ["Bread"])
    expect(other.page.get_by_role("region", name="Food").locator(".conv")).to_have_count(1)
    other.ask("Rye?")  # the other tab has this chat open: writing it must not undo the move
    expect(page.get_by_role("region", name="Food").locator(".conv")).to_have_count(1)

    page.locator(".conv", has_text="Bread").drag_to(page.get_by_role("heading", name="Today"))
    expect(page.get_by_role("region", name="Food")).to_contain_text("Empty.")
    page.locator(".conv", has_text="Bread").drag_to(page.get_by_role("region", name="Food"))
    expect(page.get_by_role("region", name="Food").locator(".conv")).to_have_count(1)
    menu(chat, "Lighthouses", "Pin")
    expect(page.locator("#conversations h2").first).to_have_text("Pinned")
    expect(page.get_by_role("region", name="Work")).to_contain_text("Its chats are pinned above.")
    fold = page.get_by_role("region", name="Food").locator(".fold")
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_be_focused()
    expect(other.page.get_by_role("region", name="Food").locator(".fold")).to_have_attribute("aria-expanded", "false")
    page.locator("#rail-search").fill("bread")  # found in a collapsed folder
    expect(page.locator("#conversations .conv")).to_have_text(["BreadFood · Text of Bread"])
    page.locator("#rail-search").fill("")
    chat.reload()
    expect(page.get_by_role("region", name="Food").locator(".fold")).to_have_attribute("aria-expanded", "false")


def test_folders_survive_an_export_and_their_chats_survive_them(room: OpenRoom, tmp_path: Path):
    chat = with_chats(
        room(sandbox=QUICK),
        {"id": "a", "title": "Lighthouses", "folder": "Work", "pinned": True},
        {"id": "b", "title": "Bread", "folder": "Food"},
        {"id": "c", "title": "Trains"},
    )
    page = chat.page
    other = Room(page.context.new_page()).open(page.url)
    before = chat.stored()
    exported = export_all(chat, tmp_path)
    delete_all(chat)
    for tab in (page, other.page):
        expect(tab.locator("#conversations")).to_have_text("No chats yet. They're saved only on this device.")
    bring(chat, str(exported))
    confirm_import(chat)
    expect(page.locator("#toasts")).to_contain_text("Imported 3 new chats.")
    assert chat.stored() == before
    expect(page.get_by_role("region", name="Food").locator(".fold")).to_have_attribute("aria-expanded", "false")

    folder_menu(page, "Work", "Rename folder")
    page.locator("dialog input[name=value]").fill("<b>Office")
    agree(page, "Rename folder")
    expect(other.page.get_by_role("region", name="<b>Office")).to_be_visible()
    folder_menu(page, "Food", "Delete folder")
    expect(page.get_by_role("region", name="Food")).to_have_count(0)
    expect(page.locator("#conversations .conv a > span")).to_have_text(["Lighthouses", "Bread", "Trains"])
    page.get_by_role("button", name="Undo").click()
    expect(other.page.get_by_role("region", name="Food")).to_be_visible()
    assert chat.stored() == before


def test_folders_in_the_drawer_of_a_phone(room: OpenRoom):
    chat = with_chats(
        room(sandbox=QUICK, viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark"),
        {"id": "a", "title": "Lighthouses"},
    )
    page = chat.page
    page.locator("#toggle-rail").tap()
    create_folder(page, "A folder with a name that is longer than the drawer of a phone is wide")
    check_axe(page)
    assert widest_overflow(page) == []
    page.get_by_role("button", name="Options for Lighthouses").tap()
    page.locator("#conversation-menu").get_by_text("Move to folder…").tap()
    small = "elements => elements.filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
    assert page.locator("#rail .dots, #rail .fold, .rail-new button, #move-menu button").evaluate_all(small) == []
    page.locator("#move-menu").get_by_text("A folder with").tap()
    expect(page.locator(".folder .conv")).to_have_count(1)
    page.get_by_role("button", name="Options for folder").tap()
    page.locator("#folder-menu").get_by_text("New chat in folder").tap()
    expect(page.locator("#rail")).to_be_hidden()
    chat.ask("Asked in the folder")
    page.locator("#toggle-rail").tap()
    expect(page.locator(".folder .conv")).to_have_count(2)


def test_a_database_of_the_first_version_loses_nothing(room: OpenRoom, chatroom: Site, people: dict[str, Person]):
    chat = room()
    page = chat.page
    user = page.evaluate("JSON.parse(document.querySelector('#chat-setup').textContent).user")
    enter(page, chatroom, people["alice"], "/models")  # no page of the chat is open
    page.evaluate(
        """(name) => new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            Object.assign(request, { onsuccess: resolve, onerror: reject });
        }).then(() => {})""",
        f"chat-{user}",
    )
    page.evaluate(FIRST_VERSION, f"chat-{user}")
    chat.open(f"{chatroom.url}/chat#old")
    expect(page.locator(".bubble")).to_have_text("An old question")
    expect(page.locator(".question .chip")).to_have_text("old.txt")
    expect(page.locator("#message")).to_have_value("An old draft")
    expect(page.locator("#conversations h2")).to_have_text("Pinned")
    assert titles(chat) == ["An old chat"]
    stored = chat.stored()
    assert [bytes(file["bytes"]) for file in stored["files"]] == [b"old"]
    create_folder(page, "New")
    menu(chat, "An old chat", "Unpin")
    menu(chat, "An old chat", "Move to folder…")
    page.locator("#move-menu").get_by_text("New", exact=True).click()
    expect(page.get_by_role("region", name="New").locator(".conv")).to_have_count(1)
    new_chat(chat)
