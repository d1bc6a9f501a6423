"""Files that go along with a question."""

import base64

from playwright.sync_api import expect

from tests.browser.chat.chatroom import PIXEL, QUICK, OpenRoom, chatroom, choose_file, people, room

__all__ = ["chatroom", "people", "room"]


def test_a_picture_is_shown_sent_to_models_that_see_and_kept(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    choose_file(page, "#attach", {"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.locator("#attachments img")).to_be_visible()
    chat.ask("What is this?")
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    assert chat.asked[0]["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    expect(page.locator(".question img")).to_be_visible()
    chat.reload()
    expect(page.locator(".question img")).to_be_visible()
    chat.ask("And now?")
    assert chat.asked[1]["messages"][0]["content"][1]["image_url"]["url"] == url


def test_a_model_that_cannot_see_is_named_and_gets_the_text_alone(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    chat.choose("gpt-3.5 turbo")
    choose_file(page, "#attach", {"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.locator("#composer-notice")).to_contain_text("support images")
    chat.ask("What is this?")
    assert chat.asked[0]["messages"][0]["content"] == "What is this?"


def test_text_files_go_along_as_text_and_others_are_refused(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    choose_file(
        page,
        "#attach",
        {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Notes\n```\ncode\n```"},
        {"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"\x00\x01"},
        {"name": "data.bin", "mimeType": "application/octet-stream", "buffer": b"\x00\x01\x02"},
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"not a picture"},
    )
    expect(page.locator("#attachments li")).to_have_count(1)
    for complaint in ("videos aren't supported", "isn't supported. Attach", "can't be read as an image"):
        expect(page.locator("#toasts")).to_contain_text(complaint)
    chat.ask("Summarise")
    assert chat.asked[0]["messages"][0]["content"] == ("notes.md:\n````\n# Notes\n```\ncode\n```\n````\n\nSummarise")
    expect(page.locator(".question .chip")).to_have_text("notes.md")
    expect(page.locator(".bubble")).to_have_text("Summarise")


def test_a_picture_can_be_pasted_dropped_and_removed(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    page.evaluate(
        """(encoded) => {
            const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
            const carry = new DataTransfer();
            carry.items.add(new File([bytes], "image.png", { type: "image/png" }));
            document.querySelector("#message").dispatchEvent(
                new ClipboardEvent("paste", { clipboardData: carry, bubbles: true, cancelable: true }));
            document.querySelector("#room").dispatchEvent(
                new DragEvent("drop", { dataTransfer: carry, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(PIXEL).decode(),
    )
    expect(page.locator("#attachments img")).to_have_count(2)
    page.locator("#attachments .remove").first.click()
    expect(page.locator("#attachments img")).to_have_count(1)
    chat.wait_for_draft("", files=1)
    chat.reload()
    expect(page.locator("#attachments img")).to_have_count(1)


def test_pasting_cells_of_a_spreadsheet_pastes_their_text_and_a_picture_only_where_there_is_no_text(room: OpenRoom):
    chat = room(sandbox=QUICK)
    page = chat.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def paste(**texts: str) -> None:
        """Copy a picture and these texts, as one program does at once, and press the keys for pasting."""
        page.locator("#message").focus()
        page.evaluate(
            """async ([encoded, texts]) => {
                const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
                const parts = Object.entries(texts).map(([kind, text]) => [`text/${kind}`, text]);
                const carried = new Map([["image/png", bytes], ...parts].map(
                    ([type, content]) => [type, new Blob([content], { type })]));
                await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(carried))]);
            }""",
            [base64.b64encode(PIXEL).decode(), texts],
        )
        page.keyboard.press("ControlOrMeta+V")

    paste(plain="Month\tSales\nMay\t12", html="<table><tr><td>Month<td>Sales<tr><td>May<td>12</table>")
    expect(page.locator("#message")).to_have_value("Month\tSales\nMay\t12")
    paste(html='<img src="https://example.com/dot.png">')
    expect(page.locator("#attachments img")).to_have_count(1)
    expect(page.locator("#message")).to_have_value("Month\tSales\nMay\t12")
    paste(plain="image.png")  # as a file manager names what it copies
    expect(page.locator("#attachments img")).to_have_count(2)


def test_a_conversation_too_large_to_send_is_refused_here_and_loses_nothing(room: OpenRoom):
    chat = room(sandbox={"Tokens": "4"})
    page = chat.page
    for number in (1, 2):
        file = {"name": f"{number}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n" + b"x" * 7_990_000}
        choose_file(page, "#attach", file)
        expect(page.locator("#attachments li")).to_have_count(1)
        chat.ask(f"Summarise number {number}")
    expect(page.locator(".answer .banner").last).to_contain_text("over 20 MB with attachments")
    assert len(chat.asked) == 1
    assert chat.asked[0]["messages"][0]["content"][1]["file"]["filename"] == "1.pdf"
    expect(page.locator(".bubble").last).to_have_text("Summarise number 2")


def test_a_large_picture_is_made_smaller(room: OpenRoom):
    chat = room()
    size = chat.page.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [5000, 2500];
            canvas.getContext("2d").fillRect(10, 10, 4000, 2000);
            const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
            const { prepare } = await import("chat/files/files");
            const record = await prepare(new File([blob], "big.png", { type: "image/png" }));
            const made = await createImageBitmap(record.blob);
            return [made.width, made.height, record.type];
        }"""
    )
    assert size == [2048, 1024, "image/jpeg"]
