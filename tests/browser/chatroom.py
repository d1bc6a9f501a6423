"""The chatroom in a browser: a site for all its tests, people with and without credits, and what they do there."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.processes import Site

__all__ = ["Room", "chatroom", "enter", "people", "room"]

# Each person gets a session, so that no test spends time signing in.
PEOPLE = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts import access
from accounts.models import User
from billing import ledger, spending
from billing.models import LedgerEntry
from common.money import pico_from_cents
sessions = {}
for name, cents in (("alice", 1000), ("poor", 0)):
    user = User.objects.create_user(f"{name}@example.com", None)
    account = spending.account_of(access.open_personal_organisation(user))
    if cents:
        ledger.add(account, pico_from_cents(cents), kind=LedgerEntry.Kind.GRANT, reference=f"test:{account.pk}")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    sessions[name] = session.session_key
print("SESSIONS", json.dumps(sessions))
"""


@pytest.fixture(scope="session")
def chatroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for every test of the chatroom: conversations live in each test's own browser profile."""
    folder = tmp_path_factory.mktemp("chatroom")
    with Site(folder, processes=("providers", "web"), SANDBOX_PROVIDERS_SPEED="5") as site:
        yield site


@pytest.fixture(scope="session")
def people(chatroom: Site) -> dict[str, str]:
    """Session keys: alice has $10, poor has nothing."""
    found = re.search(r"SESSIONS (.*)", chatroom.manage("shell", "-c", PEOPLE))
    assert found
    sessions: dict[str, str] = json.loads(found[1])
    return sessions


class Room:
    """A page of the chatroom, and what its socket has said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[dict[str, Any]] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)

    def _sent(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "ask":
            self.asked.append(message["body"])

    def open(self, url: str) -> "Room":
        self.page.goto(url)
        expect(self.page.locator("#chat[data-ready]")).to_be_attached()
        return self

    def reload(self) -> None:
        self.page.reload()
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
        return self.page.locator("#thread .answer .said").all_inner_texts()

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


def enter(page: Page, site: Site, session: str, path: str = "/chat") -> Room:
    """Go into the chatroom with somebody's session."""
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
    return Room(page).open(site.url + path)


@pytest.fixture
def room(chatroom: Site, people: dict[str, str], new_page: Callable[..., Page]) -> Callable[..., Room]:
    """Opens the chatroom for a person. `sandbox` tells the provider what to do; other arguments are the context's."""

    def open_room(
        who: str = "alice", path: str = "/chat", sandbox: dict[str, str] | None = None, **options: Any
    ) -> Room:
        options.setdefault("viewport", {"width": 1440, "height": 900})
        headers = {f"X-Sandbox-{name}": value for name, value in (sandbox or {}).items()}
        return enter(new_page(extra_http_headers=headers, **options), chatroom, people[who], path)

    return open_room
