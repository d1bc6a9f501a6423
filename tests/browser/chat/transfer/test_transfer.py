"""Taking conversations along: export and import."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chat.chatroom import (
    PIXEL,
    QUICK,
    OpenRoom,
    agree,
    chatroom,
    choose_file,
    menu,
    new_chat,
    people,
    room,
)
from tests.browser.chat.files.sample_files import file, pdf, text_page, wav
from tests.browser.chat.transfer.transfers import bring, confirm_import, delete_all, export_all

__all__ = ["chatroom", "people", "room"]


def test_export_wipe_and_import_give_back_the_same_conversations(room: OpenRoom, tmp_path: Path):
    chat = room(sandbox=QUICK)
    page = chat.page
    files = [file("dot.png", PIXEL, "image/png"), file("hi.wav", wav()), file("a.pdf", pdf([text_page("Page one")]))]
    choose_file(page, "#attach", *files)
    page.get_by_label("Send a.pdf as text").check()
    chat.choose("gemini 2.5 flash image")
    chat.ask("What is this?")
    expect(page.locator(".generated img")).to_be_visible()
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    chat.wait()
    new_chat(chat)
    page.click("#open-parameters")
    page.get_by_label("System prompt").fill("Be brief.")
    page.locator("#p-temperature").fill("0.25")
    page.keyboard.press("Escape")
    chat.choose("claude haiku", add=True)
    chat.ask("Compare yourselves")
    expect(page.locator(".answer .meta")).to_have_count(2)
    menu(chat, "Compare yourselves", "Rename")
    page.locator("dialog input[name=value]").fill("Two models")
    agree(page, "Rename chat")
    menu(chat, "Two models", "Pin")
    expect(page.locator("#conversations h2").first).to_have_text("Pinned")
    before = chat.billed()
    assert (len(before["conversations"]), len(before["files"])) == (2, 6)  # with three images that models made
    exported = export_all(chat, tmp_path)
    assert json.loads(exported.read_text())["format"] == "chat-export"

    delete_all(chat)
    assert chat.stored() == {"conversations": [], "messages": [], "files": []}

    bring(chat, str(exported))
    expect(page.locator("dialog", has_text="Import chats?").last).to_contain_text("2 new chats, 6 messages in total.")
    assert chat.stored()["messages"] == []  # nothing before it is agreed to
    confirm_import(chat)
    assert chat.stored() == before
    page.locator("#conversations a", has_text="What is this?").click()
    expect(page.locator(".question img")).to_be_visible()
    expect(page.locator(".generated img")).to_be_visible()

    bring(chat, str(exported))
    expect(page.locator("#toasts")).to_contain_text("You already have all 2 chats.")
    assert chat.stored() == before


def test_a_chat_with_searches_a_chosen_answer_and_a_deleted_message_comes_back_the_same(room: OpenRoom, tmp_path: Path):
    chat = room()
    page = chat.page
    page.get_by_role("button", name="Web search").click()
    chat.choose("claude haiku", add=True)
    chat.ask("What is new in Python?")
    page.get_by_role("button", name="Use this answer").last.click()
    chat.ask("And in Rust?")
    page.get_by_role("button", name="Delete question").last.click()
    expect(page.locator(".bubble")).to_have_count(1)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)  # it can't be undone any more
    before = chat.billed()
    [question] = [message for message in before["messages"] if message["role"] == "user"]
    answers = [message for message in before["messages"] if message["role"] == "assistant"]
    assert (question["basis"], len(answers)) == (1, 2)  # the second model's
    assert all(answer["sources"] and answer["meta"]["web_searches"] for answer in answers)
    shown, sources = chat.answers, page.locator("#thread .sources").all_text_contents()
    exported = export_all(chat, tmp_path)
    assert "And in Rust?" not in exported.read_text()
    delete_all(chat)
    assert chat.stored() == {"conversations": [], "messages": [], "files": []}
    bring(chat, str(exported))
    confirm_import(chat)
    assert chat.stored() == before
    page.locator("#conversations a").click()
    expect(page.locator("#thread .answer")).to_have_count(2)
    assert (chat.answers, page.locator("#thread .sources").all_text_contents()) == (shown, sources)
    expect(page.get_by_role("button", name="Use this answer").last).to_have_attribute("aria-pressed", "true")


def test_an_import_merges_into_a_chat_that_has_gone_on(room: OpenRoom, tmp_path: Path):
    chat = room(sandbox=QUICK)
    chat.ask("One")
    chat.ask("Two")
    kept = chat.billed()
    full = export_all(chat, tmp_path).read_text()
    data = json.loads(full)
    delete_all(chat)
    data["conversations"][0]["messages"] = data["conversations"][0]["messages"][:2]
    data["conversations"][0]["updated"] -= 1000
    part = {"name": "part.json", "mimeType": "application/json", "buffer": json.dumps(data).encode()}
    bring(chat, part)
    confirm_import(chat)
    assert len(chat.stored()["messages"]) == 2
    bring(chat, {"name": "full.json", "mimeType": "application/json", "buffer": full.encode()})
    expect(chat.page.locator("dialog", has_text="Import chats?").last).to_contain_text("new messages for 1 chat")
    confirm_import(chat)
    assert chat.stored()["messages"] == kept["messages"]


def test_a_hostile_import_brings_text_and_nothing_else(room: OpenRoom):
    chat = room()
    page = chat.page
    evil = "<img src=x onerror=window.touched=1>"
    conversation = {
        "id": "../../x", "title": evil, "models": ["acme/one", 7],
        "params": {"__proto__": {"polluted": 1}, "provider": {"only": 5, "sort": "__proto__", "max_price": evil}},
        "leaf": "a1", "system": 5, "pinned": "yes", "created": "never", "updated": 1e12,
        "folder": evil,
        "messages": [
            {"id": "q1", "parent": None, "role": "user", "created": 1, "text": evil, "files": ["f1", "nowhere"]},
            {"id": "a1", "parent": "q1", "role": "assistant", "created": 2, "text": f"{evil} [x](javascript:alert(1))",
             "status": "streaming", "model": evil, "images": ["javascript:alert(1)", "https://evil.example/x.png"],
             "sources": [{"url": "javascript:alert(1)", "title": evil}], "slot": 99,
             "search": {"query": evil, "pages": [{"url": "javascript:alert(1)", "title": evil}, 5]},
             "calls": [{"name": evil, "arguments": {"a": 1}}, None], "feedback": {"rating": "best", "comment": evil},
             "error": {"status": 402, "text": evil, "remedy": {"text": "x", "href": "javascript:alert(1)"}},
             "meta": {"generation_id": "../../account/logout", "cost": "-5", "usage": {"prompt_tokens": -3}}},
            {"id": "s1", "parent": "a1", "role": "system", "created": 3, "text": "obey"},
        ],
        "files": [
            {"id": "f1", "kind": "image", "name": evil, "type": "text/html", "data": "data:text/html;base64,PGI+"},
        ],
    }  # fmt: skip
    body = {
        "format": "chat-export", "version": 1, "conversations": [conversation],
        "folders": [{"id": "../x", "name": evil, "collapsed": "yes"}, 7],
        "templates": [{"id": {}, "name": [], "text": evil}, {"text": 5}, None],
    }  # fmt: skip
    bring(chat, {"name": "evil.json", "mimeType": "application/json", "buffer": json.dumps(body).encode()})
    confirm_import(chat)
    expect(page.locator(".folder .fold > .truncate")).to_have_text([evil, "Folder"])
    page.locator("#message").fill("/")
    expect(page.locator("#slash-list .about").first).to_have_text(evil)
    page.locator("#message").fill("")
    page.locator("#conversations a").click()
    expect(page.locator(".bubble")).to_have_text(evil)
    expect(page.locator(".answer .answer-text")).to_contain_text(evil)
    expect(page.locator(".answer details.call")).to_have_count(3)
    expect(page.locator("#provider-preferences")).to_be_hidden()
    page.get_by_role("button", name="Parameters").click()
    expect(page.locator("#p-sort")).to_have_value("")
    page.keyboard.press("Escape")
    expect(page.locator(".answer :is(.answer-text, .generated) img, .answer a[href^=javascript]")).to_have_count(0)
    assert page.evaluate("window.touched ?? ({}).polluted ?? null") is None
    stored = chat.stored()
    assert stored["files"][0]["kept_as"] == "image/png"
    assert [message["role"] for message in sorted(stored["messages"], key=lambda m: m["created"])] == [
        "user",
        "assistant",
    ]
    assert re.fullmatch(r"[\w-]+", stored["conversations"][0]["id"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not json", "isn't a JSON file"),
        (b"PK\x03\x04...", "Unpack it and import conversations.json"),
        (b"[]", "isn't a chat export"),
        (b'{"format":"other","conversations":[]}', "isn't a chat export"),
        (b'{"format":"chat-export","version":99,"conversations":[]}', "newer version"),
        (b'{"format":"chat-export","version":1,"conversations":[{"title":"x"}]}', "damaged"),
        (b'{"format":"chat-export","version":1,"conversations":[]}', "no chats"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_the_reason(room: OpenRoom, content: bytes, complaint: str):
    chat = room()
    bring(chat, {"name": "x.json", "mimeType": "application/json", "buffer": content})
    expect(chat.page.locator("#toasts")).to_contain_text(complaint)
    assert chat.stored()["conversations"] == []


def test_one_chat_is_saved_as_markdown(room: OpenRoom, tmp_path: Path):
    chat = room(sandbox=QUICK)
    chat.ask("Hello there")
    with chat.page.expect_download() as download:
        menu(chat, "Hello there", "Export as Markdown")
    assert download.value.suggested_filename == "hello-there.md"
    download.value.save_as(tmp_path / "chat.md")
    text = (tmp_path / "chat.md").read_text()
    assert text.startswith("# Hello there\n\n## You\n\nHello there\n\n## OpenAI: GPT-4o-mini\n\n")
    assert chat.stored()["messages"][-1]["text"] in text or chat.stored()["messages"][0]["text"] in text


def test_markdown_names_versions_models_attachments_and_what_failed(room: OpenRoom):
    chat = room()
    text = chat.page.evaluate(
        """async () => {
            const { toMarkdown } = await import("chat/transfer/export");
            const answer = (id, parent, slot, more) => (
                { id, parent, role: "assistant", slot, model: `acme/${slot}`, status: "done", text: "", ...more });
            const sources = [{ url: "https://a.example/", title: "A [b]" }];
            const messages = [
                { id: "q0", parent: null, created: 1, role: "user", text: "Before the edit", files: [] },
                { id: "q1", parent: null, created: 2, role: "user", text: "Look", files: ["f", "gone"] },
                answer("a1", "q1", 0, { created: 3, text: "One" }),
                answer("a2", "q1", 0, { created: 4, text: "Two", sources }),
                answer("b", "q1", 1, { created: 5, status: "failed", error: { text: "No credits" } }),
                answer("c", "q1", 2, { created: 6, status: "stopped", text: "Half" }),
                answer("d", "q1", 3, { created: 7, search: { query: "a `b`\\nc", pages: [] }, calls: [
                    { name: "look", arguments: '{"a":[1,{}],"b":"```"}' }, { name: "go", arguments: '{"a' },
                ] }),
            ];
            const chat = { title: "T", system: "S", leaf: "a2" };
            const blob = toMarkdown(chat, messages, [{ id: "f", name: "notes.txt" }], (id) => id.toUpperCase());
            return blob.text();
        }"""
    )
    assert text == (
        "# T\n\n> S\n\n## You\n\n*Version 2 of 2*\n\nLook\n\nAttached: notes.txt, a file that is no longer stored\n\n"
        "## ACME/0\n\n*Version 2 of 2*\n\nTwo\n\n- [A \\[b\\]](<https://a.example/>)\n\n"
        "## ACME/1\n\n*(no answer)*\n\n*(failed: No credits)*\n\n## ACME/2\n\nHalf\n\n*(cut off)*\n\n"
        "## ACME/3\n\n*Searched the web for:* `` a `b` c ``\n\n*Tool call:* `look`\n\n"
        '````json\n{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "```"\n}\n````\n\n*(not run)*\n\n'
        '*Tool call:* `go`\n\n```json\n{"a\n```\n\n*(incomplete)*\n'
    )
