"""The chatroom for everybody: accessible in both schemes, nothing wider than the window, the whole way by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_axe, check_schemes, widest_overflow
from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, gate, people, room

__all__ = ["chatroom", "gate", "people", "room"]

TEXT = """Say exactly: # A heading

Some **bold** words, `code`, a [link](https://example.com) and $$a^2$$ in a line.

- [x] done
- [ ] not yet

> quoted

| name | value |
|---|---:|
| one | 1 |

```python
def f(x):
    return x + 1  # and a comment that is far too long for the window of a telephone, and then some
```
"""


def check(page: Page) -> None:
    """Both schemes, in the window as it is."""
    check_schemes(page)
    assert widest_overflow(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_state_is_accessible_and_fits(room: OpenRoom, width: int):
    chat = room(viewport={"width": width, "height": 900 if width > 800 else 844})
    page = chat.page
    check(page)
    chat.ask(TEXT)
    page.locator(".meta summary").click()
    check(page)
    page.get_by_role("button", name="Edit message").click()
    check(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("claude")  # all four hundred keep the checks busy for long, and show nothing else
    check(page)
    page.keyboard.press("Escape")
    page.locator("#open-parameters").click()
    page.get_by_text("More parameters", exact=True).click()
    check(page)
    page.keyboard.press("Escape")
    if width < 800:
        page.locator("#toggle-rail").click()
        check(page)
    page.locator("#rail .device").click()
    check(page)
    page.keyboard.press("Escape")
    if page.locator("#rail:popover-open").count():
        page.keyboard.press("Escape")
    chat.choose("claude haiku", add=True)
    chat.ask("Describe a river")
    check(page)


def test_refusals_are_accessible_and_fit(room: OpenRoom):
    chat = room("poor", viewport={"width": 390, "height": 844})
    chat.ask("Hello")
    expect(chat.page.locator(".answer .banner")).to_contain_text("Not enough credits")
    check(chat.page)


@pytest.mark.parametrize("width", [320, 768, 1024])
def test_nothing_is_wider_than_other_windows(room: OpenRoom, width: int):
    chat = room(viewport={"width": width, "height": 700})
    chat.ask(TEXT)
    assert widest_overflow(chat.page) == []
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_whole_conversation_goes_by_keyboard_alone(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"})
    page = chat.page
    expect(page.locator("#message")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("claude haiku 4.5")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_focused()  # where it was before the dialog
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    chat.wait()
    assert chat.asked[0]["model"] == "anthropic/claude-haiku-4.5"
    expect(page.locator("#message")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Edit your message")).to_be_focused()
    page.keyboard.type(" again")
    page.keyboard.press("Control+Enter")
    chat.wait()
    expect(page.locator(".bubble")).to_have_text("Hello again")
    page.keyboard.press("/")
    page.keyboard.press("Shift+Escape")
    expect(page.locator("#message")).to_be_focused()


def test_an_answer_is_announced_when_it_is_complete(room: OpenRoom, gate: MakeGate):
    halfway = gate(15)
    chat = room(sandbox={"Tokens": "30"} | halfway.control)
    log = chat.page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    chat.ask("Hello", wait=False)
    expect(chat.page.locator(".answer")).to_have_attribute("aria-busy", "true")
    halfway.open()
    chat.wait()
    expect(chat.page.locator("#chat-status")).to_have_text("GPT-4o-mini has answered.")


def test_nothing_moves_for_those_who_asked_for_it(room: OpenRoom, gate: MakeGate):
    chat = room(sandbox={"Tokens": "200"} | gate(100).control, reduced_motion="reduce")
    chat.ask("Hello", wait=False)
    expect(chat.page.locator(".answer")).to_have_attribute("aria-busy", "true")
    running = chat.page.evaluate(
        """() => document.getAnimations().filter((each) =>
            each.playState === "running" && each.effect.getComputedTiming().activeDuration > 1).length"""
    )  # shorter ones are there for their events
    assert running == 0
    chat.page.keyboard.press("Escape")


def test_targets_are_large_enough_for_fingers(room: OpenRoom):
    chat = room(sandbox={"Tokens": "8"}, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chat.ask("Hello")
    small = chat.page.evaluate(
        """() => [...document.querySelectorAll("#room button, #room a, #room summary")].filter((element) => {
            const box = element.getBoundingClientRect();
            return element.checkVisibility({ contentVisibilityAuto: true }) && (box.height < 36 || box.width < 36);
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert small == []
    size = chat.page.locator("#message").evaluate("area => parseFloat(getComputedStyle(area).fontSize)")
    assert size >= 16  # below that iOS zooms in
    box = chat.page.locator("#send").bounding_box()
    assert box and box["width"] >= 44 and box["height"] >= 44


def test_deep_lists_quotes_and_code_stay_readable_on_a_phone(room: OpenRoom):
    chat = room(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    lists = "\n".join(f"{'  ' * depth}- level {depth} of a list that is nested deeply" for depth in range(12))
    quotes = "".join(f"{'> ' * depth}level {depth} of a quote\n{'> ' * depth}\n" for depth in range(1, 9))
    # Long ones have parts.
    items = "\n".join(f"{number}. Item {number} of a list" for number in range(1, 300))
    table = "| Number | Words |\n|---|---|\n" + "\n".join(f"| {number} | Some words |" for number in range(400))
    chat.page.evaluate(
        """async (text) => {
            const { renderMarkdown } = await import("chat/drawing/blocks");
            const box = document.createElement("div");
            box.className = "answer-text";
            box.append(renderMarkdown(text));
            document.querySelector("#thread").replaceChildren(box);
        }""",
        f"{lists}\n\n{quotes}\n\n{items}\n\n{table}\n\n```js\nlet a = 1;\n```",
    )
    text = chat.page.locator(".answer-text")
    for part in ("level 11 of a list", "level 8 of a quote"):
        box = text.get_by_text(part).last.bounding_box()
        assert box and box["width"] > 200
    assert widest_overflow(chat.page) == []
    assert chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in text.locator(".code-actions button").all():
        box = button.bounding_box()
        assert box and box["width"] >= 44 and box["height"] >= 44
    check_axe(chat.page)


def test_on_a_phone_enter_starts_a_new_line(room: OpenRoom):
    chat = room(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chat.page.locator("#message").tap()
    chat.page.keyboard.type("one")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type("two")
    expect(chat.page.locator("#message")).to_have_value("one\ntwo")
    assert chat.asked == []
