"""A plain client for the providers sandbox, with every byte that came back."""

import json
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.processes import wait_until


@dataclass
class Stream:
    """One streamed answer as it was on the wire."""

    status: int
    headers: httpx.Headers
    raw: bytes
    broken: Exception | None = None  # what the client met when the connection broke
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return [line for line in self.raw.decode().replace("\r\n", "\n").split("\n") if line]

    @property
    def data(self) -> list[str]:
        return [line.removeprefix("data:").strip() for line in self.lines if line.startswith("data:")]

    @property
    def comments(self) -> list[str]:
        return [line for line in self.lines if line.startswith(":")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The chunks that are JSON."""
        found = []
        for data in self.data:
            try:
                found.append(json.loads(data))
            except ValueError:
                continue
        return [chunk for chunk in found if isinstance(chunk, dict)]

    @property
    def choices(self) -> list[dict[str, Any]]:
        return [choice for chunk in self.chunks for choice in chunk.get("choices", ())]

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [choice["delta"] for choice in self.choices]

    @property
    def pieces(self) -> list[str]:
        """The tokens of the text."""
        return [delta["content"] for delta in self.deltas if delta.get("content")]

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def finishes(self) -> list[str]:
        return [choice["finish_reason"] for choice in self.choices if choice.get("finish_reason")]

    @property
    def usages(self) -> list[dict[str, Any]]:
        return [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]

    @property
    def is_done(self) -> bool:
        return self.data[-1:] == ["[DONE]"]


class Providers:
    """The sandbox, in a session of its own."""

    def __init__(self, url: str, session: str, client: httpx.Client) -> None:
        self.url = url
        self.client = client
        self.session = f"{session.encode('ascii', 'replace').decode()}-{uuid.uuid4().hex[:8]}"

    def headers(self, headers: dict[str, str] | None) -> dict[str, str]:
        return {"Authorization": "Bearer any", "X-Sandbox-Session": self.session, **(headers or {})}

    def body(self, prompt: str | list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return {"model": "openai/gpt-4o", "messages": messages, **fields}

    def post(
        self, provider: str, prompt: str | list[dict[str, Any]] = "Hi", headers=None, **fields: Any
    ) -> httpx.Response:
        """The response in one piece, whatever its status."""
        return self.client.post(
            f"/{provider}/v1/chat/completions", json=self.body(prompt, **fields), headers=self.headers(headers)
        )

    def answer(
        self, prompt: str | list[dict[str, Any]], provider: str = "openai", headers=None, **fields: Any
    ) -> dict[str, Any]:
        """The message of an answer in one piece."""
        response = self.post(provider, prompt, headers, **fields)
        assert response.status_code == 200, response.text
        return response.json()["choices"][0]["message"]

    def say(self, prompt: str | list[dict[str, Any]], **fields: Any) -> str:
        """The text of an answer in one piece, always worded the same."""
        return self.answer(prompt, **{"seed": 1, **fields})["content"]

    def stream(self, provider: str, prompt: str | list[dict[str, Any]] = "Hi", headers=None, **fields: Any) -> Stream:
        """A streamed answer, read until its end or until it breaks."""
        body = self.body(prompt, stream=True, **fields)
        path = f"/{provider}/v1/chat/completions"
        return self.read_stream(path, body, headers)

    def read_stream(self, path: str, body: dict[str, Any], headers=None) -> Stream:
        raw = b""
        broken = None
        with self.client.stream("POST", path, json=body, headers=self.headers(headers)) as response:
            try:
                for piece in response.iter_bytes():
                    raw += piece
            except httpx.TransportError as error:
                broken = error
            return Stream(response.status_code, response.headers, raw, broken, body)

    def chunks(self, provider: str, prompt: str, headers=None, **fields: Any) -> list[bytes]:
        """Return the HTTP chunks of a streamed response, as the sandbox wrote them.

        How many of them a read of the socket returns depends on the load of the machine; their boundaries do not.
        """
        address = urlsplit(self.url)
        body = json.dumps(self.body(prompt, stream=True, **fields)).encode()
        head = [f"POST /{provider}/v1/chat/completions HTTP/1.1", "Host: sandbox", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in self.headers(headers).items()] + ["Connection: close"]
        received = b""
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            while packet := connection.recv(65536):
                received += packet
        chunks, rest = [], received.partition(b"\r\n\r\n")[2]
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            chunks.append(rest[:length])
            rest = rest[length + 2 :]
        return chunks[:-1]  # the last one is empty and ends the body

    def wait_for_record(self, field: str) -> dict[str, Any]:
        """The record of the first request, once it says that it is `finished` or `disconnected`."""

        def is_so() -> bool:
            return any(record[field] for record in self.recorded()[:1])

        wait_until(is_so, f"the sandbox to record {field}")
        return self.recorded()[0]

    def recorded(self) -> list[dict[str, Any]]:
        """The requests of this session."""
        return self.client.get("/_test/requests", params={"session": self.session}).json()


def fault(what: str) -> dict[str, str]:
    return {"X-Sandbox-Fault": what}


def tokens(count: int, **more: str) -> dict[str, str]:
    return {"X-Sandbox-Tokens": str(count), **more}
