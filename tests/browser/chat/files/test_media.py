"""Images that models make, recordings for models that hear, and answers read aloud."""

import base64
from pathlib import Path

from playwright.sync_api import expect

from sandbox.providers.picture import IMAGE, IMAGE_TOKENS
from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import (
    QUICK,
    MakeGate,
    OpenRoom,
    chatroom,
    choose_file,
    gate,
    last_answer,
    people,
    room,
)
from tests.browser.chat.files.sample_files import file, wav
from tests.support.processes import wait_until

__all__ = ["chatroom", "gate", "people", "room"]

PAINTER = "/chat?model=google/gemini-2.5-flash-image"
LISTENER = "/chat?model=google/gemini-2.5-flash&model=openai/gpt-4o-mini"
URL = f"data:image/png;base64,{IMAGE}"
#: A browser that speaks: tests say when it has spoken. Headless browsers have no voice.
VOICE = """
    window.said = [];
    window.SpeechSynthesisUtterance = class extends EventTarget {
        constructor(text) { super(); this.text = text; }
    };
    const speech = {
        getVoices: () => [],
        speak(utterance) { said.push(utterance.text); window.utterance = utterance; },
        cancel() { said.push("(silence)"); },
    };
    Object.defineProperty(window, "speechSynthesis", { value: speech });
"""
REFUSED = """() => {
    const refusal = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
    navigator.mediaDevices.getUserMedia = refusal;
}"""


def test_an_image_is_shown_opened_saved_kept_and_sent_back(room: OpenRoom, tmp_path: Path):
    chat = room(sandbox=QUICK, path=PAINTER)
    page = chat.page
    expect(page.locator("#record")).to_be_hidden()  # for models that hear
    chat.ask("Draw a sunset")
    assert chat.asked[0]["modalities"] == ["text", "image"]
    image = page.get_by_alt_text("Generated image: Draw a sunset")
    expect(image).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Open image").click()
    viewer = page.get_by_role("dialog", name="Generated image: Draw a sunset")
    expect(viewer.locator("img")).to_be_visible()
    with page.expect_download() as download:
        viewer.get_by_role("button", name="Download image").click()
    assert download.value.suggested_filename == "draw-a-sunset-1.png"
    download.value.save_as(tmp_path / "image.png")
    assert (tmp_path / "image.png").read_bytes() == base64.b64decode(IMAGE)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open image")).to_be_focused()

    stored = chat.billed()
    [answer] = [message for message in stored["messages"] if message["role"] == "assistant"]
    [kept] = stored["files"]
    assert (answer["images"], kept["kind"], kept["type"]) == ([kept["id"]], "image", "image/png")
    assert (bytes(kept["bytes"]), kept["conversation"]) == (base64.b64decode(IMAGE), answer["conversation"])
    assert answer["meta"]["usage"]["image_tokens"] == 1290
    last_answer(chat).locator(".meta summary").click()
    expect(last_answer(chat).locator(".meta")).to_contain_text("1,290 of them images")

    chat.reload()
    expect(image).to_be_visible()
    chat.ask("Make it darker")
    earlier, picture, question = chat.asked[1]["messages"][2]["content"]
    assert (earlier["type"], question["text"]) == ("text", "Make it darker")
    assert picture == {"type": "image_url", "image_url": {"url": URL}}
    page.get_by_role("button", name="Delete question").last.click()
    expect(page.locator(".generated img")).to_have_count(1)
    assert len(chat.stored()["files"]) == 1
    page.get_by_role("button", name="Branch to new chat").click()
    expect(page.locator(".generated img")).to_be_visible()
    assert len(chat.stored()["files"]) == 2
    chat.choose("gpt-3.5 turbo")  # it takes no images
    chat.ask("What was it?")
    assert chat.asked[-1]["messages"][2]["content"] == "What was it?"


def test_an_image_is_shown_before_its_answer_ends_and_kept_once_after_a_reload(room: OpenRoom, gate: MakeGate):
    end = gate(6 + IMAGE_TOKENS)
    chat = room(sandbox=QUICK | end.control, path=PAINTER)
    image = chat.page.locator(".generated img")
    chat.ask("Draw a sunset", wait=False)
    expect(image).to_be_visible()
    expect(last_answer(chat)).to_have_attribute("aria-busy", "true")
    wait_until(lambda: len(chat.stored()["files"]) == 1, "the image to be stored")
    before = chat.stored()
    chat.reload()
    expect(image).to_be_visible()
    end.open()
    chat.wait()
    expect(image).to_have_count(1)
    after = chat.billed()
    assert after["files"] == before["files"]
    [answer] = [message for message in after["messages"] if message["role"] == "assistant"]
    assert (answer["status"], answer["images"]) == ("done", [after["files"][0]["id"]])
    assert len(chat.asked) == 1


def test_a_recording_goes_to_models_that_hear(room: OpenRoom):
    chat = room(path=LISTENER)
    page, bar = chat.page, chat.page.get_by_role("group", name="Recording")
    page.get_by_role("button", name="Record audio").click()
    expect(bar).to_contain_text("0:01 / 5:00")
    expect(bar.get_by_role("button", name="Attach")).to_be_focused()
    expect(page.locator("#send")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(page.locator("#message")).to_be_focused()
    expect(page.locator("#attachments")).to_be_hidden()

    page.get_by_role("button", name="Record audio").click()
    expect(bar).to_contain_text("0:01 / 5:00")
    page.keyboard.press("Enter")
    expect(page.locator("#attachments audio")).to_be_visible()
    choose_file(
        page, "#attach", file("voice.mp3", b"ID3" + bytes(64), "audio/mpeg"), file("broken.ogg", b"OggS", "audio/ogg")
    )
    expect(page.locator("#toasts")).to_contain_text("broken.ogg can't be read as audio. Attach a WAV or MP3 file.")
    expect(page.locator("#attachments audio")).to_have_count(2)
    notice = "GPT-4o-mini doesn't support audio files. They won't be sent to it."
    expect(page.locator("#composer-notice")).to_have_text(notice)
    page.get_by_role("button", name="Record audio").click()
    expect(bar).to_be_visible()
    check_looks(page)
    bar.get_by_role("button", name="Discard recording").click()
    expect(bar).to_be_hidden()
    chat.ask("What do you hear?")
    by_model = {body["model"]: body["messages"][0]["content"] for body in chat.asked}
    assert by_model["openai/gpt-4o-mini"] == "What do you hear?"
    _, recorded, attached = [part.get("input_audio") for part in by_model["google/gemini-2.5-flash"]]
    assert (recorded["format"], attached["format"]) == ("wav", "mp3")
    sound = base64.b64decode(recorded["data"])
    assert sound[:4] == b"RIFF" and sound[22:28] == b"\x01\x00\x80\x3e\x00\x00"  # one channel, 16,000 a second
    assert len(sound) > 32_000 and any(sound[44:])
    expect(page.locator(".question audio")).to_have_count(2)


def test_other_audio_becomes_wav_and_a_refused_microphone_says_the_remedy(room: OpenRoom):
    chat = room(path=LISTENER)
    page = chat.page
    kind, size = page.evaluate(
        """async (bytes) => {
            const { prepare } = await import("chat/files/files");
            const { toWav } = await import("chat/files/audio");
            const stereo = new Blob([new Uint8Array(bytes)], { type: "audio/x-own" });
            const { kind } = await prepare(new File([stereo], "a.wav"));
            return [kind, (await toWav(stereo)).size];
        }""",
        list(wav(0.5, 48_000)),
    )
    assert (kind, size) == ("audio", 44 + 16_000)
    page.evaluate(REFUSED)
    page.get_by_role("button", name="Record audio").click()
    expect(page.locator("#toasts")).to_contain_text("Microphone access is blocked. Allow it for this site")
    expect(page.get_by_role("button", name="Record audio")).to_be_visible()


def test_an_answer_is_read_aloud_without_its_code(room: OpenRoom):
    chat = room()
    page = chat.page
    page.add_init_script(VOICE)
    chat.reload()
    chat.ask("Say exactly: # Title\n\nFirst one. Then $x^2$ here.\n\n```python\nprint(1)\n```\n\n- last")
    answer = last_answer(chat)
    spoken = ["Title", "First one.", "Then (formula) here.", "last"]
    answer.get_by_role("button", name="Read aloud").click()
    expect(answer.get_by_role("button", name="Pause reading")).to_be_focused()
    for _ in spoken[1:]:
        page.evaluate("utterance.dispatchEvent(new Event('end'))")
    assert page.evaluate("said") == spoken
    page.keyboard.press("Enter")
    expect(answer.get_by_role("button", name="Resume reading")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("said").count("last") == 2
    page.evaluate("utterance.dispatchEvent(new Event('end'))")
    expect(answer.get_by_role("button", name="Read aloud")).to_be_focused()
    answer.get_by_role("button", name="Read aloud").click()
    page.evaluate("utterance.dispatchEvent(new Event('error'))")
    expect(page.locator("#toasts")).to_contain_text("Your browser couldn't read this aloud.")
    answer.get_by_role("button", name="Read aloud").click()
    page.locator("#new-chat").click()
    expect(page.locator(".welcome")).to_be_visible()
    assert page.evaluate("said.at(-1)") == "(silence)"
