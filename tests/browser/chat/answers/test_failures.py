"""When an answer in the chatroom does not come, or not whole."""

from urllib.parse import quote

from playwright.sync_api import expect

from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, gate, last_answer, people, room
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "gate", "people", "room"]


def test_without_credits_free_models_answer_and_others_lead_to_the_credits_page(room: OpenRoom):
    chat = room("poor")
    page = chat.page
    expect(page.locator("#no-credits")).to_be_visible()
    chat.ask("Hello")
    card = last_answer(chat).locator(".banner")
    expect(card).to_contain_text("Not enough credits")
    expect(card.get_by_role("link", name="Buy credits")).to_have_attribute("href", "/settings/credits")
    expect(page.locator(".bubble")).to_have_text("Hello")
    card.get_by_role("button", name="Use a free model").click()
    page.locator("#picker-list .pick").first.click()
    expect(last_answer(chat).locator(".versions")).to_contain_text("2/2")
    chat.wait()
    assert chat.answers[-1]
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$0.00")


def test_a_provider_that_fails_can_be_tried_again(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Fault": "*=500", "Session": "again"})
    chat.ask("Hello")
    expect(last_answer(chat).locator(".banner")).to_contain_text("Provider error")
    chat.page.context.set_extra_http_headers({"X-Sandbox-Tokens": "9"})
    chat.reload()
    expect(last_answer(chat).locator(".banner")).to_contain_text("Provider error")
    chat.page.get_by_role("button", name="Try again").click()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("9 tokens")
    expect(last_answer(chat).locator(".banner")).to_have_count(0)


def test_an_answer_that_breaks_off_keeps_its_part(room: OpenRoom):
    chat = room(sandbox={"Fault": "*=cut:12", "Tokens": "40"})
    chat.ask("Hello")
    expect(last_answer(chat).locator(".banner")).to_contain_text("Provider error")
    assert len(chat.answers[0]) > 10
    chat.reload()
    expect(last_answer(chat).locator(".banner")).to_contain_text("Provider error")
    assert len(chat.answers[0]) > 10


def test_an_empty_answer_says_so_and_can_be_tried_again(room: OpenRoom):
    chat = room(sandbox={"Fault": "*=empty-stop"})
    chat.ask("Hello")
    expect(last_answer(chat)).to_contain_text("The model ended without an answer.")
    last_answer(chat).get_by_role("button", name="Try again").click()
    wait_until(lambda: chat.answers and len(chat.asked) == 2, "the second try")  # looking lets frames arrive
    expect(chat.page.locator(".answer")).to_have_count(1)


def test_a_notice_of_each_kind_is_shown_once(room: OpenRoom):
    page = room().page
    say = "text => document.dispatchEvent(new CustomEvent('toast', { detail: { text, kind: 'bad' } }))"
    for text in ("The disk is full.", "Wait 2 s.", "The disk is full. Delete chats.", "Wait 1 s.", "Something else."):
        page.evaluate(say, text)
    notices = ["The disk is full. Delete chats.", "Wait 1 s.", "Something else."]
    expect(page.locator("#toasts .toast p")).to_have_text(notices)


def test_without_a_connection_a_question_waits_and_leaves_when_it_is_back(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("Disconnected")
    chat.ask("Are you there?", wait=False)
    expect(last_answer(chat)).to_contain_text("waiting for connection")
    page.context.set_offline(False)
    chat.wait()
    assert chat.answers[0]
    expect(page.locator("#connection")).to_be_hidden()
    assert len(chat.asked) == 1
    faults.clear()  # the browser reports failed connections


def test_losing_the_connection_in_the_middle_loses_nothing_and_asks_nothing_twice(
    room: OpenRoom, gate: MakeGate, faults: list[str]
):
    halfway = gate(40)
    chat = room(sandbox={"Tokens": "200"} | halfway.control)
    page = chat.page
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    page.context.set_offline(True)
    expect(last_answer(chat)).to_contain_text("waiting for connection")
    halfway.open()
    page.context.set_offline(False)
    chat.wait()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("200 tokens")
    expect(last_answer(chat)).not_to_contain_text("waiting for connection")
    assert len(chat.asked) == 1
    faults.clear()


def test_stopping_an_answer_without_a_connection_stops_it_when_there_is_one(
    room: OpenRoom, gate: MakeGate, faults: list[str]
):
    chat = room(sandbox={"Tokens": "200"} | gate(40).control)
    page = chat.page
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    page.context.set_offline(True)
    expect(last_answer(chat)).to_contain_text("waiting for connection")
    page.get_by_role("button", name="Stop answering").click()
    expect(last_answer(chat)).to_contain_text("You stopped this answer.")
    page.context.set_offline(False)
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")
    faults.clear()


def test_somebody_who_signed_out_elsewhere_is_told_and_loses_nothing(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Tokens": "8"})
    chat.ask("Hello")
    chat.page.context.clear_cookies()
    chat.page.evaluate("window.dispatchEvent(new Event('offline'))")  # the line breaks; the next handshake is refused
    expect(chat.page.locator("#connection")).to_contain_text("You're signed out")
    back = quote(f"/chat#{chat.page.url.partition('#')[2]}", safe="")
    expect(chat.page.locator("#connection a")).to_have_attribute("href", f"/account/login/?next={back}")
    assert len(chat.answers) == 1
    faults.clear()


def test_an_answer_goes_on_while_another_chat_is_open(room: OpenRoom, gate: MakeGate):
    halfway = gate(60)
    chat = room(sandbox={"Tokens": "120"} | halfway.control)
    page = chat.page
    chat.ask("The first chat", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 20, "some words")
    page.locator("#new-chat").click()
    expect(page.locator("#conversations .busy")).to_have_count(1)
    expect(page.locator("#send")).to_have_attribute("data-act", "send")
    page.locator("#conversations a", has_text="The first chat").click()
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    halfway.open()
    chat.wait()
    expect(page.locator(".answer .meta summary")).to_contain_text("120 tokens")


def test_deleting_a_chat_stops_its_answer_and_leaves_nothing_behind(room: OpenRoom, chatroom: Site, gate: MakeGate):
    chat = room(sandbox={"Tokens": "200"} | gate(40).control)
    page = chat.page
    chat.ask("To be deleted", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 20, "some words")
    page.locator("#conversations .conv").hover()
    page.locator("#conversations .dots").click()
    page.locator("#conversation-menu").get_by_text("Delete", exact=True).click()
    expect(page.locator(".welcome")).to_be_visible()
    wait_until(lambda: chatroom.rows("SELECT count(*) FROM gateway_hold") == [(0,)], "the bill")
    page.wait_for_timeout(500)  # it is told to the page after the chat is gone
    assert chat.stored() == {"conversations": [], "messages": [], "files": []}
