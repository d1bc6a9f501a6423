"""All chats into a file, away from the device, and back."""

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.chat.chatroom import Room, agree, choose_file

__all__ = ["bring", "confirm_import", "delete_all", "export_all"]


def export_all(chat: Room, folder: Path) -> Path:
    """Export every chat; return the file."""
    chat.page.locator("#rail .device").click()
    with chat.page.expect_download() as download:
        chat.page.locator("#export-all").click()
    chat.page.keyboard.press("Escape")
    target = folder / "chats.json"
    download.value.save_as(target)
    return target


def delete_all(chat: Room) -> None:
    """Delete every chat of the device."""
    chat.page.locator("#rail .device").click()
    chat.page.locator("#delete-all").click()
    agree(chat.page, "Delete all chats?")
    expect(chat.page.locator("#conversations .conv")).to_have_count(0)


def bring(chat: Room, file: Any) -> None:
    """Choose a file to import."""
    chat.page.locator("#rail .device").click()
    choose_file(chat.page, "#import", file)


def confirm_import(chat: Room) -> None:
    """Agree to an import, and wait until it is there."""
    agree(chat.page, "Import chats?")
    expect(chat.page.locator("#toasts")).to_contain_text("Imported")
    chat.page.keyboard.press("Escape")
