"""The chatroom in a browser: people with and without credits, and what they do there."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.people import Person, enter, new_person
from tests.support.gates import Gate
from tests.support.processes import Site, wait_until

__all__ = [
    "PIXEL", "QUICK", "MakeGate", "OpenRoom", "Room", "agree", "chatroom", "choose_file", "facts", "gate",
    "last_answer", "menu", "new_chat", "people", "room", "titles",
]  # fmt: skip

#: A short answer, of the sandbox.
QUICK = {"Tokens": "6"}
#: The smallest picture.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="session")
def chatroom(sites: Callable[[str], Site]) -> Site:
    return sites("embedded")


@pytest.fixture(scope="session")
def people(chatroom: Site) -> dict[str, Person]:
    """Alice has $10, low 50 cents, poor nothing. Every test meets them; conversations live in its browser profile."""
    return {name: new_person(chatroom, cents=cents) for name, cents in (("alice", 1000), ("low", 50), ("poor", 0))}


class Room:
    """A page of the chatroom, and what its socket has said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []  # with which the answers can be resumed
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)

    def _sent(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "ask":
            self.asked.append(message["body"])
            self.keys.append(message.get("key"))

    def open(self, url: str) -> "Room":
        self.page.goto(url)
        self.expect_ready()
        return self

    def reload(self) -> None:
        self.page.reload()
        self.expect_ready()

    def expect_ready(self) -> None:
        expect(self.page.locator("#chat[data-ready]")).to_be_attached()

    def ask(self, text: str, *, wait: bool = True) -> None:
        """Send a message and, unless told otherwise, wait for the whole answer."""
        turns = self.page.locator("#thread .exchange")
        before = turns.count()
        self.page.locator("#message").fill(text)
        self.page.locator("#send").click()
        expect(turns).to_have_count(before + 1)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until nothing is arriving any more."""
        expect(self.page.locator("#thread .answer").last).to_have_attribute("aria-busy", "false", timeout=60_000)
        expect(self.page.locator("#thread .answer[aria-busy=true]")).to_have_count(0, timeout=60_000)

    def choose(self, query: str, *, add: bool = False) -> None:
        """Choose a model by search, in place of the first or in addition."""
        self.page.locator("#models .add" if add else "#models .choose").first.click()
        self.page.locator("#picker-search").fill(query)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#picker")).to_be_hidden()

    @property
    def answers(self) -> list[str]:
        """The texts of the answers shown."""
        return self.page.locator("#thread .answer .answer-text").all_inner_texts()

    def stored(self) -> dict[str, Any]:
        """Everything in the browser's store, files as their bytes."""
        everything: dict[str, Any] = self.page.evaluate(
            """async () => {
                const { openDB } = await import("idb");
                const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
                const db = await openDB(`chat-${user}`);
                const sorted = (records) => records.sort((a, b) => (a.id < b.id ? -1 : 1));
                const files = await Promise.all((await db.getAll("files")).map(async ({ blob, ...file }) =>
                    ({ ...file, bytes: [...new Uint8Array(await blob.arrayBuffer())], kept_as: blob.type })));
                const [conversations, messages] = [await db.getAll("conversations"), await db.getAll("messages")];
                db.close();
                return { conversations: sorted(conversations), messages: sorted(messages), files: sorted(files) };
            }"""
        )
        return everything

    def wait_for_draft(self, text: str, files: int = 0) -> None:
        """Until the device keeps a draft with this text and so many files."""
        drafts = """async () => {
            const { openDB } = await import("idb");
            const { user } = JSON.parse(document.querySelector("#chat-setup").textContent);
            const db = await openDB(`chat-${user}`);
            const keys = (await db.getAllKeys("meta")).filter((key) => String(key).startsWith("draft:"));
            const drafts = await Promise.all(keys.map((key) => db.get("meta", key)));
            db.close();
            return drafts.filter(Boolean).map(({ text, files }) => [text, files.length]);
        }"""
        wait_until(lambda: [text, files] in self.page.evaluate(drafts), "the draft to be kept")

    def billed(self) -> dict[str, Any]:
        """The browser's store once every answer has its cost, which arrives shortly after its end."""

        def bills_are_there() -> bool:
            answers = [message for message in self.stored()["messages"] if message["role"] == "assistant"]
            return all("cost" in answer["meta"] for answer in answers)

        wait_until(bills_are_there, "the bills")
        return self.stored()


def last_answer(room: Room) -> Locator:
    return room.page.locator("#thread .answer").last


def facts(answer: Locator) -> dict[str, str]:
    """The details behind an answer's line of figures."""
    answer.locator(".meta summary").click()
    names, values = answer.locator(".meta dt").all_inner_texts(), answer.locator(".meta dd").all_inner_texts()
    return dict(zip(names, values, strict=True))


def titles(chat: Room) -> list[str]:
    return chat.page.locator("#conversations .conv a > span").all_text_contents()


def menu(chat: Room, title: str, act: str) -> None:
    row = chat.page.locator("#conversations .conv", has_text=title)
    row.hover()
    row.locator(".dots").click()
    chat.page.locator("#conversation-menu").get_by_text(act, exact=True).click()


def new_chat(chat: Room) -> None:
    chat.page.locator("#new-chat").click()
    expect(chat.page.locator(".welcome")).to_be_visible()


def choose_file(page: Page, button: str, *files: Any) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(list(files))


def agree(page: Page, title: str) -> None:
    """Press the main button of a dialog that asks something."""
    page.get_by_role("dialog", name=title).locator("footer .primary").click()


OpenRoom = Callable[..., Room]
MakeGate = Callable[[int], Gate]


@pytest.fixture
def gate(chatroom: Site) -> Iterator[MakeGate]:
    """Make a gate at which answers wait after so many tokens. Every gate is open when the test ends."""
    gates: list[Gate] = []

    def make(after: int) -> Gate:
        gates.append(Gate(chatroom.providers_url, after=after))
        return gates[-1]

    yield make
    for made in gates:
        made.open()


@pytest.fixture
def room(chatroom: Site, people: dict[str, Person], new_page: Callable[..., Page]) -> Callable[..., Room]:
    """Opens the chatroom for a person. `sandbox` tells the provider what to do; other arguments are the context's."""

    def open_room(
        who: str = "alice", path: str = "/chat", sandbox: dict[str, str] | None = None, **options: Any
    ) -> Room:
        headers = {f"X-Sandbox-{name}": value for name, value in (sandbox or {}).items()}
        room = Room(new_page(kept=True, extra_http_headers=headers, **options))
        enter(room.page, chatroom, people[who], path)
        room.expect_ready()
        return room

    return open_room
