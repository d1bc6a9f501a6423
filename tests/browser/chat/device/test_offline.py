"""The chat without a network, and with a site that is down: what is shown, to which user, and how it gets newer."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, chatroom, people, room
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site, wait_until

__all__ = ["chatroom", "people", "room"]

#: Resolves to what the device keeps: names of caches, whether a worker is there, and the noted user.
KEPT = """async () => ({
    caches: (await caches.keys()).length,
    worker: Boolean(await navigator.serviceWorker.getRegistration("/chat")),
    user: localStorage.getItem("chat-offline-user"),
})"""
NOTHING = {"caches": 0, "worker": False, "user": None}
OFFLINE = "You're offline. You can read your chats."


@pytest.fixture
def installed(room: OpenRoom, faults: list[str]) -> Iterator[Callable[..., Room]]:
    """Opens the chatroom, with one answered question, on a device whose worker is ready."""

    opened: list[Room] = []

    def open_room(who: str = "alice", **options: Any) -> Room:
        chat = room(who, sandbox=QUICK, service_workers="allow", **options)
        opened.append(chat)
        chat.ask("Lighthouses of Brittany")
        chat.page.evaluate("async () => { await navigator.serviceWorker.ready }")
        assert faults == []  # the policy allows the worker, the manifest and the files
        return chat

    yield open_room
    for chat in opened:
        chat.page.close()  # it may go on trying
    # The browser reports each request that fails without a network. A violation of the content policy is still a fault.
    assert [fault for fault in faults if "Content Security Policy" in fault or "script:" in fault] == []
    faults.clear()


def test_old_chats_are_there_without_a_network_and_the_page_says_what_needs_one(installed: Callable[..., Room]):
    chat = installed()
    page = chat.page
    answer = chat.answers[0]
    page.context.set_offline(True)
    chat.reload()
    expect(page.locator(".bubble")).to_have_text("Lighthouses of Brittany")
    assert chat.answers == [answer]
    expect(page.locator("#connection")).to_contain_text(OFFLINE)
    expect(page.locator("#connection")).to_contain_text("Your balance and new models need a connection")
    expect(page.locator("[data-balance]")).to_have_count(0)
    assert page.evaluate("document.fonts.check('1rem Inter')")
    page.locator("#rail-search").fill("brittany")
    expect(page.locator("#conversations .conv")).to_have_count(1)
    check_looks(page)

    page.set_viewport_size({"width": 1440, "height": 900})
    chat.ask("Are you there?", wait=False)
    page.context.set_offline(False)
    chat.wait()
    assert len(chat.answers) == 2
    expect(page.locator(".toast.reload")).to_contain_text("You're connected again.")
    page.get_by_role("button", name="Reload").click()
    chat.expect_ready()
    expect(page.locator("[data-balance]").first).to_be_attached()  # the site's own page


def test_nothing_of_a_user_and_no_answer_of_the_api_is_kept(installed: Callable[..., Room]):
    page = installed().page
    page.reload()
    expect(page.locator("#chat[data-ready]")).to_be_attached()  # now through the worker
    kept = page.evaluate(
        """async () => {
            const kept = {};
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                    const text = await (await cache.match(request)).text();
                    kept[new URL(request.url).pathname] = text.includes("user_") || text.includes("person-");
                }
            }
            return kept;
        }"""
    )
    assert "/chat/shell" in kept and "/chat" not in kept
    assert all(path.startswith("/static/") for path in kept if path != "/chat/shell")
    assert kept["/chat/shell"] is False
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):  # no other page is the worker's
        page.goto(page.url.split("/chat")[0] + "/models")


def test_signing_out_removes_the_page_from_the_device(
    installed: Callable[..., Room], chatroom: Site, people: dict[str, Person]
):
    people["leaver"] = new_person(chatroom, cents=1000)  # whose session ends here
    page = installed("leaver").page
    assert page.evaluate(KEPT)["user"]
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    wait_until(lambda: page.evaluate(KEPT) == NOTHING, "an empty device")
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(f"{chatroom.url}/chat")


def test_an_open_chat_that_learns_of_a_sign_out_removes_it_too(
    installed: Callable[..., Room], chatroom: Site, people: dict[str, Person]
):
    people["leaver"] = new_person(chatroom, cents=1000)
    page = installed("leaver").page
    page.context.clear_cookies()
    page.evaluate("window.dispatchEvent(new Event('offline'))")  # the next handshake has no session
    expect(page.locator("#connection")).to_contain_text("You're signed out.")
    wait_until(lambda: page.evaluate(KEPT) == NOTHING, "an empty device")


def test_a_removal_that_was_interrupted_is_finished_by_the_next_page(installed: Callable[..., Room], chatroom: Site):
    page = installed().page
    page.evaluate("localStorage.setItem('chat-offline-user', '')")  # the first step; then the page was left
    page.context.clear_cookies()
    page.goto(f"{chatroom.url}/models")
    wait_until(lambda: page.evaluate(KEPT) == NOTHING, "an empty device")


def test_another_user_does_not_see_the_chats_of_the_first(
    installed: Callable[..., Room], chatroom: Site, people: dict[str, Person]
):
    chat = installed("poor")
    page = chat.page
    enter(page, chatroom, people["alice"], "/models")  # a session that has ended, and no sign-out
    wait_until(lambda: page.evaluate(KEPT) == NOTHING, "an empty device")
    page.goto(f"{chatroom.url}/chat")
    chat.expect_ready()
    page.evaluate("async () => { await navigator.serviceWorker.ready }")
    page.context.add_cookies([{"name": "theme", "value": "dark", "url": chatroom.url}])
    page.context.set_offline(True)
    chat.reload()
    expect(page.locator("#connection")).to_contain_text(OFFLINE)
    expect(page.locator("#conversations .conv")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_page_without_a_noted_user_shows_no_chats(installed: Callable[..., Room]):
    page = installed().page
    page.evaluate("localStorage.removeItem('chat-offline-user')")
    page.context.clear_cookies()
    page.goto(page.url.split("#")[0] + "/shell", wait_until="commit")
    expect(page).to_have_url(re.compile(r"/account/login/\?next=%2Fchat$"))


def test_a_new_version_says_so_and_takes_over_with_a_reload(installed: Callable[..., Room]):
    chat = installed()
    page = chat.page
    chat.reload()
    page.evaluate("async () => { await navigator.serviceWorker.register('/chat-worker.js?next', { scope: '/chat' }) }")
    expect(page.locator(".toast.reload")).to_contain_text("A new version is ready.")
    check_looks(page)
    state = """async () => {
        const { active, waiting } = await navigator.serviceWorker.getRegistration("/chat");
        return [active?.scriptURL.split("/").at(-1), waiting?.scriptURL.split("/").at(-1)];
    }"""
    assert page.evaluate(state) == ["chat-worker.js", "chat-worker.js?next"]
    # A page registers its own address: let it ask for the one that is there.
    page.add_init_script(
        """const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
        navigator.serviceWorker.register = (url, options) => register(`${url}?next`, options);"""
    )
    page.get_by_role("button", name="Reload").click()
    chat.expect_ready()
    wait_until(lambda: page.evaluate(state) == ["chat-worker.js?next", None], "the new version")
    expect(page.locator(".toast.reload")).to_have_count(0)


def test_without_a_secure_context_nothing_is_kept_and_nothing_breaks(room: OpenRoom):
    page = room(sandbox=QUICK).page
    page.add_init_script(
        """Object.defineProperty(Navigator.prototype, "serviceWorker", { value: undefined });
        Object.defineProperty(window, "caches", { value: undefined });"""
    )
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.locator("#chat[data-ready]")).to_be_attached()
    assert page.evaluate("localStorage.getItem('chat-offline-user')") is None


# --- A site that is down --------------------------------------------------------------------------


class Front:
    """An address in front of the site that can be taken down: "up", "refused" or "unavailable" (503)."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.state = "up"
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def take_down(self, state: str) -> None:
        self.state = state
        for each in self._open:
            with suppress(OSError):  # already closed
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()
        self.take_down("refused")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self.state == "up":
                site = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, site]
                for pair in ((client, site), (site, client)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()
                continue
            if self.state == "unavailable":
                client.recv(65536)
                client.sendall(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndown")
            client.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # taken down
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def front(chatroom: Site) -> Iterator[Front]:
    front = Front(int(chatroom.url.rsplit(":", 1)[1]))
    yield front
    front.close()


@pytest.mark.parametrize("state", ["refused", "unavailable"])
def test_a_site_that_is_down_leaves_the_old_chats(
    new_page: Callable[..., Page],
    people: dict[str, Person],
    front: Front,
    faults: list[str],
    state: str,
):
    page = new_page(service_workers="allow", extra_http_headers={"X-Sandbox-Tokens": "6"})
    chat = Room(page)
    page.context.add_cookies([{"name": "sessionid", "value": people["alice"].session, "url": front.url}])
    chat.open(f"{front.url}/chat")
    chat.ask("Lighthouses of Brittany")
    page.evaluate("async () => { await navigator.serviceWorker.ready }")
    front.take_down(state)
    chat.reload()
    expect(page.locator(".bubble")).to_have_text("Lighthouses of Brittany")
    expect(page.locator("#connection")).to_contain_text("The site can't be reached. You can read your chats.")
    page.close()  # it goes on trying
    faults.clear()  # the browser reports failed connections
