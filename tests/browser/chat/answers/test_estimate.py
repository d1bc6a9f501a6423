"""The estimate before a message is sent: its tokens and price against the bill, and what it warns of."""

import re
from decimal import Decimal

from playwright.sync_api import expect

from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import (
    PIXEL,
    QUICK,
    OpenRoom,
    Room,
    chatroom,
    choose_file,
    facts,
    last_answer,
    people,
    room,
)
from tests.browser.chat.files.sample_files import file, pdf, text_page, wav
from tests.browser.people import Person
from tests.support.processes import Site

__all__ = ["chatroom", "people", "room"]

#: How far the estimate of a prompt of some length may be from its bill, as a part of the bill.
BAND = 0.25
ENGLISH = (
    "Lighthouses warn ships of rocks and show them the way into the harbor. Their lamps turn all night long. " * 20
)
CODE = "def area(width, height):\n    return width * height  # in square meters\n\n" * 20
GERMAN = "Die Gezeiten entstehen durch die Anziehung von Mond und Sonne, und zweimal am Tag steigt das Wasser. " * 15
CHINESE = "月亮的引力使海水上升和下降，每天两次。" * 30

MAKE_PRESET = """
from accounts.models import User
from presets import saving
from presets.content import Content
organisation = User.objects.get(email="{email}").personal_organisation
content = Content(system_prompt="{prompt}", config={config})
saving.create(organisation, None, slug="{slug}", name="{name}", content=content)
"""


def estimated(chat: Room, text: str) -> tuple[int, Decimal]:
    """The (tokens, dollars) that the estimate of this message shows."""
    chat.page.locator("#message").fill(text)
    line = chat.page.locator("#estimate")
    expect(line).to_have_text(re.compile(r"^About [\d,]+ tokens · about \$[\d.]+ for the input$"))
    tokens, dollars = re.findall(r"[\d,.]*\d", line.inner_text())
    return int(tokens.replace(",", "")), Decimal(dollars)


def test_the_estimate_agrees_with_the_bill(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    expect(page.locator("#estimate")).to_be_empty()
    page.click("#open-parameters")
    page.get_by_label("System prompt").fill(ENGLISH)
    page.keyboard.press("Escape")
    chat.choose("claude haiku", add=True)
    shown = []
    for text in (ENGLISH, CODE, GERMAN, CHINESE):
        before = page.locator("#estimate").inner_text()
        page.locator("#message").fill(text)
        expect(page.locator("#estimate")).not_to_have_text(before)
        shown.append(estimated(chat, text))
        chat.ask(text)
    page.locator("#message").fill("And this?")
    expect(page.locator("#estimate")).not_to_be_empty()
    without_image, _ = estimated(chat, "And this?")
    choose_file(page, "#attach", {"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.locator("#estimate")).not_to_contain_text(f"{without_image:,} tokens")
    shown.append(estimated(chat, "And this?"))
    chat.ask("And this?")
    expect(page.locator("#estimate")).to_be_empty()
    stored = chat.billed()["messages"]
    questions = sorted((each for each in stored if each["role"] == "user"), key=lambda each: each["created"])
    for (tokens, _), question in zip(shown, questions, strict=True):
        billed = sum(each["meta"]["usage"]["prompt_tokens"] for each in stored if each["parent"] == question["id"])
        print(f"{tokens} estimated, {billed} billed: {tokens / billed - 1:+.0%}")
        assert abs(tokens - billed) < BAND * billed


def test_a_price_is_that_of_all_chosen_models_and_free_ones_cost_nothing(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    _, one = estimated(chat, ENGLISH)
    chat.choose("claude haiku", add=True)
    expect(page.locator("#estimate")).not_to_contain_text(f"${one} ")
    assert estimated(chat, ENGLISH)[1] > one
    page.get_by_role("button", name=re.compile("^Remove Claude")).click()
    page.locator("#models .choose").click()
    page.locator("#picker-filters").get_by_text("Free", exact=True).click()
    page.keyboard.press("Tab")
    page.locator("#picker .pick").first.click()
    expect(page.locator("#estimate")).to_have_text(re.compile(r"^About [\d,]+ tokens · free$"))
    page.locator("#message").fill("")
    expect(page.locator("#estimate")).to_be_empty()


def test_recordings_count_by_the_second_and_documents_by_the_page(room: OpenRoom):
    chat = room(path="/chat?model=google/gemini-2.5-flash")
    page, line = chat.page, chat.page.locator("#estimate")
    choose_file(page, "#attach", file("minute.wav", wav(60), "audio/wav"))
    expect(line).to_contain_text("About 1,900 tokens")
    page.get_by_role("button", name="Remove minute.wav").click()
    expect(line).to_be_empty()
    pages = [text_page(f"Page {number}") for number in range(10)]
    choose_file(page, "#attach", file("ten.pdf", pdf(pages), "application/pdf"))
    expect(line).to_contain_text("About 17,000 tokens")


def test_it_warns_of_a_context_and_of_a_balance_that_are_too_small(room: OpenRoom):
    chat = room("low", sandbox=QUICK)
    page = chat.page
    notice = page.locator("#composer-notice")
    chat.choose("openai/gpt-3.5-turbo")
    page.locator("#message").fill("and so on " * 10_000)
    expect(notice).to_contain_text(re.compile(r"^GPT-3\.5.* reads up to \d+K tokens\. This chat has about 25K\."))
    expect(notice).not_to_contain_text("balance")
    chat.choose("openai/gpt-5.5-pro")
    expect(notice).to_have_text(
        re.compile(r"^The input alone costs about \$[\d.]+, more than your balance of \$0\.\d+\.$")
    )
    page.locator("#message").fill("Hello")
    check_looks(page)
    expect(notice).to_be_hidden()


def test_a_preset_is_taken_for_its_models(room: OpenRoom, chatroom: Site, people: dict[str, Person]):
    def make(slug: str, prompt: str, **config: object) -> None:
        code = MAKE_PRESET.format(email=people["low"].email, prompt=prompt, config=config, slug=slug, name=slug.title())
        chatroom.manage("shell", "--no-imports", "-c", code)

    make("blind", "x" * 4000, model="openai/gpt-3.5-turbo", temperature=0.5)
    chat = room("low", sandbox=QUICK)
    page = chat.page
    chat.choose("blind")
    page.locator("#message").fill("Hi")
    expect(page.locator("#estimate")).to_contain_text("About 1,000 tokens")
    choose_file(page, "#attach", {"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.locator("#composer-notice")).to_contain_text("Blind doesn't support images. They won't be sent to it.")
    page.click("#open-parameters")
    expect(page.locator("#parameters")).to_contain_text("With a preset, they use its values first")
    page.keyboard.press("Escape")
    chat.ask("Hi")
    [asked] = chat.asked
    assert (asked["model"], asked["messages"]) == ("@preset/blind", [{"role": "user", "content": "Hi"}])
    assert "temperature" not in asked  # the preset's own applies
    shown = facts(last_answer(chat))
    assert shown["Model"] == "openai/gpt-3.5-turbo"
    assert int(shown["Prompt"].removesuffix(" tokens").replace(",", "")) > 400  # with the preset's prompt
