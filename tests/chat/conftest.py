"""The chatroom's socket, opened on the real application: sessions, origins, gateway and a provider that answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from chat.answers import limits
from tests.gateway.conftest import Api, api, program_key, small_catalogue
from tests.support.gates import Gate

__all__ = ["Api", "Page", "api", "gate", "open_page", "page", "program_key", "small_catalogue"]

ORIGIN = b"http://127.0.0.1"


class Page:
    """The page's side of the socket."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        await self.socket.send_to(text_data=msgspec.json.encode(message).decode())

    async def ask(self, answer_id: str = "a1", prompt: str = "Hello there", **body: Any) -> None:
        request = {
            "model": "acme/one",
            "messages": [{"role": "user", "content": prompt}],
            "provider": {"sort": "price"},
        }
        await self.say(type="ask", id=answer_id, body=request | body)

    async def hear(self, seconds: float = 30) -> dict[str, Any]:
        """The next frame; AssertionError after so long."""
        try:
            frame: dict[str, Any] = msgspec.json.decode(await self.socket.receive_from(timeout=seconds))
        except TimeoutError as error:
            raise AssertionError(f"heard nothing more after {self.heard[-3:]}") from error
        self.heard.append(frame)
        return frame

    async def hear_until(self, kind: str, answer_id: str | None = None) -> dict[str, Any]:
        """Frames up to the first of this kind (of this answer)."""
        while True:
            frame = await self.hear()
            if frame["type"] == kind and answer_id in (None, frame.get("id")):
                return frame

    def kinds(self, answer_id: str = "a1") -> list[str]:
        """The kinds of an answer's frames, with repeats of the same kind once."""
        kinds = [frame["type"] for frame in self.heard if frame.get("id") == answer_id]
        return [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]

    def text(self, answer_id: str = "a1") -> str:
        return "".join(frame.get("text", "") for frame in self.heard if frame.get("id") == answer_id)


OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def open_page(api: Api) -> AsyncIterator[OpenPage]:
    """Opens a page with a client's cookies; further arguments are headers of the handshake."""
    from openrouter_site.asgi import application

    limits.message_rate.clear()
    sockets: list[WebsocketCommunicator] = []

    async def open_page(client: Client | None, *, origin: bytes = ORIGIN, **sandbox: str) -> Page:
        headers = [(b"host", b"127.0.0.1"), (b"origin", origin), (b"x-sandbox-session", api.session.encode())]
        headers += [(f"x-sandbox-{name}".encode(), value.encode()) for name, value in sandbox.items()]
        if client is not None:
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
            headers.append((b"cookie", cookies.encode()))
        socket = WebsocketCommunicator(application, "/ws/chat", headers=headers)
        sockets.append(socket)
        connected, _ = await socket.connect(timeout=30)
        assert connected, "the handshake was refused"
        return Page(socket)

    yield open_page
    for socket in sockets:
        if not socket.future.done():
            await socket.disconnect(timeout=30)
    await asyncio.sleep(0)


@pytest.fixture
async def gate(api: Api) -> AsyncIterator[Gate]:
    """A gate at which answers wait after twenty tokens, until the test opens it or ends."""
    gate = Gate(api.headers["X-Test-Sandbox"], after=20)
    yield gate
    await asyncio.to_thread(gate.open)


@pytest.fixture
async def page(open_page: OpenPage, alice_client: Client) -> Page:
    """Alice's page, ready."""
    page = await open_page(alice_client)
    assert (await page.hear())["type"] == "ready"
    return page
