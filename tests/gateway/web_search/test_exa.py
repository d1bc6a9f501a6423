"""The client for Exa, against a server that responds as its documentation shows."""

import asyncio
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.providers import http
from gateway.providers.failures import ProviderFailure
from gateway.web_search.exa import search
from gateway.web_search.options import Options
from gateway.web_search.result import Result

RESPONSE = {
    "requestId": "b5947044c4b78efa9552a7c89b306d95",
    "resolvedSearchType": "neural",
    "results": [
        {
            "id": "https://arxiv.example.org/abs/2307.06435",
            "title": "A Comprehensive Overview of Large Language Models",
            "url": "https://arxiv.example.org/pdf/2307.06435.pdf",
            "publishedDate": "2023-11-16T01:36:32.547Z",
            "author": "A. Author, Example University",
            "image": "https://arxiv.example.org/page_1.png",
            "favicon": "https://arxiv.example.org/favicon.ico",
            "text": "Abstract. Large Language Models ...",
            "highlights": ["Such requirements have limited their adoption", "in practice"],
            "highlightScores": [0.4600165784358978, 0.3],
            "summary": "An overview.",
        },
        {"id": "2", "url": "http://plain.example.com/", "title": None, "publishedDate": None, "summary": "Short."},
        {"id": "3", "url": "https://full.example.com/", "title": "Full", "text": "All of it.", "highlights": []},
        {"id": "4", "url": "javascript:alert(1)", "title": "Not a page"},
        {"id": "5", "title": "Nowhere"},
    ],
    "searchTime": 812.4,
    "costDollars": {"total": 0.007, "search": {"neural": 0.007}},
}


class Exa:
    """A server with one response; `received` has the path, headers and body of each request."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps(RESPONSE).encode()
        self.headers: dict[str, str] = {}
        self.received: list[tuple[str, dict, dict]] = []
        exa = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                exa.received.append((self.path, headers, body))
                self.send_response(exa.status)
                for name, value in {"Content-Length": str(len(exa.body)), **exa.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(exa.body)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    async def search(self, **options) -> list[Result]:
        try:
            return await search(self.address, "exa-key", "What is new?", Options(**options), {})
        finally:
            await http.close()


@pytest.fixture
def exa():
    server = Exa()
    yield server
    server.server.shutdown()
    server.server.server_close()


async def test_a_search_is_requested_as_documented(exa):
    await exa.search(max_results=7, include_domains=["example.com/blog"], exclude_domains=["*.example.net"])
    ((path, headers, body),) = exa.received
    assert path == "/search"
    assert headers["x-api-key"] == "exa-key"
    assert headers["content-type"] == "application/json"
    assert body == {
        "query": "What is new?",
        "type": "auto",
        "numResults": 7,
        "contents": {"highlights": {"maxCharacters": 2000}},
        "includeDomains": ["example.com/blog"],
        "excludeDomains": ["*.example.net"],
    }


async def test_filters_that_are_not_set_are_left_out(exa):
    await exa.search()
    ((_, _, body),) = exa.received
    assert set(body) == {"query", "type", "numResults", "contents"}


async def test_pages_become_results_with_their_best_text(exa):
    assert await exa.search() == [
        Result(
            title="A Comprehensive Overview of Large Language Models",
            url="https://arxiv.example.org/pdf/2307.06435.pdf",
            content="Such requirements have limited their adoption\n[...]\nin practice",
            published="2023-11-16",
        ),
        Result(title="http://plain.example.com/", url="http://plain.example.com/", content="Short."),
        Result(title="Full", url="https://full.example.com/", content="All of it."),
    ]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b'{"requestId": "x", "error": "Invalid API key", "tag": "INVALID_API_KEY"}', "Invalid API key"),
        (402, b'{"requestId": "x", "error": "Out of credits", "tag": "NO_MORE_CREDITS"}', "Out of credits"),
        (429, b'{"error": "You have exceeded your rate limit of 5 requests per second."}', "You have exceeded"),
        (500, b"<html>", "Provider returned error"),
    ],
    ids=str,
)
async def test_an_error_is_a_failure_with_its_status_and_message(exa, status, body, message):
    exa.status, exa.body, exa.headers = status, body, {"Retry-After": "3"}
    with pytest.raises(ProviderFailure) as raised:
        await exa.search()
    assert raised.value.status == status
    assert raised.value.message.startswith(message)
    assert raised.value.retry_after == 3


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"<html>", b'{"results": "none"}', b'{"results": [5]}', b'{"results": [{"url": 5}]}', b"\xff"],
)
async def test_an_invalid_response_is_a_failure(exa, body):
    exa.body = body
    with pytest.raises(ProviderFailure) as raised:
        await exa.search()
    assert raised.value.status == 502


async def test_a_response_may_have_no_results(exa):
    exa.body = b'{"requestId": "x", "results": []}'
    assert await exa.search() == []


async def test_with_a_key_online_models_get_exas_results(api, exa, settings):
    settings.WEB_SEARCH_ENGINE, settings.EXA_API_KEY, settings.EXA_BASE_URL = "exa", "site-key", exa.address
    answer = await api.chat("What is new?", model="acme/one:online", tokens=5)
    notes = [note["url_citation"] for note in answer.json()["choices"][0]["message"]["annotations"]]
    assert [note["url"] for note in notes] == [
        "https://arxiv.example.org/pdf/2307.06435.pdf", "http://plain.example.com/", "https://full.example.com/",
    ]  # fmt: skip
    ((_, headers, body),) = exa.received
    assert (headers["x-api-key"], body["query"]) == ("site-key", "What is new?")
    assert [name for name in headers if name.startswith("x-sandbox")] == []
    (received,) = await api.received()
    assert "Such requirements have limited their adoption" in received["body"]["messages"][0]["content"]
    row = await api.generation()
    assert (row.web_search_engine, row.web_search_results) == ("exa", 3)


async def test_a_search_has_a_time_limit(api, settings):
    """The server accepts the connection and never responds."""
    silent = socket.create_server(("127.0.0.1", 0))
    settings.WEB_SEARCH_ENGINE, settings.EXA_API_KEY = "exa", "site-key"
    settings.EXA_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
    settings.WEB_SEARCH_SECONDS = 0.3
    async with asyncio.timeout(60):
        answer = await api.chat("What is new?", model="acme/one:online")
    silent.close()
    assert (answer.status_code, (await api.account()).usage) == (502, 0)
