"""Asking in the chatroom: answers that stream, stop and are billed, and what a question carries."""

import re
from decimal import Decimal

from playwright.sync_api import expect

from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, facts, gate, last_answer, people, room
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "gate", "people", "room"]


def test_an_answer_streams_says_what_it_took_and_is_there_after_a_reload(
    room: OpenRoom, chatroom: Site, gate: MakeGate
):
    halfway = gate(30)
    chat = room(sandbox={"Tokens": "60"} | halfway.control)
    balance = chat.page.locator("[data-balance]").first
    before = Decimal(balance.inner_text().strip("$"))
    chat.ask("What are tides?", wait=False)
    answer = last_answer(chat)
    expect(answer).to_have_attribute("aria-busy", "true")
    wait_until(lambda: len(chat.answers[0]) > 20, "the first words")
    early = len(chat.answers[0])
    chat.page.wait_for_timeout(200)  # no speed is told of an answer that comes at once
    halfway.open()
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
    expect(chat.page.locator(".bubble")).to_have_text("What are tides?")
    assert chat.answers == text
    expect(chat.page.locator("h1")).to_have_text("What are tides?")
    expect(chat.page.locator("#conversations .conv")).to_have_count(1)
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("60 tokens")


def test_escape_stops_at_once_keeps_the_part_and_learns_its_cost(room: OpenRoom, gate: MakeGate):
    chat = room(sandbox={"Tokens": "200"} | gate(40).control)
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 30, "some words")
    chat.page.keyboard.press("Escape")
    expect(last_answer(chat)).to_have_attribute("aria-busy", "false")  # although the provider says nothing
    part = chat.answers[0]
    expect(last_answer(chat).locator(".note")).to_contain_text("You stopped this answer.")
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("$")
    assert 0 < int(facts(last_answer(chat))["Answer"].split()[0]) < 200
    assert chat.answers[0].startswith(part)
    expect(chat.page.locator("#send")).to_have_attribute("data-act", "send")


def test_reloading_in_the_middle_goes_on_with_the_answer_and_keeps_the_parameters(room: OpenRoom, gate: MakeGate):
    halfway = gate(40)
    chat = room(sandbox={"Tokens": "200"} | halfway.control)
    chat.page.click("#open-parameters")
    chat.page.get_by_label("System prompt").fill("Be brief.")
    chat.page.locator("#p-temperature").fill("0.3")
    chat.page.get_by_role("button", name="Done").click()
    chat.ask("Tell me everything about bridges", wait=False)
    wait_until(lambda: chat.answers and len(chat.answers[0]) > 60, "some words")
    part = chat.answers[0]
    chat.reload()
    wait_until(lambda: chat.answers and chat.answers[0].startswith(part), "what had arrived")
    expect(last_answer(chat)).to_have_attribute("aria-busy", "true")
    halfway.open()
    chat.wait()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("200 tokens")
    assert chat.answers[0].startswith(part)
    assert not [message for message in chat.billed()["messages"] if "key" in message]
    expect(chat.page.locator("#open-parameters .count")).to_have_text("2")
    halfway.close()
    last_answer(chat).get_by_role("button", name="Regenerate").click()
    expect(last_answer(chat)).to_have_attribute("aria-busy", "true")
    chat.page.keyboard.press("Escape")
    assert chat.asked[-1]["temperature"] == 0.3
    assert chat.asked[-1]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_parameter_out_of_range_is_refused_with_words(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    chat.page.click("#open-parameters")
    chat.page.locator("#p-temperature").fill("9")
    expect(chat.page.locator("#p-temperature-error")).to_have_text("Enter a number from 0 to 2. It isn't used.")
    expect(chat.page.locator("#p-temperature")).to_have_attribute("aria-describedby", "p-temperature-error")
    chat.page.locator("#p-temperature").fill("0.9")
    expect(chat.page.locator("#p-temperature-error")).to_have_count(0)
    chat.page.get_by_role("button", name="Done").click()
    chat.ask("Hello")
    assert chat.asked[0]["temperature"] == 0.9


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
    page.get_by_text("More parameters", exact=True).click()
    page.locator("#p-seed").fill("11")
    page.locator("#p-stop").fill("END\n###")
    page.get_by_text("Providers", exact=True).click()
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
    assert seen["Web searches"] == "1"
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
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("20 tokens")
    part = chat.answers[0]
    chat.page.get_by_role("button", name="Continue").click()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("40 tokens")
    assert chat.answers[0].startswith(part) and len(chat.answers) == 1
    assert [message["role"] for message in chat.asked[1]["messages"]] == ["user", "assistant", "user"]
    expect(chat.page.locator(".question")).to_have_count(1)
    (answer,) = (message for message in chat.billed()["messages"] if message["role"] == "assistant")
    assert [earlier["tokens"] for earlier in answer["earlier"]] == [20]
    sent = chat.asked[1]["messages"][1]["content"]
    assert answer["text"].startswith(sent) and len(answer["text"]) > len(sent) >= len(part)
    assert "base" not in answer  # an import would not bring it back
    chat.reload()
    expect(last_answer(chat).locator(".meta summary")).to_contain_text("40 tokens")
