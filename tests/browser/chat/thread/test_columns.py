"""Answers of several models to one question: columns that scroll in their turn, and tabs that stay in reach."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.accessibility import check_schemes, widest_overflow
from tests.browser.chat.chatroom import MakeGate, OpenRoom, chatroom, gate, people, room

__all__ = ["chatroom", "gate", "people", "room"]

SIX = "/chat?" + "&".join(
    f"model={name}"
    for name in (
        "openai/gpt-4o-mini",
        "anthropic/claude-haiku-4.5",
        "google/gemini-2.5-flash",
        "mistralai/mistral-large",
        "anthropic/claude-sonnet-4.5",
        "openai/gpt-4o",
    )
)
LONG = """Say exactly: # Sorting

```python
def merge_sort(items): return items if len(items) < 2 else merge(merge_sort(items[:n]), merge_sort(items[n:]))
```

| Algorithm | Best | Average | Worst | Stable | Notes |
|---|---|---|---|---|---|
| Merge sort | n log n | n log n | n log n | yes | needs memory for a copy of everything |

""" + "\n\n".join(f"Point {number} of the explanation." for number in range(30))


def fits(page: Page) -> None:
    """Both schemes are accessible, and nothing is wider than the window."""
    check_schemes(page)
    assert widest_overflow(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def chosen(page: Page) -> Locator:
    return page.get_by_role("tab", selected=True)


def test_six_models_answer_in_columns_that_scroll_in_their_turn(room: OpenRoom, gate: MakeGate):
    halfway = gate(3)
    chat = room(path=SIX + "&model=one/more", sandbox=halfway.control, viewport={"width": 1000, "height": 900})
    page = chat.page
    expect(page.locator("#toasts")).to_contain_text("The first 6 are chosen")
    expect(page.locator("#models .most")).to_contain_text("6 models at most")
    chat.ask(LONG, wait=False)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(6)
    for at in range(6):
        expect(tabs.nth(at)).to_contain_text("Writing…")
    tabs.nth(0).focus()
    page.keyboard.press("End")
    expect(tabs.nth(5)).to_be_focused()
    expect(page.get_by_role("tabpanel").nth(5)).to_be_in_viewport()
    page.get_by_role("button", name="Stop this answer").click()
    expect(tabs.nth(5)).to_contain_text("Stopped")
    halfway.open()
    chat.wait()
    for at in range(5):
        expect(tabs.nth(at)).to_contain_text("Finished")
        expect(tabs.nth(at)).to_contain_text("$")
        expect(tabs.nth(at)).to_contain_text(" s")

    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(chosen(page)).to_contain_text("Claude Haiku")
    expect(chosen(page)).to_be_focused()
    expect(page.locator('[role="tab"][tabindex="0"]')).to_have_count(1)
    column = page.get_by_role("tabpanel", name="Claude Haiku 4.5")
    expect(column).to_be_in_viewport()
    assert page.locator(".answers").evaluate("row => row.scrollWidth > row.clientWidth")
    page.locator("#scroll").evaluate("area => { area.scrollTop = area.scrollHeight / 2; }")
    expect(chosen(page)).to_be_in_viewport()
    fits(page)

    # A new version stays in the column that is chosen, and the one in use goes to all models.
    column.get_by_role("button", name="Regenerate").click()
    expect(column.locator(".versions")).to_contain_text("2/2")
    chat.wait()
    expect(chosen(page)).to_contain_text("Claude Haiku")
    column.get_by_role("button", name="Use this answer").click()
    expect(column.get_by_role("button", name="Use this answer")).to_have_attribute("aria-pressed", "true")
    expect(column).to_contain_text("used to continue")
    chat.reload()
    expect(page.get_by_role("tabpanel", name="Claude Haiku 4.5")).to_contain_text("used to continue")
    shown = page.get_by_role("tabpanel", name="Claude Haiku 4.5").locator(".answer").get_attribute("data-id")
    told = len(chat.asked)
    chat.ask("Go on")
    [used] = [message["text"] for message in chat.stored()["messages"] if message["id"] == shown]
    assert [body["messages"][1]["content"] for body in chat.asked[told:]] == [used] * 6


def test_on_a_phone_the_tabs_stay_in_reach(room: OpenRoom):
    models = "/chat?model=openai/gpt-4o-mini&model=anthropic/claude-haiku-4.5&model=missing/model"
    chat = room(path=models, viewport={"width": 390, "height": 844})
    page = chat.page
    chat.ask(LONG)
    tabs = page.get_by_role("tab")
    expect(tabs.nth(0)).to_contain_text("$")
    expect(tabs.nth(2)).to_contain_text("Failed")
    expect(page.locator(".answer:visible")).to_have_count(1)
    page.locator("#scroll").evaluate("area => { area.scrollTop = area.scrollHeight / 2; }")
    expect(tabs.nth(1)).to_be_in_viewport()
    tabs.nth(1).click()
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    expect(page.get_by_role("tabpanel")).to_contain_text("Sorting")
    expect(page.get_by_role("tabpanel").get_by_role("heading", name="Sorting")).to_be_in_viewport()
    fits(page)
    tabs.nth(1).press("ArrowRight")
    expect(page.get_by_role("tabpanel")).to_contain_text("missing/model")
