"""Conversations as a person has them: asking, stopping, asking again, branching, comparing models."""

import re
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.chatroom import Room, chatroom, people, room
from tests.processes import Site, wait_until

__all__ = ["chatroom", "people", "room"]

OpenRoom = Callable[..., Room]
SLOW = {"Tokens": "200", "Delay": "0.02"}  # an answer of four seconds


def last_answer(room: Room) -> Locator:
    return room.page.locator("#thread .answer").last


def facts(answer: Locator) -> dict[str, str]:
    """What stands behind an answer's line of figures."""
    answer.locator(".meta summary").click()
    names, values = answer.locator(".meta dt").all_inner_texts(), answer.locator(".meta dd").all_inner_texts()
    return dict(zip(names, values, strict=True))


# --- Asking -----------------------------------------------------------------------------------------


def test_an_answer_streams_says_what_it_took_and_is_there_after_a_reload(room: OpenRoom, chatroom: Site):
    chat = room(sandbox={"Tokens": "60", "Delay": "0.02"})
    balance = chat.page.locator("[data-balance]").first
    before = Decimal(balance.inner_text().strip("$"))
    chat.ask("What are tides?", wait=False)
    answer = last_answer(chat)
    expect(answer).to_have_attribute("aria-busy", "true")
    wait_until(lambda: len(chat.answers[0]) > 20, "the first words")
    early = len(chat.answers[0])
    chat.wait()
    assert len(chat.answers[0]) > early
    expect(answer.locator("header")).to_contain_text("GPT-4o-mini")
    expect(answer.locator("header")).to_contain_text("simulated")
    expect(answer.locator(".meta summary")).to_contain_text("60 tokens")
    expect(answer.locator(".meta summary")).to_contain_text("tok/s")
    seen = facts(answer)
    [(cost, state)] = chatroom.rows(f"SELECT cost, state FROM gateway_generation WHERE id = '{seen['Request']}'")
    assert state == "settled"
    assert Decimal(seen["Cost"].strip("$")) == Decimal(int(str(cost))) / 10**12
    assert Decimal(balance.inner_text().strip("$")) <= before
    text = chat.answers
    chat.reload()
    assert chat.answers == text
    expect(chat.page.locator(".bubble")).to_have_text("What are tides?")
    expect(chat.page.locator("h1")).to_have_text("What are tides?")
    expect(chat.page.locator("#conversations .conv")).to_have_count(1)
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("60 tokens")


def test_escape_stops_at_once_keeps_the_part_and_learns_its_cost(room: OpenRoom):
    chat = room(sandbox=SLOW)
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    began = time.monotonic()
    chat.page.keyboard.press("Escape")
    expect(last_answer(chat)).to_have_attribute("aria-busy", "false", timeout=2000)
    assert time.monotonic() - began < 1
    part = chat.answers[0]
    expect(last_answer(chat).locator(".note")).to_contain_text("Stopped")
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")
    assert 0 < int(facts(last_answer(chat))["Answer"].split()[0]) < 200
    assert chat.answers[0].startswith(part)
    expect(chat.page.locator("#send")).to_have_attribute("data-act", "send")


def test_reloading_in_the_middle_keeps_what_had_arrived_and_the_parameters(room: OpenRoom):
    chat = room(sandbox=SLOW)
    chat.page.click("#open-parameters")
    chat.page.get_by_label("System prompt").fill("Be brief.")
    chat.page.locator("#p-temperature").fill("0.3")
    chat.page.get_by_role("button", name="Done").click()
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 60, "some words")
    part = chat.answers[0]
    chat.reload()
    assert chat.answers[0].startswith(part[:40])
    expect(last_answer(chat).locator(".banner")).to_contain_text("Interrupted")
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("tokens")
    expect(chat.page.locator("#open-parameters .count")).to_have_text("2")
    chat.page.get_by_role("button", name="Try again").click()
    expect(last_answer(chat)).to_have_attribute("aria-busy", "true")
    chat.page.keyboard.press("Escape")
    assert chat.asked[-1]["temperature"] == 0.3
    assert chat.asked[-1]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_question_carries_the_conversation_before_it_and_nothing_else(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    chat.ask("My name is Ada.")
    first = chat.stored()["messages"]
    chat.ask("What is my name?")
    said = next(message["text"] for message in first if message["role"] == "assistant")
    assert chat.asked[1]["messages"] == [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "What is my name?"},
    ]
    assert chat.asked[1].keys() == {"model", "messages", "stream"}


def test_parameters_are_sent_when_set_and_only_then(room: OpenRoom):
    chat = room(sandbox={"Tokens": "4"})
    page = chat.page
    page.click("#open-parameters")
    page.locator("[data-for=temperature]").fill("0.5")
    expect(page.locator("#p-temperature")).to_have_value("0.5")
    page.locator("#p-max_tokens").fill("50")
    page.locator("#p-top_p").fill("7")  # out of range
    page.get_by_text("More", exact=True).click()
    page.locator("#p-seed").fill("11")
    page.locator("#p-stop").fill("END\n###")
    page.locator("#p-sort").select_option("price")
    page.keyboard.press("Escape")
    chat.ask("Hello")
    assert {name: value for name, value in chat.asked[0].items() if name not in {"model", "messages", "stream"}} == {
        "temperature": 0.5,
        "max_tokens": 50,
        "seed": 11,
        "stop": ["END", "###"],
        "provider": {"sort": "price"},
    }
    page.click("#open-parameters")
    page.get_by_role("button", name="Reset").click()
    page.keyboard.press("Escape")
    chat.ask("Hello again")
    assert chat.asked[1].keys() == {"model", "messages", "stream"}


def test_enter_sends_and_shift_enter_does_not(room: OpenRoom):
    chat = room(sandbox={"Tokens": "4"})
    box = chat.page.locator("#message")
    box.fill("one")
    box.press("Shift+Enter")
    box.type("two")
    assert chat.asked == []
    box.press("Enter")
    chat.wait()
    assert chat.asked[0]["messages"][0]["content"] == "one\ntwo"


def test_choosing_a_word_of_an_input_method_never_sends(room: OpenRoom):
    chat = room(sandbox={"Tokens": "4"})
    chat.page.locator("#message").fill("ni hao")
    chat.page.evaluate(
        """() => { for (const options of [{ isComposing: true }, { keyCode: 229 }])
            document.querySelector("#message").dispatchEvent(
                new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...options })); }"""
    )
    chat.page.wait_for_timeout(200)
    assert chat.asked == []
    expect(chat.page.locator("#message")).to_have_value("ni hao")


def test_reasoning_is_folded_away_with_its_time(room: OpenRoom):
    chat = room()
    chat.page.click("#open-parameters")
    chat.page.locator("#p-effort").select_option("high")
    chat.page.keyboard.press("Escape")
    chat.choose("claude opus 4.5")
    chat.ask("Why is the sky blue?")
    thoughts = last_answer(chat).locator(".think")
    expect(thoughts.locator("summary")).to_contain_text(re.compile(r"Thought for \d"))
    expect(thoughts.locator(".thought")).to_be_hidden()
    thoughts.locator("summary").click()
    expect(thoughts.locator(".thought")).to_be_visible()
    assert "reasoning" in facts(last_answer(chat))["Answer"]


def test_a_web_search_is_asked_for_shown_with_its_sources_and_paid(room: OpenRoom):
    chat = room()
    chat.page.get_by_role("button", name="Web search").click()
    expect(chat.page.locator("#web-search")).to_have_attribute("aria-pressed", "true")
    chat.ask("What is new in Python?")
    assert chat.asked[0]["plugins"] == [{"id": "web"}]
    sources = last_answer(chat).locator(".sources")
    expect(sources.locator("summary")).to_contain_text("sources")
    sources.locator("summary").click()
    link = sources.locator("a").first
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    seen = facts(last_answer(chat))
    assert seen["Web search"] == "1"
    assert Decimal(seen["Cost"].strip("$")) > Decimal("0.007")
    expect(chat.page.locator("#spent")).to_contain_text("$0.007")
    chat.reload()
    expect(chat.page.locator("#web-search")).to_have_attribute("aria-pressed", "true")
    chat.page.get_by_role("button", name="Web search").click()
    chat.ask("And without?")
    assert "plugins" not in chat.asked[1]


def test_an_answer_that_was_cut_at_its_longest_length_can_go_on(room: OpenRoom):
    chat = room()
    chat.page.click("#open-parameters")
    chat.page.locator("#p-max_tokens").fill("20")
    chat.page.keyboard.press("Escape")
    chat.ask("Tell me about rivers")
    chat.page.get_by_role("button", name="Go on").click()
    expect(chat.page.locator(".question")).to_have_count(2)
    chat.wait()
    assert [message["role"] for message in chat.asked[1]["messages"]] == ["user", "assistant", "user"]


# --- Versions and branches ----------------------------------------------------------------------------


def test_editing_a_question_begins_a_branch_and_keeps_the_old_one(room: OpenRoom):
    chat = room(sandbox={"Tokens": "12"})
    page = chat.page
    chat.ask("Say exactly: first answer")
    chat.ask("A second question")
    page.locator(".question").first.hover()
    page.get_by_role("button", name="Edit and ask again").first.click()
    page.get_by_label("Edit your question").fill("Say exactly: another answer")
    page.get_by_role("button", name="Ask again").first.click()
    chat.wait()
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator(".question .versions")).to_contain_text("2/2")
    expect(page.locator(".bubble")).to_have_text("Say exactly: another answer")
    page.get_by_role("button", name="Previous version of this question").click()
    expect(page.locator(".question")).to_have_count(2)
    expect(page.locator(".bubble").first).to_have_text("Say exactly: first answer")
    chat.reload()
    expect(page.locator(".question")).to_have_count(2)
    expect(page.locator(".question .versions")).to_contain_text("1/2")


def test_asking_again_keeps_every_version_and_may_ask_another_model(room: OpenRoom):
    chat = room(sandbox={"Tokens": "12"})
    page = chat.page
    chat.ask("Name a colour")
    page.get_by_role("button", name="Ask again", exact=True).click()
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    chat.wait()
    page.get_by_role("button", name="Ask another model").click()
    page.locator("#picker-search").fill("anthropic claude haiku")
    page.keyboard.press("Enter")
    expect(page.locator(".answer .versions")).to_contain_text("3/3")
    chat.wait()
    assert [body["model"].partition("/")[0] for body in chat.asked] == ["openai", "openai", "anthropic"]
    expect(page.locator(".answer header h2")).to_contain_text("Claude")
    page.get_by_role("button", name="Previous version of this answer").click()
    expect(page.locator(".answer header h2")).to_contain_text("GPT-4o-mini")
    expect(page.locator(".answer")).to_have_count(1)
    chat.ask("And another")
    assert chat.asked[-1]["model"].startswith("openai/")  # the conversation's model stays


def test_going_on_from_here_makes_a_chat_of_its_own(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    chat.ask("One")
    chat.ask("Two")
    page.get_by_role("button", name="New chat from here").first.click()
    expect(page.locator("h1")).to_have_text("One (copy)")
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator("#conversations .conv")).to_have_count(2)
    chat.ask("Instead of two")
    page.locator("#conversations a", has_text=re.compile("^One$")).click()
    expect(page.locator(".bubble").last).to_have_text("Two")


# --- Several models -----------------------------------------------------------------------------------


def test_several_models_answer_side_by_side_and_remember_their_own_words(room: OpenRoom):
    chat = room(sandbox={"Tokens": "20"})
    page = chat.page
    chat.choose("claude sonnet", add=True)
    chat.choose("gemini flash", add=True)
    chat.ask("Describe a river")
    expect(page.locator(".answer")).to_have_count(3)
    boxes = [answer.bounding_box() for answer in page.locator(".answer").all()]
    assert boxes[0] and boxes[1] and boxes[2]
    assert boxes[0]["y"] == boxes[1]["y"] == boxes[2]["y"]
    assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
    expect(page.locator(".answer .meta")).to_have_count(3)
    chat.ask("Go on")
    answers = {
        message["model"]: message["text"] for message in chat.stored()["messages"] if message["role"] == "assistant"
    }
    assert len(answers) == 3
    first_round = {body["model"]: body for body in chat.asked[:3]}
    for body in chat.asked[3:]:
        assert body["model"] in first_round
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    texts = [body["messages"][1]["content"] for body in chat.asked[3:]]
    stored = [message["text"] for message in chat.stored()["messages"] if message["role"] == "assistant"]
    assert set(texts) <= set(stored)
    for body in chat.asked[3:]:
        own = [m["text"] for m in chat.stored()["messages"] if m.get("model") == body["model"]]
        assert body["messages"][1]["content"] in own
    page.get_by_role("button", name=re.compile("Go on with Claude")).last.click()
    expect(page.locator("#models .model-chip")).to_have_count(1)
    chat.ask("And now alone")
    assert chat.asked[-1]["model"].startswith("anthropic/")
    expect(page.locator(".exchange").last.locator(".answer")).to_have_count(1)


def test_on_a_phone_the_answers_are_tabs(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"}, viewport={"width": 390, "height": 844})
    page = chat.page
    chat.choose("claude sonnet", add=True)
    chat.ask("Describe a river")
    expect(page.locator(".answer:visible")).to_have_count(1)
    tabs = page.locator(".columns-tabs button")
    expect(tabs).to_have_count(2)
    tabs.nth(1).click()
    expect(page.locator(".answer:visible h2")).to_contain_text("Claude")


def test_at_most_four_models_can_be_asked(room: OpenRoom):
    chat = room()
    for query in ("claude", "gemini", "mistral"):
        chat.choose(query, add=True)
    expect(chat.page.locator("#models .model-chip")).to_have_count(4)
    expect(chat.page.locator("#models .add")).to_have_count(0)


# --- Choosing a model ---------------------------------------------------------------------------------


def test_the_picker_finds_filters_and_remembers_favourites(room: OpenRoom):
    chat = room()
    page = chat.page
    page.keyboard.press("Control+k")
    expect(page.locator("#picker")).to_be_visible()
    assert int(page.locator("#picker-count").inner_text().split()[0]) > 300
    page.locator("#picker-search").fill("free qwen")
    expect(page.locator("#picker-list .option").first).to_contain_text(":free")
    page.locator("#picker-search").fill("")
    page.get_by_role("button", name="Free", exact=True).click()
    for row in page.locator("#picker-list .option").all()[:5]:
        expect(row).to_contain_text("Free")
    page.get_by_role("button", name="Free", exact=True).click()
    page.locator("#picker-search").fill("no such model anywhere")
    expect(page.locator("#picker-empty")).to_contain_text("No model matches")
    page.locator("#picker-search").fill("claude opus")
    row = page.locator("#picker-list .option").first
    expect(row).to_contain_text("Claude Opus")
    name = (row.locator(".name").text_content() or "").strip()
    row.get_by_role("button", name="Favourite").click()
    page.keyboard.press("Escape")
    chat.reload()
    page.keyboard.press("Control+k")
    expect(page.locator("#picker-list h3").first).to_have_text("Favourites")
    expect(page.locator("#picker-list .name").first).to_have_text(name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#models .choose")).to_contain_text(name.split(": ")[1])


def test_a_link_chooses_the_models_of_a_new_chat(room: OpenRoom):
    chat = room(path="/chat?model=openai/gpt-4o&model=anthropic/claude-sonnet-4.5")
    expect(chat.page.locator("#models .model-chip")).to_have_count(2)
    expect(chat.page).to_have_url(re.compile("/chat$"))
    chat.page.goto(chat.page.url + "?model=nobody/nothing")
    expect(chat.page.locator("#composer-notice")).to_contain_text("nobody/nothing is not in the catalogue")


# --- When it does not work ----------------------------------------------------------------------------


def test_without_credits_free_models_answer_and_others_lead_to_the_credits_page(room: OpenRoom):
    chat = room("poor")
    page = chat.page
    expect(page.locator("#no-credits")).to_be_visible()
    chat.ask("Hello")
    card = last_answer(chat).locator(".banner")
    expect(card).to_contain_text("Not enough credits")
    expect(card.get_by_role("link", name="Add credits")).to_have_attribute("href", "/settings/credits")
    expect(page.locator(".bubble")).to_have_text("Hello")
    card.get_by_role("button", name="Use a free model").click()
    page.locator("#picker-list .pick").first.click()
    expect(last_answer(chat).locator(".versions")).to_contain_text("2/2")
    chat.wait()
    assert chat.answers[-1]
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$0")


def test_a_provider_that_fails_can_be_tried_again(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Fault": "*=500", "Session": "again"})
    chat.ask("Hello")
    expect(last_answer(chat).locator(".banner")).to_contain_text("The provider failed")
    chat.page.context.set_extra_http_headers({"X-Sandbox-Tokens": "9"})
    chat.reload()
    expect(last_answer(chat).locator(".banner")).to_contain_text("The provider failed")
    chat.page.get_by_role("button", name="Try again").click()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("9 tokens")
    expect(last_answer(chat).locator(".banner")).to_have_count(0)


def test_an_answer_that_breaks_off_keeps_its_part(room: OpenRoom):
    chat = room(sandbox={"Fault": "*=cut:12", "Tokens": "40"})
    chat.ask("Hello")
    expect(last_answer(chat).locator(".banner")).to_contain_text("The provider failed")
    assert len(chat.answers[0]) > 10
    chat.reload()
    assert len(chat.answers[0]) > 10


def test_without_a_connection_a_question_waits_and_leaves_when_it_is_back(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    page.context.set_offline(True)
    expect(page.locator("#line")).to_contain_text("No connection")
    chat.ask("Are you there?", wait=False)
    expect(last_answer(chat)).to_contain_text("waiting for the connection")
    page.context.set_offline(False)
    chat.wait()
    assert chat.answers[0]
    expect(page.locator("#line")).to_be_hidden()
    assert len(chat.asked) == 1
    faults.clear()  # the browser reports failed connections


def test_losing_the_connection_in_the_middle_keeps_the_part_and_asks_nothing_twice(room: OpenRoom, faults: list[str]):
    chat = room(sandbox=SLOW)
    page = chat.page
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    page.context.set_offline(True)
    expect(last_answer(chat).locator(".banner")).to_contain_text("The connection was lost")
    page.context.set_offline(False)
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")
    assert len(chat.asked) == 1
    faults.clear()


def test_somebody_who_signed_out_elsewhere_is_told_and_loses_nothing(room: OpenRoom, faults: list[str]):
    chat = room(sandbox={"Tokens": "8"})
    chat.ask("Hello")
    chat.page.context.clear_cookies()
    chat.page.evaluate("window.dispatchEvent(new Event('offline'))")  # the line breaks; the next handshake is refused
    expect(chat.page.locator("#line")).to_contain_text("You are signed out", timeout=15_000)
    expect(chat.page.locator("#line a")).to_have_attribute("href", "/account/login/?next=%2Fchat")
    assert len(chat.answers) == 1
    faults.clear()


def test_an_answer_goes_on_while_another_chat_is_open(room: OpenRoom):
    chat = room(sandbox={"Tokens": "120", "Delay": "0.02"})
    page = chat.page
    chat.ask("The first chat", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 20, "some words")
    page.locator("#new-chat").click()
    expect(page.locator("#conversations .busy")).to_have_count(1)
    expect(page.locator("#send")).to_have_attribute("data-act", "send")
    page.locator("#conversations a", has_text="The first chat").click()
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    chat.wait()
    expect(page.locator(".answer .meta summary")).to_contain_text("120 tokens")


def test_deleting_a_chat_stops_its_answer_and_leaves_nothing_behind(room: OpenRoom):
    chat = room(sandbox=SLOW)
    page = chat.page
    chat.ask("To be deleted", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 20, "some words")
    page.locator("#conversations .conv").hover()
    page.locator("#conversations .dots").click()
    page.locator("#conversation-menu").get_by_text("Delete", exact=True).click()
    expect(page.locator(".welcome")).to_be_visible()
    page.wait_for_timeout(2500)  # the bill arrives after the chat is gone
    assert chat.stored() == {"conversations": [], "messages": [], "files": []}


# --- Reading ------------------------------------------------------------------------------------------


def test_reading_back_is_not_disturbed_and_one_press_returns(room: OpenRoom):
    chat = room(sandbox={"Tokens": "600", "Delay": "0.005"}, viewport={"width": 1000, "height": 500})
    page = chat.page
    chat.ask("Say a lot", wait=False)
    wait_until(lambda: page.evaluate("document.querySelector('#scroll').scrollTop") > 200, "the text to grow")
    expect(page.locator("#latest")).to_be_hidden()
    page.locator("#scroll").hover()
    page.mouse.wheel(0, -300)
    expect(page.locator("#latest")).to_be_visible()
    top = page.evaluate("document.querySelector('#scroll').scrollTop")
    page.wait_for_timeout(600)
    assert abs(page.evaluate("document.querySelector('#scroll').scrollTop") - top) < 2
    page.locator("#latest").click()
    expect(page.locator("#latest")).to_be_hidden()
    chat.wait()
    away = page.locator("#scroll").evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight")
    assert away < 4


def test_shortcuts_work_and_single_keys_can_be_switched_off(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    chat.ask("Hello")
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(".welcome")).to_be_visible()
    page.locator("#message").type("why?")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.locator("#message").fill("")
    page.locator("#new-chat").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+S")
    expect(page.locator("#rail")).to_be_hidden()
    chat.reload()
    expect(page.locator("#rail")).to_be_hidden()
    page.keyboard.press("Control+Shift+S")
    page.locator("#rail .device").click()
    page.get_by_text("Single-key shortcuts").click()
    page.keyboard.press("Escape")
    page.locator("#new-chat").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_a_hostile_answer_of_a_real_model_stays_text(room: OpenRoom):
    chat = room()
    chat.ask('Say exactly: <img src=x onerror="window.touched=1"> [x](javascript:window.touched=1) **bold**')
    expect(last_answer(chat).locator(".said")).to_contain_text('<img src=x onerror="window.touched=1">')
    expect(last_answer(chat).locator(".said img, .said script")).to_have_count(0)
    assert chat.page.evaluate("window.touched ?? null") is None


@pytest.mark.parametrize("question", ["<b>hi</b> & <script>window.touched=1</script>", "مرحبا بالعالم", "x" * 12_000])
def test_any_question_is_shown_as_it_was_written(room: OpenRoom, question: str):
    chat = room(sandbox={"Tokens": "4"})
    chat.ask(question)
    expect(chat.page.locator(".bubble")).to_have_text(question)
    overflow = chat.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not overflow
