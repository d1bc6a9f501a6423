"""Signing out in one tab while another chats, and messages or tabs that are too many or too large."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.accounts.helpers import PASSWORD
from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, choose_file, gate, last_answer, people, room
from tests.browser.people import Person, new_person
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "gate", "people", "room"]


@pytest.fixture
def leaver(chatroom: Site, people: dict[str, Person]) -> str:
    """The name of a person whom no other test meets."""
    people["leaver"] = new_person(chatroom, cents=1000)
    return "leaver"


def test_signing_out_in_another_tab_keeps_the_part_and_the_draft(
    room: OpenRoom, gate: MakeGate, chatroom: Site, people: dict[str, Person], leaver: str, faults: list[str]
):
    chat = room(leaver, sandbox={"Tokens": "200"} | gate(40).control)
    page = chat.page
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    part = chat.answers[0]
    page.locator("#message").fill("And what about tunnels?")

    tab = page.context.new_page()
    tab.goto(f"{chatroom.url}/account/logout/")
    tab.locator("main form button[type=submit]").click()
    expect(page.locator("#connection")).to_contain_text("You're signed out. Your chats and your draft are still here.")
    card = last_answer(chat).locator(".banner")
    expect(card).to_contain_text("You were signed out before this answer finished.")
    expect(card.get_by_role("link", name="Sign in again")).to_be_visible()
    assert chat.answers[0].startswith(part)

    page.locator("#send").click()  # nothing is sent, nothing is lost
    expect(page.locator(".toast").last).to_contain_text("You're signed out. Sign in to send this message.")
    expect(page.locator("#message")).to_have_value("And what about tunnels?")
    back = page.url.removeprefix(chatroom.url)
    link = page.locator("#connection a")
    expect(link).to_have_attribute("href", f"/account/login/?next={quote(back, safe='')}")

    query = f"SELECT cancelled, cost FROM gateway_generation WHERE account_id = {people[leaver].account}"
    wait_until(lambda: chatroom.rows(query), "the bill")
    ((cancelled, cost),) = chatroom.rows(query)
    assert cancelled and cost > 0

    program = f"user = User.objects.get(email={people[leaver].email!r})\nuser.set_password({PASSWORD!r})\nuser.save()"
    chatroom.manage("shell", "--no-imports", "-c", f"from accounts.models import User\n{program}")
    card.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Email").fill(people[leaver].email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{chatroom.url}{back}")
    chat.expect_ready()
    assert chat.answers[0].startswith(part)
    expect(page.locator("#message")).to_have_value("And what about tunnels?")
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")  # what was said has its price
    faults.clear()


def test_a_chat_whose_address_asks_to_sign_in_is_there_afterwards(room: OpenRoom, chatroom: Site, leaver: str):
    page = room(leaver).page
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(f"{chatroom.url}/chat#lighthouses")
    expect(page).to_have_url(f"{chatroom.url}/account/login/?next=/chat#lighthouses")
    expect(page.locator("main form:has([name=password]) input[name=next]")).to_have_value("/chat#lighthouses")
    link = page.get_by_role("link", name="Create an account")
    expect(link).to_have_attribute("href", re.compile(r"/account/signup/\?next=(/|%2F)chat%23lighthouses$"))


def test_a_message_that_waits_for_the_connection_is_not_lost_by_signing_out(
    room: OpenRoom, chatroom: Site, leaver: str, faults: list[str]
):
    chat = room(leaver)
    page = chat.page
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("Disconnected")
    chat.ask("Are you there?", wait=False)
    expect(last_answer(chat)).to_contain_text("waiting for connection")
    page.context.clear_cookies()
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_contain_text("You're signed out")
    expect(last_answer(chat).locator(".banner")).to_contain_text("Your message is still here. Sign in, then try again.")
    expect(page.locator(".bubble")).to_have_text("Are you there?")
    faults.clear()


def test_signing_in_as_another_user_does_not_let_this_page_send_at_their_expense(
    room: OpenRoom, chatroom: Site, people: dict[str, Person], leaver: str, faults: list[str]
):
    chat = room(leaver, sandbox={"Tokens": "4"})
    chat.ask("Hello")
    other = people["alice"].session
    chat.page.context.add_cookies([{"name": "sessionid", "value": other, "url": chatroom.url}])
    chat.page.evaluate("window.dispatchEvent(new Event('offline'))")  # the next handshake has the new cookie
    expect(chat.page.locator("#connection")).to_contain_text("Another account is signed in now.")
    chat.page.locator("#message").fill("Who pays for this?")
    chat.page.locator("#send").click()
    expect(chat.page.locator("#message")).to_have_value("Who pays for this?")
    assert len(chat.asked) == 1
    faults.clear()


def test_a_message_that_is_too_large_is_refused_here_and_stays_in_the_box(room: OpenRoom):
    chat = room(sandbox={"Tokens": "4"})
    page = chat.page
    for number in (1, 2):
        file = {"name": f"{number}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n" + b"x" * 7_990_000}
        choose_file(page, "#attach", file)
        expect(page.locator("#attachments li")).to_have_count(number)
    page.locator("#message").fill("Summarize both")
    page.locator("#send").click()
    expect(page.locator(".toast").last).to_contain_text("This message is over 20 MB. Remove an attachment.")
    expect(page.locator("#message")).to_have_value("Summarize both")
    page.locator("#attachments .remove").first.click()
    chat.ask("Summarize one")
    assert chat.answers[0]
    assert len(chat.asked) == 1


def test_a_tab_too_many_says_which_remedy_there_is(room: OpenRoom, chatroom: Site, leaver: str, faults: list[str]):
    chat = room(leaver)
    chat.page.evaluate(
        """async () => {
            const url = new URL("/ws/chat", location.href.replace(/^http/, "ws"));
            window.more = Array.from({ length: 19 }, () => new WebSocket(url));
            await Promise.all(window.more.map((socket) => new Promise((open) => { socket.onmessage = open; })));
        }"""
    )
    tab = chat.page.context.new_page()
    tab.goto(f"{chatroom.url}/chat")
    expect(tab.locator("#connection")).to_contain_text("You have 20 chats open. Close a tab to continue here.")
    chat.page.evaluate("window.more.forEach((socket) => socket.close())")
    tab.evaluate("window.dispatchEvent(new Event('online'))")
    expect(tab.locator("#connection")).to_be_hidden()
    faults.clear()


def new_session(site: Site, person: Person) -> str:
    """Sign a person in again; return the session's key."""
    program = f"""
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.models import User
user = User.objects.get(email={person.email!r})
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print("KEY", session.session_key)
"""
    return site.manage("shell", "--no-imports", "-c", program).split("KEY ")[1].split()[0]
