"""Mixed traffic on a running site: pages, API, inference, webhooks and sockets, with the outcome of each request."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets

from tests.support.processes import Site

MODEL = "openai/gpt-4o-mini"
FREE_MODEL = "google/gemma-4-26b-a4b-it:free"
#: Statuses of requests that were served. 429 is the limit of free models.
SERVED = {200, 429}
#: Close code of a socket that should connect again later.
TRY_AGAIN_LATER = 1013

MEMBER = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from django.core.management import call_command
call_command("demo_account", "--credits", "100", "--json")
client = Client()
client.force_login(get_user_model().objects.get(email="demo@example.com"))
print(client.session.session_key)
"""


@dataclass(frozen=True)
class Outcome:
    """One request: its HTTP status, and the problem if the response is wrong."""

    kind: str
    began: float
    ended: float
    status: int
    problem: str = ""
    generation: str = ""


@dataclass
class Traffic:
    """Clients of a site that send requests of random kinds."""

    url: str
    key: str
    session: str
    outcomes: list[Outcome] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site) -> "Traffic":
        """Traffic of one member with $100."""
        account, session = site.manage("shell", "--no-imports", "-c", MEMBER).split("\n")[:2]
        return cls(site.url, json.loads(account)["api_key"], session)

    @property
    def kinds(self) -> dict[str, Callable[[httpx.AsyncClient], Awaitable[tuple[int, str, str]]]]:
        return {
            "page": lambda client: self.page(client, "/settings/keys"),
            "home": lambda client: self.page(client, "/"),
            "sign-in": lambda client: self.page(client, "/account/login/", {"login": "a@example.com", "password": "x"}),
            "api": lambda client: self.api(client, "/api/v1/key"),
            "models": lambda client: self.api(client, "/api/v1/models/user"),
            "inference": lambda client: self.inference(client, MODEL),
            "stream": lambda client: self.inference(client, MODEL, stream=True),
            "free": lambda client: self.inference(client, FREE_MODEL),
            "webhook": self.webhook,
            "socket": self.socket,
        }

    async def send(self, requests: int, clients: int = 10) -> list[Outcome]:
        """Send so many requests, of every kind in turn; returns their outcomes."""
        kinds = [name for name, _ in zip(_forever(self.kinds), range(requests), strict=False)]
        first = len(self.outcomes)

        async def work(client: httpx.AsyncClient) -> None:
            while kinds:
                await self._one(client, kinds.pop())

        async with self._clients(clients) as opened:
            await asyncio.gather(*(work(client) for client in opened))
        return self.outcomes[first:]

    @contextlib.asynccontextmanager
    async def running(self, clients: int = 10) -> AsyncIterator[None]:
        """Send requests until the block ends: each client every kind in turn, with short pauses."""
        stopping = asyncio.Event()

        async def work(client: httpx.AsyncClient, number: int) -> None:
            kinds = [*self.kinds]
            while not stopping.is_set():
                number += 1
                await self._one(client, kinds[number % len(kinds)])
                await asyncio.sleep(0.02)

        async with self._clients(clients) as opened:
            working = [asyncio.create_task(work(client, number)) for number, client in enumerate(opened)]
            try:
                yield
            finally:
                stopping.set()
                await asyncio.gather(*working)

    @contextlib.asynccontextmanager
    async def _clients(self, number: int) -> AsyncIterator[list[httpx.AsyncClient]]:
        async with contextlib.AsyncExitStack() as stack:
            options: dict[str, Any] = {"base_url": self.url, "timeout": 30, "trust_env": False}
            options["headers"] = {"Cookie": f"sessionid={self.session}; csrftoken={'c' * 32}", "X-Sandbox-Tokens": "4"}
            yield [await stack.enter_async_context(httpx.AsyncClient(**options)) for _ in range(number)]

    async def _one(self, client: httpx.AsyncClient, kind: str) -> None:
        began = time.monotonic()
        try:
            status, problem, generation = await self.kinds[kind](client)
        except (httpx.HTTPError, websockets.WebSocketException, OSError) as error:
            status, problem, generation = 0, repr(error), ""
        self.outcomes.append(Outcome(kind, began, time.monotonic(), status, problem, generation))

    async def page(
        self, client: httpx.AsyncClient, path: str, form: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        if form is None:
            response = await client.get(path)
        else:  # signed out, or the page would redirect
            cookie = {"Cookie": f"csrftoken={'c' * 32}"}
            form = form | {"csrfmiddlewaretoken": "c" * 32}
            response = await client.post(path, data=form, headers=cookie)
        return response.status_code, _problem(response, lambda: "Temporarily unavailable" in response.text), ""

    async def api(self, client: httpx.AsyncClient, path: str) -> tuple[int, str, str]:
        response = await client.get(path, headers={"Authorization": f"Bearer {self.key}"})
        return response.status_code, _problem(response, lambda: _is_clear_json(response)), ""

    async def inference(self, client: httpx.AsyncClient, model: str, *, stream: bool = False) -> tuple[int, str, str]:
        response = await client.post(
            "/api/v1/chat/completions",
            headers={"Authorization": f"Bearer {self.key}"},
            json={"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": stream},
        )
        problem = _problem(response, lambda: _is_clear_json(response))
        if response.status_code == 200 and stream and not response.text.endswith("data: [DONE]\n\n"):
            problem = f"the stream broke off: {response.text[-200:]}"
        generation = response.headers.get("x-generation-id", "") if response.status_code == 200 else ""
        return response.status_code, problem, generation

    async def webhook(self, client: httpx.AsyncClient) -> tuple[int, str, str]:
        event = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": "customer.created", "livemode": False}
        event |= {"created": int(time.time()), "data": {"object": {"id": "cus_1", "object": "customer"}}}
        body = json.dumps(event).encode()
        moment = str(int(time.time()))
        digest = hmac.new(b"whsec_local_sandbox", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={moment},v1={digest}", "Content-Type": "application/json"}
        response = await client.post("/webhooks/stripe", content=body, headers=headers)
        return response.status_code, _problem(response, lambda: True), ""

    async def socket(self, _: httpx.AsyncClient) -> tuple[int, str, str]:
        """Open a socket, ask, and read to the end."""
        url = self.url.replace("http", "ws", 1) + "/ws/chat"
        headers = {"Cookie": f"sessionid={self.session}", "X-Sandbox-Tokens": "4"}
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
        options: dict[str, Any] = {"origin": self.url, "additional_headers": headers, "proxy": None}
        generation = ""
        try:
            async with asyncio.timeout(30), websockets.connect(url, **options) as socket:
                async for text in socket:
                    frame = json.loads(text)
                    match frame["type"]:
                        case "ready":
                            await socket.send(json.dumps({"type": "ask", "id": "a1", "body": body}))
                        case "started":
                            generation = frame["generation_id"]
                        case "refused":
                            status = frame["status"]
                            return status, "" if status == 503 else f"refused: {text!r}", ""
                        case "ended":
                            return 200, "", generation
        except websockets.InvalidStatus as error:
            return error.response.status_code, "the handshake failed", ""
        except TimeoutError:
            return 0, "a silent socket", generation
        except websockets.ConnectionClosed:
            pass
        code = socket.close_code
        return 503, "" if code == TRY_AGAIN_LATER else f"closed with {code}", generation


def _is_clear_json(response: httpx.Response) -> bool:
    error = response.json()["error"]
    return "temporarily unavailable" in error["message"] and error["code"] == response.status_code


def _problem(response: httpx.Response, is_clear: Callable[[], bool]) -> str:
    if response.status_code in SERVED:
        return ""
    if response.status_code == 503 and "retry-after" in response.headers and is_clear():
        return ""
    return f"{response.status_code}: {response.text[:300]}"


def _forever(names: Iterable[str]) -> Iterable[str]:
    while True:
        yield from names
