"""Limits for clients of the real server: slow and half-sent requests, large bodies, large chat messages."""

import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.browser.people import Person, new_person
from tests.chat.reader import Reader, in_a_loop
from tests.support.processes import Site

SECONDS = 1  # that a client has for headers, and at least for a body
MB = 1024 * 1024

pytestmark = pytest.mark.browser  # it starts the real processes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    variables = {"CLIENT_TIMEOUT_SECONDS": str(SECONDS), "SANDBOX_PROVIDERS_SPEED": "0"}
    with Site(tmp_path_factory.mktemp("server"), processes=("web", "providers"), **variables) as site:
        yield site


@pytest.fixture(scope="module")
def person(server: Site) -> Person:
    return new_person(server)


@pytest.fixture
def client(server: Site, person: Person) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {person.key}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def dial(server: Site) -> socket.socket:
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port), timeout=60)


def heard(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection. TimeoutError if it does not."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def chat(server: Site, person: Person, **options: Any) -> ClientConnection:
    url = server.url.replace("http", "ws") + "/ws/chat"
    headers = {"Cookie": f"sessionid={person.session}"}
    return connect(url, origin=server.url, additional_headers=headers, max_size=None, proxy=None, **options)


def question(size: int, answer_id: str = "a1") -> str:
    """An `ask` of this many bytes."""
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": ""}]}
    text = json.dumps({"type": "ask", "id": answer_id, "body": body})
    return text.replace('"content": ""', f'"content": "{"x" * (size - len(text))}"')


def hear(page: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame = json.loads(page.recv(timeout=60))
        if frame["type"] == kind:
            return frame


def memory(server: Site) -> int:
    """The most that the web process has had, in kB."""
    pid = server.processes["web"].pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    tables = [Path(f"/proc/{each}/status").read_text() for each in (pid, *children)]
    return max(int(found) for table in tables for found in re.findall(r"VmHWM:\s+(\d+)", table))


# --- Slow clients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/keys", "/account/login/"])
@pytest.mark.parametrize("framing", ["Content-Length: 900", "Transfer-Encoding: chunked"])
def test_a_body_that_stops_halfway_is_a_408(server: Site, person: Person, path: str, framing: str):
    began = time.monotonic()  # the server's clock may start with the connection
    with dial(server) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {person.key}\r\n{framing}\r\n\r\n"
        connection.sendall(head.encode() + (b'5\r\n{"mod\r\n' if "chunked" in framing else b'{"mod'))
        reply = heard(connection)
        assert SECONDS <= time.monotonic() - began < SECONDS + 60
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive in time. Send it again." in reply
    if path.startswith("/api/"):
        assert json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["metadata"]["error_type"] == "timeout"


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/keys", "/account/login/"])
@pytest.mark.parametrize("size", [25 * MB, 2 * MB])
def test_a_client_that_sends_all_of_a_refused_body_gets_the_answer(server: Site, path: str, size: int):
    """The server must not close while the client sends, or the answer is lost: proxies say 502 then."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\nContent-Length: {size}\r\n\r\n"
    with dial(server) as connection:
        connection.sendall(head.encode())
        for _ in range(0, size, MB):
            connection.sendall(b" " * MB)
        connection.settimeout(60)
        first = connection.recv(65536)
    assert re.match(rb"HTTP/1.1 4\d\d ", first)


def test_a_body_in_drips_is_a_408_and_a_steady_one_has_the_time_that_its_size_needs(server: Site, person: Person):
    head = f"POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {person.key}\r\n"
    with dial(server) as connection:
        connection.sendall(f"{head}Content-Length: 900\r\n\r\n".encode())
        began = time.monotonic()
        connection.settimeout(0.1)
        reply = b""
        while not reply and time.monotonic() < began + 60:
            connection.sendall(b" ")
            try:
                reply = connection.recv(65536)
            except TimeoutError:
                continue
        assert reply.startswith(b"HTTP/1.1 408 ")
    with dial(server) as connection:
        body = b" " * (5 * 32 * 1024) + b"{}"
        connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        began = time.monotonic()
        for at in range(0, len(body), 32 * 1024):
            connection.sendall(body[at : at + 32 * 1024])
            time.sleep(SECONDS * 0.4)  # longer than the deadline altogether
        assert time.monotonic() - began > SECONDS * 1.9
        assert heard(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A"]
)
@pytest.mark.parametrize("after_another", [False, True])
def test_half_sent_headers_are_let_go(server: Site, sent: bytes, after_another: bool):
    with dial(server) as connection:
        if after_another:
            connection.sendall(b"GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
        connection.sendall(sent)
        reply = heard(connection)
    assert (b"HTTP/1.1 408 " in reply) == bool(sent)


def test_200_half_sent_requests_do_not_stay_open(server: Site, client: httpx.Client):
    with ExitStack() as open_connections:
        connections = [open_connections.enter_context(dial(server)) for _ in range(200)]
        for number, connection in enumerate(connections):
            whole = b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{}"
            connection.sendall(whole[: 20 if number % 2 else None])
        for connection in connections:
            heard(connection)
    assert client.get("/api/v1/key").status_code == 200


def test_a_request_that_was_refused_before_its_body_cannot_keep_the_connection(server: Site):
    with dial(server) as connection:
        connection.sendall(b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{")
        assert heard(connection).startswith(b"HTTP/1.1 401 ")


def test_an_empty_line_after_a_request_cannot_keep_the_connection(server: Site):
    with dial(server) as connection:
        connection.sendall(b"GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        connection.recv(65536)
        connection.sendall(b"\r\n")
        assert b"HTTP/1.1 200" not in heard(connection)  # closed, without another answer


def test_headers_have_a_size(server: Site):
    with dial(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 80_000)
        assert heard(connection).startswith(b"HTTP/1.1 431 ")


def test_a_stream_longer_than_the_deadline_is_not_cut(client: httpx.Client):
    body = {"model": "openai/gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"X-Sandbox-Tokens": "25", "X-Sandbox-Delay": "0.1"}
    began = time.monotonic()
    with client.stream("POST", "/api/v1/chat/completions", json=body, headers=headers) as response:
        text = response.read().decode()
    assert time.monotonic() - began > SECONDS * 2
    assert text.endswith("data: [DONE]\n\n")


# --- Sizes ------------------------------------------------------------------------------------------


def test_a_page_that_takes_nothing_is_cut_off_and_its_answer_is_kept(server: Site, person: Person):
    """Until then it holds up its answer, which takes no more memory; a page that comes back gets it whole."""

    async def story() -> None:
        stuck, back = Reader(person), Reader(person)
        await stuck.open(server.url, receives=4096, Tokens="45000", Delay="0")
        before = memory(server)
        await stuck.ask()
        await stuck.read(until=lambda page: "accepted" in page.kinds)
        stuck.pause()
        back.id, back.key = stuck.id, stuck.key
        await back.resume(server.url)
        await back.read(until=lambda page: page.ended)
        assert [back.kinds.count(kind) for kind in ("finished", "billed", "ended")] == [1, 1, 1]
        assert memory(server) - before < 16 * 1024
        stuck.go_on()
        with pytest.raises(ConnectionClosed):
            await stuck.read(until=lambda page: page.ended)
        assert back.shown.startswith(stuck.shown)
        assert len(stuck.shown) < len(back.shown)
        await back.close()

    in_a_loop(story())


def test_a_chat_message_of_all_that_is_promised_is_taken(server: Site, person: Person):
    with chat(server, person) as page:
        page.send(question(20 * MB))
        assert hear(page, "accepted")["id"] == "a1"
        hear(page, "ended")
        page.send('{"type":"ping"}')
        hear(page, "pong")


@pytest.mark.parametrize("fragment", [None, 64 * 1024, 19 * MB])
@pytest.mark.parametrize("size", [20 * MB + 1, 70 * MB])
def test_a_larger_one_is_answered_on_the_open_socket(server: Site, person: Person, size: int, fragment: int | None):
    with chat(server, person) as page:
        hear(page, "ready")
        text = question(size)
        page.send(text if fragment is None else [text[at : at + fragment] for at in range(0, size, fragment)])
        refused = hear(page, "refused")
        assert refused["status"] == 413
        assert refused["message"] == "This chat is over 20 MB with attachments. Start a new chat or remove some."
        page.send('{"type":"ping"}')
        assert json.loads(page.recv(timeout=60)) == {"type": "pong"}


def test_the_api_takes_as_much_as_the_chat(client: httpx.Client):
    body = json.dumps({"messages": [{"role": "user", "content": "x" * (20 * MB - 100)}]})
    assert client.post("/api/v1/chat/completions", content=body).status_code not in {413, 500}
    refused = client.post("/api/v1/chat/completions", content=b" " * (20 * MB + 1))
    assert refused.status_code == 413
    assert refused.json()["error"]["message"] == "The request body is larger than 20 MB. Send a smaller one."


@pytest.mark.parametrize("chunked", [False, True])
def test_the_management_api_refuses_a_large_body_with_413(client: httpx.Client, chunked: bool):
    body = b"x" * 2_700_000
    content = (body[at : at + 65536] for at in range(0, len(body), 65536)) if chunked else body
    refused = client.post("/api/v1/keys", content=content)
    assert refused.status_code == 413
    assert refused.json()["error"]["metadata"]["error_type"] == "payload_too_large"


def test_a_large_form_is_a_413_page(client: httpx.Client):
    refused = client.post("/account/login/", content=b"x" * 2_700_000)
    assert refused.status_code == 413
    assert "<h1>Too large to send</h1>" in refused.text
    assert "larger than 2.5 MB" in refused.text


# --- Encodings --------------------------------------------------------------------------------------

HELLO = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_compressed_bodies_are_decoded(client: httpx.Client, encoding: str, encode: Any):
    body = encode(json.dumps(HELLO).encode())
    answer = client.post("/api/v1/chat/completions", content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"]


def test_compressed_bodies_are_decoded_for_the_management_api(server: Site, client: httpx.Client):
    body = gzip.compress(b'{"name": "Compressed"}')
    answer = client.post("/api/v1/keys", content=body, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 403  # a key for inference; the next is 400 because of what the body says
    plain = client.post("/api/v1/keys", content=b'{"name": "Compressed"}')
    assert (answer.status_code, answer.json()) == (plain.status_code, plain.json())


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/keys"])
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_other_encodings_are_a_415_that_names_those_that_work(client: httpx.Client, path: str, encoding: str):
    refused = client.post(path, content=b"\x00", headers={"Content-Encoding": encoding})
    assert refused.status_code == 415
    assert refused.headers["Accept-Encoding"] == "gzip, deflate"
    assert "Use gzip or deflate" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"not gzip at all", gzip.compress(b"{}" * 99)[:-9], gzip.compress(b"{}") + b"more"],
    ids=["another format", "cut", "followed by more"],  # the time is part of the bytes
)
def test_a_body_that_is_not_what_it_says_is_a_400(client: httpx.Client, body: bytes):
    refused = client.post("/api/v1/chat/completions", content=body, headers={"Content-Encoding": "gzip"})
    assert refused.status_code == 400
    assert "gzip" in refused.json()["error"]["message"]


def test_a_bomb_is_a_413_and_costs_no_memory(server: Site, client: httpx.Client):
    compressor = zlib.compressobj(1, wbits=31)
    bomb = b"".join(compressor.compress(b" " * MB) for _ in range(400)) + compressor.flush()
    assert len(bomb) < 2_500_000
    before = memory(server)
    for path, limit in [("/api/v1/chat/completions", "20 MB"), ("/api/v1/keys", "2.5 MB")]:
        refused = client.post(path, content=bomb, headers={"Content-Encoding": "gzip"})
        assert refused.status_code == 413
        assert limit in refused.json()["error"]["message"]
    assert memory(server) - before < 150 * 1024


# --- Paths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing/here", "/api/v2/models", "/api/%0A"]
)
def test_every_unknown_path_of_the_api_is_a_404_in_json(client: httpx.Client, method: str, path: str):
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    if method != "HEAD":
        assert answer.json()["error"]["metadata"]["error_type"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/keys", "GET, OPTIONS, POST"),
        ("POST", "/api/v1/credits", "GET, OPTIONS"),
        ("DELETE", "/api/v1/models", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v1/openapi.json", "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/chat/completions", "POST, OPTIONS"),
    ],
)
def test_a_wrong_method_is_a_405_in_json_that_names_the_right_ones(client: httpx.Client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["error"]["code"] == 405
    assert allowed.split(",")[0] in answer.json()["error"]["message"]


@pytest.mark.parametrize("base", ["/api/v1/", "//api/v1/", "/api//v1///"])
def test_a_base_url_with_slashes_too_many_works(server: Site, client: httpx.Client, base: str):
    url = server.url + base
    assert client.post(f"{url}/chat/completions", json=HELLO).status_code == 200
    assert client.get(f"{url}/key").json()["data"]["label"]
    assert client.get(f"{url}/models").json()["data"]


def test_closing_is_said_at_once_where_the_client_breaks_the_protocol(server: Site, person: Person):
    with chat(server, person) as page:
        hear(page, "ready")
        page.socket.sendall(b"\x81\x05hello")  # not masked
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=60)
