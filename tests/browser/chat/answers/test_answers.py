"""Feedback on an answer, its tool calls, and provider preferences: from asking to the export."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_schemes, widest_overflow
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, chatroom, last_answer, people, room
from tests.browser.people import Person
from tests.support.processes import Site

__all__ = ["chatroom", "people", "room"]

MAKE_PRESET = """
from accounts import access
from accounts.models import User
from presets import saving
from presets.content import Content
user = User.objects.get(email="{email}")
tool = {{"type": "function", "function": {{"name": "get_weather", "parameters": {{"type": "object"}}}}}}
content = Content(config={{"model": "openai/gpt-4o-mini", "tools": [tool]}})
saving.create(access.open_personal_organisation(user), user, slug="weather", name="Weather", content=content)
"""


def fits(page: Page) -> None:
    """Accessible in both schemes, and as wide as a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    check_schemes(page)
    assert widest_overflow(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})


def given(site: Site, chat: Room) -> list[tuple[Any, ...]]:
    """The feedback on the only answer: its rating, category and comment."""
    generation = only_answer(chat.billed())["meta"]["generation_id"]
    return site.rows(f"SELECT rating, category, comment FROM gateway_feedback WHERE generation_id = '{generation}'")


def only_answer(conversation: dict[str, Any]) -> dict[str, Any]:
    [answer] = [message for message in conversation["messages"] if message["role"] == "assistant"]
    return answer


def exported(chat: Room) -> dict[str, Any]:
    """The conversation as an export has it and as an import reads that."""
    both: list[dict[str, Any]] = chat.page.evaluate(
        """async () => {
            const { toJson } = await import("chat/transfer/export");
            const { readConversation } = await import("chat/transfer/format-own");
            const { Store } = await import("chat/device/store");
            const store = await Store.open(JSON.parse(document.querySelector("#chat-setup").textContent).user);
            const json = await (await toJson(store, await store.conversations())).text();
            const { conversations: [chat] } = JSON.parse(json);
            const { messages, files, ...conversation } = chat;
            const read = await readConversation(chat);
            return [{ conversation, messages }, { conversation: read.conversation, messages: read.messages }];
        }"""
    )
    assert both[0] == both[1]
    return both[0]


def test_feedback_is_sent_changed_and_taken_back_without_the_text_of_the_chat(
    room: OpenRoom, chatroom: Site, faults: list[str]
):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.ask("A secret question")
    sent: list[str | None] = []
    page.on("request", lambda request: sent.append(request.post_data) if "/chat/feedback/" in request.url else None)
    good, bad = page.get_by_role("button", name="Good answer"), page.get_by_role("button", name="Bad answer")

    page.route("**/chat/feedback/**", lambda route: route.abort())
    good.click()
    expect(page.locator("#toasts")).to_contain_text("wasn't sent. Check your connection")
    expect(good).to_have_attribute("aria-pressed", "false")
    page.unroute("**/chat/feedback/**")
    faults.clear()

    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(good).to_be_focused()
    assert given(chatroom, chat) == [("good", "", "")]
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Add details").click()
    page.get_by_label("Incorrect response").check()
    page.get_by_label("Comment").fill("Lisbon, not Porto")
    fits(page)
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("button", name="Edit feedback")).to_be_focused()
    details = ("bad", "incorrect_response", "Lisbon, not Porto")
    assert given(chatroom, chat) == [details]
    assert not [body for body in sent if body and "secret" in body]

    chat.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    message = only_answer(exported(chat))
    assert tuple(message["feedback"].values()) == details
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "false")
    assert given(chatroom, chat) == []
    page.get_by_role("button", name="Undo").click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    assert given(chatroom, chat) == [details]
    page.goto(f"{chatroom.url}/activity/{message['meta']['generation_id']}")
    expect(page.get_by_text("Lisbon, not Porto")).to_be_visible()


def test_a_tool_call_is_shown_exported_and_can_be_done_without(
    room: OpenRoom, chatroom: Site, people: dict[str, Person]
):
    chatroom.manage("shell", "--no-imports", "-c", MAKE_PRESET.format(email=people["alice"].email))
    chat = room(path="/chat?model=@preset/weather")
    page = chat.page
    chat.ask('Call get_weather with {"city": "<b>Zürich</b>", "days": 12345678901234567890}')
    answer = last_answer(chat)
    expect(answer).to_contain_text("The model waits for the result of get_weather. This chat doesn't run tools.")
    chat.reload()
    block = answer.locator("details.call")
    expect(block.locator("summary")).to_contain_text("get_weather")
    block.locator("summary").click()
    pretty = '{\n  "city": "<b>Zürich</b>",\n  "days": 12345678901234567890\n}'
    expect(block.locator("code")).to_have_text(pretty)
    fits(page)
    chat.billed()
    [call] = only_answer(exported(chat))["calls"]
    assert (call["name"], json.loads(call["arguments"])["city"]) == ("get_weather", "<b>Zürich</b>")
    answer.get_by_role("button", name="Answer without tools").click()
    expect(answer.locator(".versions")).to_contain_text("2/2")
    chat.wait()
    expect(answer.locator("details.call")).to_have_count(0)
    assert chat.answers[-1]
    assert chat.asked[-1]["tool_choice"] == "none"


def test_provider_preferences_are_kept_shown_sent_and_explained_when_they_leave_no_provider(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    page.click("#open-parameters")
    page.get_by_text("Providers", exact=True).click()
    page.get_by_label("Provider sorting").select_option("throughput")
    page.get_by_label("Try first, in this order").select_option("azure")
    page.get_by_label("Try first, in this order").select_option("openai")
    page.get_by_label("Never these").select_option("azure")  # no longer first, then
    page.get_by_text("Require zero data retention").click()
    page.get_by_text("Allow fallbacks").click()
    page.get_by_label("Max output price").fill("-1")
    expect(page.locator("#p-max_price_completion-error")).to_contain_text("at least 0")
    page.get_by_label("Max output price").fill("2.5")
    fits(page)
    page.get_by_role("button", name="Done").click()
    chip = page.locator("#provider-preferences")
    for words in ("Highest throughput", "OpenAI first", "Not Azure", "Zero data retention", "No fallbacks", "$2.5/M"):
        expect(chip).to_contain_text(words)
    expect(page.locator("#composer-notice")).to_contain_text("No provider of GPT-4o-mini meets this chat's provider")
    chat.ask("Hello")
    assert chat.asked[0]["provider"] == {
        "sort": "throughput",
        "order": ["openai"],
        "ignore": ["azure"],
        "zdr": True,
        "allow_fallbacks": False,
        "max_price": {"completion": "2.5"},
    }
    banner = last_answer(chat).locator(".banner")
    expect(banner).to_contain_text("All providers of this model are excluded by")
    expect(banner).not_to_contain_text("max_price")
    chat.reload()
    expect(chip).to_contain_text("Not Azure")
    assert exported(chat)["conversation"]["params"]["provider"] == chat.asked[0]["provider"]

    banner.get_by_role("button", name="Edit provider preferences").click()
    expect(page.get_by_label("Never these")).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    page.keyboard.press("Escape")
    expect(chip).to_be_hidden()
    expect(page.locator("#composer-notice")).to_be_hidden()
    last_answer(chat).get_by_role("button", name="Try again").click()
    chat.wait()
    expect(last_answer(chat).locator(".banner")).to_have_count(0)
    assert "provider" not in chat.asked[-1]
