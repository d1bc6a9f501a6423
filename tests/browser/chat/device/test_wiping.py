"""The choice to delete the chats of this device when signing out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, agree, chatroom, people, room
from tests.browser.chat.device.test_sign_out import new_session
from tests.browser.people import Person, new_person
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "people", "room"]

#: Resolves to what the device keeps of a user's chats.
KEPT = """async () => ({
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
    worker: Boolean(await navigator.serviceWorker.getRegistration("/chat")),
    notes: Object.keys(localStorage).filter((name) => !name.startsWith("chat-wipe:") && !name.startsWith("tabs:")),
})"""
NOTHING = {"databases": [], "caches": [], "worker": False, "notes": []}
LABEL = "Delete the chats on this device when I sign out"


@pytest.fixture
def wiping(room: OpenRoom, chatroom: Site, people: dict[str, Person]) -> Callable[[], Room]:
    """Opens the chatroom of a new person, with a chat and a draft, and makes the choice."""

    def open_room() -> Room:
        people["leaver"] = new_person(chatroom, cents=1000)
        chat = room("leaver", sandbox=QUICK, service_workers="allow")
        chat.ask("Lighthouses of Brittany")
        page = chat.page
        page.evaluate("async () => { await navigator.serviceWorker.ready }")
        page.locator("#rail .device").click()
        page.get_by_label(LABEL).check()
        expect(page.get_by_role("dialog", name="Delete your chats when you sign out?")).to_contain_text(
            "can't be recovered"
        )
        check_looks(page)
        page.set_viewport_size({"width": 1440, "height": 900})
        agree(page, "Delete your chats when you sign out?")
        page.keyboard.press("Escape")
        page.locator("#message").fill("half a thought")
        return chat

    return open_room


def expect_nothing_kept(page: Page) -> None:
    expect(page.locator("#toasts")).to_contain_text("Your chats were deleted from this device.")
    wait_until(lambda: page.evaluate(KEPT) == NOTHING, "an empty device")


def test_signing_out_on_another_page_asks_and_deletes_everything(
    wiping: Callable[[], Room], chatroom: Site, people: dict[str, Person]
):
    chat = wiping()
    page = chat.page
    other = page.context.new_page()
    other.goto(f"{chatroom.url}/models")
    other.get_by_role("button", name="Account").click()
    other.get_by_role("button", name="Sign out").click()
    dialog = other.get_by_role("dialog", name="Sign out and delete your chats?")
    expect(dialog).to_be_visible()
    check_looks(other)
    other.set_viewport_size({"width": 1440, "height": 900})
    with other.expect_download() as download:
        dialog.get_by_role("button", name="Export all chats").click()
    assert "Lighthouses of Brittany" in download.value.path().read_text()
    dialog.get_by_role("button", name="Sign out and delete").click()
    expect_nothing_kept(other)
    expect(page).to_have_url(f"{chatroom.url}/account/login/?next=%2Fchat")  # the open chat has left
    assert page.evaluate(KEPT) == NOTHING

    again = new_session(chatroom, people["leaver"])
    page.context.add_cookies([{"name": "sessionid", "value": again, "url": chatroom.url}])
    page.goto(f"{chatroom.url}/chat")
    chat.expect_ready()
    expect(page.locator("#conversations .conv")).to_have_count(0)
    expect(page.locator("#message")).to_have_value("")
    page.locator("#rail .device").click()
    expect(page.get_by_label(LABEL)).to_be_checked()
    page.get_by_label(LABEL).uncheck()
    page.keyboard.press("Escape")
    chat.ask("This stays")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert len(page.evaluate(KEPT)["databases"]) == 1


def test_a_session_that_ends_elsewhere_deletes_them_too(
    wiping: Callable[[], Room], chatroom: Site, people: dict[str, Person], faults: list[str]
):
    page = wiping().page
    found = f"Session.objects.filter(pk={people['leaver'].session!r})"
    chatroom.manage(
        "shell", "--no-imports", "-c", f"from django.contrib.sessions.models import Session\n{found}.delete()"
    )
    expect(page).to_have_url(f"{chatroom.url}/account/login/?next=%2Fchat")
    expect_nothing_kept(page)
    faults.clear()
