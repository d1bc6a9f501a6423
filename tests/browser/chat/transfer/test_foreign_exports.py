"""Chats brought along from other programs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat.chatroom import OpenRoom, Room, agree, chatroom, choose_file, people, room
from tests.browser.chat.transfer.export_samples import CHATGPT, CLAUDE, OPEN_WEBUI
from tests.browser.people import Person, enter
from tests.support.processes import Site

__all__ = ["chatroom", "people", "room"]

PLAN = """async (content) => {
    const { planImport } = await import("chat/transfer/transfer");
    const none = async () => [];
    const lists = { allMessages: none, allFiles: none, folders: none, templates: none };
    const store = { ...lists, conversation: async () => undefined };
    const catalog = { models: ["openai/gpt-4o", "openai/gpt-4o-mini"], fallback: ["openai/gpt-4o-mini"] };
    try {
        const { records, ...counts } = await planImport(store, new File([content], "x.json"), catalog);
        for (const file of records.files) file.read = await file.blob.text();
        return { ...records, ...counts };
    } catch (error) {
        return { error: error.message };
    }
}"""


@pytest.fixture(scope="module")
def page(chatroom: Site, people: dict[str, Person], browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    enter(page, chatroom, people["alice"], "/chat")
    Room(page).expect_ready()
    yield page
    context.close()


def planned(page: Page, data: Any) -> dict[str, Any]:
    plan: dict[str, Any] = page.evaluate(PLAN, json.dumps(data))
    assert "error" not in plan, plan["error"]
    return plan


def by_end(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The messages by the end of their ids, which is the id in the file."""
    return {message["id"].rsplit("-", 1)[-1]: message for message in plan["messages"]}


def test_chatgpts_branches_tools_and_thoughts_are_kept(page: Page):
    plan = planned(page, CHATGPT)
    messages = by_end(plan)
    assert set(messages) == {"q1", "a1", "q2", "a2", "a3"}
    assert messages["q1"]["parent"] is messages["q2"]["parent"] is None
    assert messages["q2"]["text"] == "And here?\n\n[Not included in the import: bay.png]"
    assert messages["a2"]["text"] == "```python\nprint(2)\n```\n\n```\n2\n```\n\nTwice a day."
    assert messages["a2"]["reasoning"] == "Look\n\nAt a map"
    assert {name: messages[name]["model"] for name in ("a1", "a2", "a3")} == {
        "a1": "openai/gpt-4o-mini",
        "a2": "openai/o9-unheard",
        "a3": "openai/gpt-4o",
    }
    assert messages["a2"]["parent"] == messages["a3"]["parent"] == messages["q2"]["id"]
    [conversation] = plan["conversations"]
    assert (conversation["title"], conversation["created"], conversation["updated"]) == (
        "Tides",
        1700000000500,
        1700000900000,
    )
    assert (conversation["leaf"], conversation["models"]) == (messages["a3"]["id"], ["openai/gpt-4o"])


def test_claudes_texts_thoughts_and_extracted_files_are_kept(page: Page):
    plan = planned(page, CLAUDE)
    messages = by_end(plan)
    assert messages["h1"]["text"] == "Why does it rise?\n\n[Not included in the import: loaf.jpg]"
    [file] = plan["files"]
    assert (file["name"], file["kind"], file["read"]) == ("recipe.txt", "text", "Flour, water")
    assert messages["h1"]["files"] == [file["id"]]
    assert messages["r1"]["text"] == "Yeast makes gas.\n\nPlan:\n\n```\n1. Mix\n```"
    assert (messages["r1"]["reasoning"], messages["r1"]["model"]) == ("Yeast.", "anthropic/claude")
    assert messages["r1"]["parent"] == messages["h1"]["id"]
    [conversation] = plan["conversations"]
    assert conversation["models"] == ["openai/gpt-4o-mini"]  # its own is not in the catalog
    assert conversation["created"] == 1735787045000


def test_open_webuis_answers_stand_side_by_side(page: Page):
    plan = planned(page, OPEN_WEBUI)
    messages = by_end(plan)
    assert messages["u1"]["text"].endswith("[Not included in the import: image]")
    assert (messages["x1"]["text"], messages["x1"]["reasoning"], messages["x1"]["slot"]) == ("Hot.", "5,500 °C", 0)
    assert (messages["x2"]["slot"], messages["x2"]["status"]) == (1, "failed")
    assert messages["x2"]["error"]["text"] == "Out of memory"
    [conversation] = plan["conversations"]
    assert (conversation["system"], conversation["pinned"]) == ("Be brief.", True)


def cyclic(count: int) -> dict[str, Any]:
    author = {"role": "user"}
    return {
        f"n{at}": {
            "parent": f"n{(at + 1) % count}",
            "message": {"author": author, "content": {"content_type": "text", "parts": ["x"]}},
        }
        for at in range(count)
    }


ENDLESS = {"role": "assistant", "content": '<details type="reasoning" ' * 50_000}


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ([{"mapping": cyclic(3)}], 3),
        ([{"mapping": cyclic(3000)}], 3000),
        ([{"mapping": {"a": 5, "b": {"message": {"author": [], "content": "no"}}, "__proto__": {"message": 1}}}], 0),
        ([{"mapping": {}, "title": {"a": 1}, "create_time": "never", "current_node": ["a"]}], 0),
        ([{"chat_messages": [None, 7, {"sender": "human", "text": 5, "content": [None, {"type": "text"}]}]}], 0),
        ([{"chat_messages": [{"sender": "assistant", "text": "Hello", "attachments": [None], "files": 7}]}], 2),
        ([{"chat": {"history": {"messages": {"a": {"role": "user", "content": "Hi", "parentId": "a"}}}}}], 1),
        ([{"chat": {"history": {"messages": {"a": None, "b": {"role": "user", "content": {}, "files": [3]}}}}}], 1),
        ([{"chat": {"history": {"messages": {"a": ENDLESS}}}}], 2),
    ],
    ids=[
        "a circle", "a long circle", "wrong types", "a wrong head", "wrong messages", "no question", "its own parent",
        "wrong files", "endless thoughts",
    ],
)  # fmt: skip
def test_a_hostile_file_brings_what_is_readable(page: Page, data: Any, kept: int):
    messages = planned(page, data)["messages"]
    assert len(messages) == kept
    parents = {message["id"]: message["parent"] for message in messages}
    assert len(parents) == kept
    assert not kept or None in parents.values()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([{"title": "x", "messages": []}], "isn't a chat export of this site, ChatGPT, Claude or Open WebUI"),
        ([*CHATGPT, {"mapping": None}], "Chat 2 of this file is damaged. Nothing was imported."),
        ([None, 3, "x"], "isn't a chat export"),
    ],
)
def test_another_file_is_refused_with_the_reason(page: Page, data: Any, complaint: str):
    assert complaint in page.evaluate(PLAN, json.dumps(data))["error"]


def test_answers_that_all_begin_alike_cannot_fill_the_memory(page: Page):
    def node(at: int) -> dict[str, Any]:
        # Each answer goes on in the next and is also followed by a question.
        role = "user" if at % 2 else "assistant"
        content = {"content_type": "text", "parts": ["word " * 200]}
        return {"parent": f"n{at - 2 + at % 2}", "message": {"author": {"role": role}, "content": content}}

    data = [{"title": "Long", "mapping": {f"n{at}": node(at) for at in range(3000)}}]
    assert "“Long” is longer than 200 MB." in page.evaluate(PLAN, json.dumps(data))["error"]


def test_forks_and_twins_of_one_file_overwrite_nothing(page: Page):
    own = {
        "format": "chat-export", "version": 1,
        "conversations": [
            {"id": "same", "models": ["a/b"], "messages": [{"id": "m", "role": "user", "text": text, "parent": "m"}]}
            for text in ("first", "second")
        ],
    }  # fmt: skip
    plan = planned(page, own)
    assert sorted(message["text"] for message in plan["messages"]) == ["first", "second"]
    assert [message["parent"] for message in plan["messages"]] == [None, None]
    assert len({record["id"] for record in plan["conversations"]}) == 2
    assert len({record["id"] for record in plan["messages"]}) == 2


def test_an_import_from_chatgpt_is_read_and_gone_on_with_and_comes_only_once(room: OpenRoom):
    chat = room()
    file = {"name": "conversations.json", "mimeType": "application/json", "buffer": json.dumps(CHATGPT).encode()}
    chat.page.locator("#rail .device").click()
    choose_file(chat.page, "#import", file)
    agree(chat.page, "Import chats?")
    expect(chat.page.locator("#toasts")).to_contain_text("Imported 1 new chat")
    choose_file(chat.page, "#import", file)
    expect(chat.page.locator("#toasts")).to_contain_text("You already have this chat.")
    chat.page.keyboard.press("Escape")
    chat.page.locator("#conversations a", has_text="Tides").click()
    expect(chat.page.locator(".answer .answer-text")).to_have_text("Two highs a day.")
    expect(chat.page.locator(".answer .versions")).to_contain_text("2/2")
    expect(chat.page.locator(".question .versions")).to_contain_text("2/2")
