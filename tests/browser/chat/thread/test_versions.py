"""Conversations as a person has them: asking again, branching, comparing models, choosing them."""

import re

from playwright.sync_api import expect

from tests.browser.chat.chatroom import OpenRoom, chatroom, people, room

__all__ = ["chatroom", "people", "room"]


# --- Versions and branches ------------------------------------------------------------------------


def test_editing_a_question_begins_a_branch_and_keeps_the_old_one(room: OpenRoom):
    chat = room(sandbox={"Tokens": "12"})
    page = chat.page
    chat.ask("Say exactly: first answer")
    chat.ask("A second question")
    page.locator(".question").first.hover()
    page.get_by_role("button", name="Edit message").first.click()
    page.get_by_label("Edit your message").fill("Say exactly: another answer")
    page.locator(".editing").get_by_role("button", name="Send").click()
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
    page.get_by_role("button", name="Regenerate", exact=True).click()
    expect(page.locator(".answer .versions")).to_contain_text("2/2")
    chat.wait()
    page.get_by_role("button", name="Try another model").click()
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
    page.get_by_role("button", name="Branch to new chat").first.click()
    expect(page.locator("h1")).to_have_text("One (copy)")
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator("#conversations .conv")).to_have_count(2)
    chat.ask("Instead of two")
    page.locator("#conversations a", has_text=re.compile("^One$")).click()
    expect(page.locator(".bubble").last).to_have_text("Two")


# --- Several models -------------------------------------------------------------------------------


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
    page.get_by_role("button", name=re.compile("Keep only Claude")).last.click()
    expect(page.locator("#models .model-chip")).to_have_count(1)
    chat.ask("And now alone")
    assert chat.asked[-1]["model"].startswith("anthropic/")
    expect(page.locator(".exchange").last.locator(".answer")).to_have_count(1)


# --- Choosing a model -----------------------------------------------------------------------------


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
    expect(page.locator("#picker-empty")).to_contain_text("No models found")
    page.locator("#picker-search").fill("claude opus")
    row = page.locator("#picker-list .option").first
    expect(row).to_contain_text("Claude Opus")
    name = (row.locator(".name").text_content() or "").strip()
    row.get_by_role("button", name="Favorite").click()
    page.keyboard.press("Escape")
    chat.reload()
    page.keyboard.press("Control+k")
    expect(page.locator("#picker-list h3").first).to_have_text("Favorites")
    expect(page.locator("#picker-list .name").first).to_have_text(name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#models .choose")).to_contain_text(name.split(": ")[1])


def test_a_link_chooses_the_models_of_a_new_chat(room: OpenRoom):
    chat = room(path="/chat?model=openai/gpt-4o&model=anthropic/claude-sonnet-4.5")
    expect(chat.page.locator("#models .model-chip")).to_have_count(2)
    expect(chat.page).to_have_url(re.compile("/chat$"))
    chat.page.goto(chat.page.url + "?model=missing/model")
    expect(chat.page.locator("#composer-notice")).to_contain_text("missing/model isn't in the catalog")
