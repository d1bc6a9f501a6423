"""A program that reads answers as the chat's page does: it asks, shows what arrives, and resumes after a loss."""

import asyncio
import base64
import json
import os
import socket
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from tests.browser.people import Person

__all__ = ["MODEL", "Reader", "in_a_loop"]

MODEL = "openai/gpt-4o-mini"
PATIENCE = 60  # seconds

Result = TypeVar("Result")


def in_a_loop(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a loop of its own: the browser's keeps the main thread's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()


class Reader:
    """One answer on one page. `shown` is its text there; it must never become shorter."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.id = uuid.uuid4().hex
        self.key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        self.shown = ""
        self.resumed = ""  # the text since the last resumption began
        self.kinds: list[str] = []  # of the frames, in order
        self.refusal: dict[str, Any] = {}
        self.generation = ""  # the ID by which it is billed
        self.cost: str | None = None
        self._socket: ClientConnection | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come: `lost` says that the server has no more of it."""
        return bool({"ended", "lost"} & set(self.kinds))

    async def open(self, url: str, *, receives: int = 0, **sandbox: str) -> None:
        """Connect; `sandbox` are controls of the simulated providers. `receives` bytes wait for the program to read."""
        headers = {f"X-Sandbox-{name}": value for name, value in sandbox.items()}
        address = url.replace("http", "ws", 1) + "/ws/chat"
        headers["Cookie"] = f"sessionid={self.person.session}"
        options: dict[str, Any] = {"additional_headers": headers, "origin": url, "proxy": None, "max_size": None}
        if receives:
            options["sock"] = line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
            line.connect((urlsplit(url).hostname, urlsplit(url).port))
        self._socket = await connect(address, **options)
        assert (await self._frame())["type"] == "ready"

    async def ask(self, prompt: str = "Tell me a lot", **body: Any) -> None:
        question = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **body}
        await self.say(type="ask", id=self.id, body=question, key=self.key)

    async def say(self, **message: Any) -> None:
        assert self._socket
        await self._socket.send(json.dumps(message))

    async def resume(self, url: str) -> None:
        """Ask for the rest of the answer on another connection."""
        await self.open(url)
        await self.say(type="resume", id=self.id, key=self.key)

    async def read(self, until: Callable[["Reader"], object]) -> None:
        """Show what arrives until the condition holds."""
        async with asyncio.timeout(PATIENCE):
            while not until(self):
                await self.next()

    async def next(self) -> None:
        """Show the next frame. One of an answer that is resumed begins it anew, behind what is shown."""
        frame = await self._frame()
        if frame["type"] != "resumed":
            self._apply(frame)
            return
        if frame["start"] == 0:
            self.resumed, self.kinds = "", []
        for each in frame["frames"]:
            self._apply(each)

    def lose_connection(self) -> None:
        """Cut the line, without a word to the server."""
        assert self._socket
        self._socket.transport.abort()

    def pause(self) -> None:
        """Take nothing more from the line, which stays open."""
        assert self._socket
        self._socket.transport.pause_reading()

    def go_on(self) -> None:
        """Take what is there again."""
        assert self._socket
        self._socket.transport.resume_reading()

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()

    def _apply(self, frame: dict[str, Any]) -> None:
        if frame.get("id") != self.id:
            return
        self.kinds.append(frame["type"])
        if frame["type"] == "billed":
            self.cost = frame["cost"]
        elif frame["type"] == "started":
            self.generation = frame["generation_id"]
        elif frame["type"] == "refused":
            self.refusal = frame
        self.resumed += frame.get("text", "")
        assert self.resumed.startswith(self.shown) or self.shown.startswith(self.resumed), "another text"
        self.shown = max(self.shown, self.resumed, key=len)

    async def _frame(self) -> dict[str, Any]:
        assert self._socket
        async with asyncio.timeout(PATIENCE):
            frame: dict[str, Any] = json.loads(await self._socket.recv())
        return frame
