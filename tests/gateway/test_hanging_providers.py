"""Providers that hang, and responses that take long, for callers that do not stream."""

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest

from gateway import asgi
from gateway.events import Delta
from gateway.models import Generation
from gateway.protocols.chat_completions.reply import gather
from gateway.routing import health
from gateway.routing.health import EndpointKey
from tests.gateway import factory
from tests.support.gates import Gate

FIRST = EndpointKey("acme/one", "cheap")


@pytest.fixture
def impatient(settings) -> None:
    """Soon on to the next provider; the last one, and a whole response, may take as long as in production."""
    settings.PROVIDER_FIRST_TOKEN_SECONDS = 0.3


async def gate(api, after: int) -> Gate:
    return await asyncio.to_thread(Gate, api.headers["X-Test-Sandbox"], after=after)


def posting(api, *, sandbox: dict[str, str] | None = None, **body):
    """A chat completion as a task."""
    request = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}}
    return asyncio.create_task(api.post(json=request | body, headers=sandbox or {}))


async def asked_streamed(api) -> list[tuple[str, bool]]:
    """(provider, whether it was asked for a stream) of each request that the providers received."""
    return [(one["provider"], bool(one["body"].get("stream"))) for one in await api.received()]


# --- The next provider ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "slow-headers:30", "slow-first-token:30"])
@pytest.mark.parametrize("limit", [{}, {"max_tokens": 50}], ids=["any length", "short"])
async def test_the_next_provider_serves_a_caller_whose_first_one_hangs(api, impatient, fault, limit):
    async with asyncio.timeout(60):  # PROVIDER_WHOLE_SECONDS are 300
        answer = await api.chat(fault=f"cheap={fault}", **limit)
    assert (answer.status_code, answer.json()["provider"]) == (200, "Dear")
    row = await api.generation()
    assert [note["status"] for note in row.attempts] == [504, 200]
    assert health.tracker.snapshot().is_failing(FIRST)
    assert await Generation.objects.acount() == 1
    assert (await api.account()).usage == row.cost > 0
    await api.assert_books_balance()


async def test_a_provider_that_has_begun_may_take_longer_than_the_first_token(api, settings):
    settings.PROVIDER_FIRST_TOKEN_SECONDS = 2
    waiting = await gate(api, after=3)
    task = posting(api, sandbox=waiting.headers)
    await asyncio.to_thread(waiting.wait_for_an_answer)
    await asyncio.sleep(settings.PROVIDER_FIRST_TOKEN_SECONDS)
    await asyncio.to_thread(waiting.open)
    answer = await task
    assert answer.json()["provider"] == "Cheap"
    assert [note["status"] for note in (await api.generation()).attempts] == [200]


async def test_the_last_provider_may_be_slow_since_no_other_could_be_asked(api, impatient, settings):
    only = {"only": ["cheap"]}
    answer = await api.chat(fault="cheap=slow-first-token:1", provider=only)
    assert (answer.status_code, answer.json()["provider"]) == (200, "Cheap")
    settings.PROVIDER_WHOLE_SECONDS = 0.3
    assert (await api.chat(fault="cheap=hang", provider=only)).status_code == 504


@pytest.mark.parametrize("fault", ["cut:10", "truncate:10", "malformed:10", "error-in-stream:10", "hang"])
async def test_a_short_response_that_breaks_off_comes_from_the_next_provider(api, impatient, fault):
    answer = await api.chat(fault=f"cheap={fault}", max_tokens=60)
    assert (answer.status_code, answer.json()["provider"]) == (200, "Dear")
    await api.assert_books_balance()


async def test_latency_is_the_time_to_the_first_token(api):
    waiting = await gate(api, after=3)
    task = posting(api, sandbox=waiting.headers)
    await asyncio.to_thread(waiting.wait_for_an_answer)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(waiting.open)
    await task
    row = await api.generation()
    assert row.duration_ms - row.latency_ms >= 300
    assert row.streamed is False


# --- How providers are asked ------------------------------------------------------------------------


async def test_short_responses_are_asked_for_in_one_piece(api):
    await api.chat(max_tokens=256)
    await api.chat(max_tokens=257)
    await api.chat()
    assert await asked_streamed(api) == [("cheap", False), ("cheap", True), ("cheap", True)]


@pytest.fixture
def unseen(api) -> None:
    """`acme/thinker` at OpenAI, which does not send reasoning, then at DeepSeek, which does."""
    thinker = factory.model("acme/thinker")
    factory.endpoint(thinker, "openai", factory.CHEAP)
    factory.endpoint(thinker, "deepseek", factory.DEAR)


async def test_models_that_think_unseen_are_asked_for_one_piece(transactional_db, unseen, api):
    await api.chat(model="acme/thinker")
    await api.chat(model="acme/thinker", provider={"only": ["deepseek"]})
    assert await asked_streamed(api) == [("openai", False), ("deepseek", True)]


async def test_the_next_provider_serves_when_one_that_thinks_unseen_hangs(transactional_db, unseen, api, impatient):
    async with asyncio.timeout(60):
        answer = await api.chat(fault="openai=hang", model="acme/thinker")
    assert answer.json()["provider"] == "Deepseek"


class _RefusesStreams(http.server.BaseHTTPRequestHandler):
    """A server that does not stream."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 400
        reply: dict[str, Any] = {"error": {"message": "Your organization must be verified to stream this model."}}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "In one piece."}
            usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
            status, reply = 200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        content = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server_without_streams() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _RefusesStreams) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


async def test_a_provider_that_refuses_streams_is_asked_for_one_piece(api, server_without_streams, monkeypatch):
    from gateway.routing import upstreams

    monkeypatch.setenv("PROVIDER_CHEAP_BASE_URL", server_without_streams)
    monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "any")
    upstreams.clear()
    answer = await api.chat()
    assert answer.json()["choices"][0]["message"]["content"] == "In one piece."
    row = await api.generation()
    assert [(note["endpoint"], note["status"]) for note in row.attempts] == [("cheap", 200)]
    assert not health.tracker.snapshot().is_failing(FIRST)
    await api.assert_books_balance()


# --- Signs of life ----------------------------------------------------------------------------------


class Wire:
    """A request to the ASGI application, and the parts of its response as they come."""

    def __init__(self, api, body: dict, headers: dict[str, str]) -> None:
        request = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}}
        self._content = json.dumps(request | body).encode()
        self._headers = {"Authorization": f"Bearer {api.secret}", "X-Sandbox-Session": api.session, **headers}
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.parts: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._sent = False

    async def run(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        path = "/api/v1/chat/completions"
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        await asgi.application(scope, self._receive, self._send)

    async def _receive(self) -> dict:
        if self._sent:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._sent = True
        return {"type": "http.request", "body": self._content, "more_body": False}

    async def _send(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message["body"]
            self.parts.put_nowait(message["body"])


@asynccontextmanager
async def sending(api, sandbox: dict[str, str], **body):
    wire = Wire(api, body, sandbox)
    task = asyncio.create_task(wire.run())
    try:
        yield wire, task
    finally:
        await task


async def test_white_space_comes_before_a_response_that_takes_long(api, settings):
    settings.SIGN_OF_LIFE_SECONDS = 0.05
    waiting = await gate(api, after=3)
    async with sending(api, waiting.headers) as (wire, task):
        await asyncio.to_thread(waiting.wait_for_an_answer)
        async with asyncio.timeout(30):
            assert [await wire.parts.get(), await wire.parts.get()] == [b"\n", b"\n"]
        await asyncio.to_thread(waiting.open)
        await task
    assert wire.status == 200
    assert wire.headers["content-type"] == "application/json"
    reply = json.loads(wire.body)
    assert reply["id"] == wire.headers["x-generation-id"]
    assert reply["choices"][0]["finish_reason"] == "stop"
    row = await api.generation(reply["id"])
    assert reply["usage"]["completion_tokens"] == row.completion_tokens > 3
    await api.assert_books_balance()


async def test_no_byte_comes_before_a_provider_has_begun(api, settings):
    settings.SIGN_OF_LIFE_SECONDS = 0.05
    settings.PROVIDER_FIRST_TOKEN_SECONDS = settings.PROVIDER_WHOLE_SECONDS = 0.5
    async with sending(api, {"X-Sandbox-Fault": "*=hang"}) as (wire, task):
        await task
    assert wire.status == 504
    assert wire.body.startswith(b'{"error"')


async def test_signs_of_life_can_be_turned_off(api, settings):
    settings.SIGN_OF_LIFE_SECONDS = 0
    waiting = await gate(api, after=3)
    async with sending(api, waiting.headers) as (wire, task):
        await asyncio.to_thread(waiting.wait_for_an_answer)
        await asyncio.to_thread(waiting.open)
        await task
    assert wire.body.startswith(b"{")


async def test_a_failure_after_white_space_is_told_in_the_body(api, settings):
    """Parsed by OpenAI's own client."""
    settings.SIGN_OF_LIFE_SECONDS = 0.05
    waiting = await gate(api, after=3)
    headers = {**waiting.headers, "X-Sandbox-Fault": "*=cut:6", "X-Sandbox-Session": api.session}
    first_part = asyncio.Event()

    async def watched(scope, receive, send) -> None:
        async def noting(message) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                first_part.set()

        await asgi.application(scope, receive, noting)

    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport) as http_client:
        client = openai.AsyncOpenAI(
            api_key=api.secret, base_url="http://testserver/api/v1", http_client=http_client, max_retries=0
        )
        asking = client.chat.completions.with_raw_response.create(
            model="acme/one", messages=[{"role": "user", "content": "Hi"}], extra_headers=headers
        )
        task = asyncio.create_task(asking)
        await asyncio.to_thread(waiting.wait_for_an_answer)
        await asyncio.wait_for(first_part.wait(), 30)
        await asyncio.to_thread(waiting.open)
        raw = await task
    assert raw.status_code == 200
    assert raw.text.startswith("\n")
    completion = raw.parse()
    choice = completion.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("error", "")
    assert choice.model_extra["error"]["code"] == completion.model_extra["error"]["code"] == 502
    row = await api.generation(completion.id)
    assert (row.cost, row.error_status, completion.model) == (0, 502, "acme/one")
    await api.assert_books_balance()


async def test_a_response_that_breaks_off_after_white_space_comes_from_the_next_provider(api, settings):
    settings.SIGN_OF_LIFE_SECONDS = 0.05
    waiting = await gate(api, after=3)
    async with sending(api, {**waiting.headers, "X-Sandbox-Fault": "cheap=cut:6"}) as (wire, task):
        await asyncio.to_thread(waiting.wait_for_an_answer)
        async with asyncio.timeout(30):
            await wire.parts.get()
        await asyncio.to_thread(waiting.open)
        await task
    reply = json.loads(wire.body)
    assert (reply["provider"], reply["id"]) == ("Dear", wire.headers["x-generation-id"])
    assert (await api.account()).usage == (await api.generation()).cost
    await api.assert_books_balance()


# --- Gathered responses -----------------------------------------------------------------------------


def test_a_gathered_block_of_reasoning_is_one_block():
    """As a provider would have sent it in one piece; a signature or another index begins the next block."""
    pieces = [("Let me ", 0, {}), ("think.", 0, {}), ("", 0, {"signature": "abc"}), ("More.", 0, {}), ("New.", 1, {})]

    events = []
    for text, index, more in pieces:
        detail = {"type": "reasoning.text", "text": text, "format": "f", "index": index, **more}
        events.append(Delta(reasoning=text, reasoning_details=[detail]))
    message = gather(events)["choices"][0]["message"]
    assert [(one["text"], one.get("signature")) for one in message["reasoning_details"]] == [
        ("Let me think.", "abc"),
        ("More.", None),
        ("New.", None),
    ]
    assert message["reasoning"] == "Let me think.More.New."
