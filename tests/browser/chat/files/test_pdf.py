"""PDFs: sent as they are to models that take them, and as text to others."""

import base64
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, chatroom, choose_file, people, room
from tests.browser.chat.files.sample_files import JAPANESE_PDF, LOCKED_PDF, file, pdf, text_page

__all__ = ["chatroom", "people", "room"]

SCAN = pdf([b"0 0 m"])
MANY = pdf([text_page(f"This is page {number}") for number in range(1, 7)])

READ = """async ([encoded, limits]) => {
    const { pdfText } = await import("chat/files/pdf");
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    return pdfText(new Blob([bytes]), ...limits);
}"""


def read(chat: Room, content: bytes, **limits: int) -> dict[str, Any]:
    found: dict[str, Any] = chat.page.evaluate(READ, [base64.b64encode(content).decode(), [limits] if limits else []])
    return found


def test_a_pdf_is_read_page_by_page_within_limits(room: OpenRoom):
    chat = room()
    text = "--- page 1 ---\nHello there\nsecond line\n\n--- page 2 ---\n(no text)\n\n--- page 3 ---\nThe end"
    three = pdf([text_page("Hello there", "second line"), b"0 0 m", text_page("The end")])
    assert read(chat, three) == {"text": text, "pages": 3, "pages_read": 3}
    assert read(chat, JAPANESE_PDF)["text"] == "--- page 1 ---\n日本語の文書"
    assert read(chat, SCAN) == {"text": "", "pages": 1, "problem": "images"}
    assert read(chat, b"%PDF-1.7\n...") == {"text": "", "problem": "damaged"}
    assert read(chat, LOCKED_PDF) == {"text": "", "problem": "locked"}
    pages = [f"--- page {number} ---\nThis is page {number}\n\n" for number in range(1, 6)]
    some = {"text": "".join(pages) + "--- page 6 is left out ---", "pages": 6, "pages_read": 5}
    assert read(chat, MANY, pages=5, text=1000) == some
    few = {"text": "".join(pages[:3]) + "--- pages 4 to 6 are left out ---", "pages": 6, "pages_read": 3}
    assert read(chat, MANY, pages=10, text=50) == few


def test_models_without_pdfs_get_the_text_and_others_the_file_unless_text_is_chosen(room: OpenRoom):
    chat = room(sandbox=QUICK, path="/chat?model=openai/gpt-4o-mini&model=openai/gpt-3.5-turbo")
    page, notice = chat.page, chat.page.locator("#composer-notice")
    plan = file("plan.pdf", pdf([text_page("Buy flour")]), "application/pdf")
    choose_file(page, "#attach", plan, file("scan.pdf", SCAN), file("locked.pdf", LOCKED_PDF))
    expect(page.locator("#attachments li")).to_have_text(["plan.pdfAs text", "scan.pdf"])
    expect(page.locator("#toasts")).to_contain_text("locked.pdf is protected with a password. Save it without one")
    expect(notice).to_contain_text("GPT-3.5-turbo gets plan.pdf as text: its page, without images.")
    expect(notice).to_contain_text(
        "scan.pdf has no text: its pages are scanned images, or empty. It won't be sent to GPT"
    )
    check_looks(page)
    chat.ask("Summarize")
    by_model = {body["model"]: body["messages"][-1]["content"] for body in chat.asked}
    names = [part["file"]["filename"] for part in by_model["openai/gpt-4o-mini"][1:]]
    assert names == ["plan.pdf", "scan.pdf"]
    assert by_model["openai/gpt-3.5-turbo"] == "plan.pdf:\n```\n--- page 1 ---\nBuy flour\n```\n\nSummarize"

    choose_file(page, "#attach", plan)
    page.get_by_label("Send plan.pdf as text").check()
    expect(notice).to_contain_text("GPT-4o-mini and GPT-3.5-turbo get plan.pdf as text")
    chat.ask("And as text?")
    expect(page.locator(".question .chip").last).to_have_text("plan.pdf (as text)")
    assert "Buy flour" in chat.asked[-2]["messages"][-1]["content"]
    chat.reload()
    chat.ask("Again")
    assert "Buy flour" in chat.asked[-2]["messages"][-3]["content"]


def test_a_file_that_is_being_read_keeps_the_message_back_and_can_be_removed(room: OpenRoom):
    chat = room(sandbox=QUICK, viewport={"width": 390, "height": 844})
    page = chat.page
    page.locator("#message").fill("Summarize")
    held: list[Route] = []
    page.route("**/vendor/pdfjs/pdf*.js", lambda route: held.append(route))
    choose_file(page, "#attach", file("plan.pdf", pdf([text_page("Buy flour")])))
    expect(page.locator("#attachments")).to_contain_text("Reading plan.pdf")
    expect(page.locator("#send")).to_be_disabled()
    page.get_by_role("button", name="Remove plan.pdf").click()
    expect(page.locator("#attachments")).to_be_hidden()
    expect(page.locator("#send")).to_be_enabled()
    for route in held:
        route.continue_()
    chat.ask("Summarize")
    assert chat.asked[0]["messages"][0]["content"] == "Summarize"
