"""Prompt templates and commands, after a slash in the message box."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessibility import check_axe, check_looks
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, agree, chatroom, choose_file, people, room

__all__ = ["chatroom", "people", "room"]


def options(page: Page) -> Locator:
    return page.locator("#slash-list [role=option] .name")


def create(page: Page, name: str, text: str) -> None:
    page.get_by_role("button", name="New template").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Text", exact=True).fill(text)
    page.locator("#template-form").get_by_role("button", name="Save").click()
    expect(page.locator("#template-list")).to_contain_text(name)


def test_templates_are_made_used_edited_and_deleted(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    box = page.locator("#message")
    box.press_sequentially("/templ")
    expect(options(page)).to_have_text(["/templates"])
    page.keyboard.press("Enter")
    expect(page.locator("#no-templates")).to_contain_text("No templates yet.")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    create(page, "Explain", "Explain {{topic}} to a {{ reader }}. Stay with {{topic}}.")
    create(page, "Translate", "Into French:\n\n{<b>}")
    page.get_by_role("button", name="Edit Translate").click()
    page.keyboard.press("Escape")  # leaves the form only
    expect(page.get_by_role("button", name="Edit Translate")).to_be_focused()
    page.get_by_role("button", name="Edit Translate").click()
    page.get_by_label("Name", exact=True).fill("Into French")
    page.locator("#template-form").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Delete Into French").click()
    expect(page.locator("#template-list")).to_contain_text("“Into French” deleted.")
    page.keyboard.press("Enter")  # on Undo
    expect(page.get_by_role("button", name="Edit Into French")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#templates")).to_be_hidden()

    other = Room(page.context.new_page()).open(page.url)
    other.page.locator("#message").press_sequentially("/")
    expect(options(other.page).first).to_have_text("Explain")
    other.page.close()
    box.fill("/")
    expect(options(page)).to_have_text(
        ["Explain", "Into French", "/new", "/temporary", "/model", "/system", "/templates"]
    )
    check_axe(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#slash-1")).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "slash-1")
    page.keyboard.press("Tab")
    expect(box).to_have_value("Into French:\n\n{<b>}")
    expect(box).to_be_focused()
    box.fill("/EXP")
    expect(options(page)).to_have_text(["Explain"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("topic", exact=True)).to_be_focused()
    check_axe(page)
    page.keyboard.type("tides")
    page.keyboard.press("Enter")
    page.keyboard.type("child of $& years")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Explain tides to a child of $& years. Stay with tides.")


def test_templates_are_exported_and_imported(room: OpenRoom, tmp_path: Path):
    chat = room()
    page = chat.page
    page.locator("#rail .device").click()
    page.get_by_role("button", name="Edit templates").click()
    create(page, "Explain", "Explain {{topic}}.")
    create(page, "Into French", "Into French:")
    page.keyboard.press("Escape")
    page.locator("#rail .device").click()
    with page.expect_download() as download:
        page.locator("#export-all").click()
    download.value.save_as(tmp_path / "all.json")
    exported = json.loads((tmp_path / "all.json").read_text())
    assert {each["name"] for each in exported["templates"]} == {"Explain", "Into French"}
    page.get_by_role("button", name="Edit templates").click()
    page.get_by_role("button", name="Delete Explain").click()
    expect(page.get_by_role("button", name="Edit Explain")).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator("#rail .device").click()
    choose_file(page, "#import", str(tmp_path / "all.json"))
    expect(page.locator("dialog", has_text="Import chats?").last).to_contain_text("1 prompt template,")
    agree(page, "Import chats?")
    expect(page.locator("#toasts")).to_contain_text("Imported 1 prompt template.")
    page.keyboard.press("Escape")
    page.locator("#message").fill("/")
    expect(options(page).first).to_have_text("Explain")


@pytest.mark.parametrize("width", [1440, 390])
def test_commands_run_and_a_message_may_start_with_a_slash(room: OpenRoom, width: int):
    chat = room(sandbox=QUICK, viewport={"width": width, "height": 844})
    page = chat.page
    box = page.locator("#message")
    box.press_sequentially("/sys")
    page.locator("#slash-list").get_by_text("/system").click()
    expect(page.get_by_label("System prompt")).to_be_focused()
    expect(box).to_have_value("")
    page.keyboard.press("Escape")
    box.press_sequentially("/mod")
    page.keyboard.press("Enter")
    expect(page.locator("#picker-search")).to_be_focused()
    page.keyboard.press("Escape")
    box.press_sequentially("/temp")
    expect(options(page)).to_have_text(["/temporary", "/templates"])
    page.keyboard.press("Enter")
    expect(page.locator("#temporary")).to_be_visible()
    page.keyboard.press("Control+Shift+E")
    expect(page.locator("#temporary")).to_be_hidden()
    box.press_sequentially("/new")
    page.keyboard.press("Escape")
    expect(page.locator("#slash-list")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_have_text("/new")
    chat.wait()
    box.press_sequentially("/etc/hosts has")  # nothing to offer: Enter sends
    expect(page.locator("#slash-list")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".bubble").last).to_have_text("/etc/hosts has")
