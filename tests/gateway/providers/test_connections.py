"""Connections to providers: every form of a response, whatever packets it arrives in, and what providers do wrong."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.providers import http
from gateway.providers.connections import connection
from gateway.providers.failures import ProviderFailure

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2;name=value\r\nHe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n"
#: Of that: its first chunk.
BEGUN = CHUNKED[: CHUNKED.index(b"3\r\n")]

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Provider:
    """A server that answers the requests of a connection one after another, with what `respond` does."""

    respond: Exchange
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client has closed its connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head)
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                if length < 1000:
                    self.requests[-1] += await reader.readexactly(length)
                await self.respond(reader, writer)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def provider(respond: Exchange, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Provider, None]:
    served = Provider(respond)
    async with await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        served.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/chat?a=b"
        try:
            yield served
        finally:
            await http.close()


def sends(*parts: bytes, close: bool = False) -> Exchange:
    """Respond with these bytes, each in a packet of its own."""

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.002 if len(parts) > 1 else 0)
        if close:
            writer.close()

    return respond


async def post(url: str, **options: Any) -> http.UpstreamResponse:
    return await http.post(url, headers={"Authorization": "Bearer é"}, content=b"{}", **options)


async def body_of(served: Provider, **options: Any) -> bytes:
    response = await post(served.url, **options)
    try:
        return await response.read()
    finally:
        await response.close()


# --- Responses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        WHOLE,
        CHUNKED,
        WHOLE.replace(b"\r\n", b"\n"),
        CHUNKED.replace(b"3\r\n", b"3  \r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE,
    ],
)
async def test_a_response_is_the_same_in_one_packet_and_in_many(response):
    cuts = (len(response), 1, 7)
    for size in cuts:
        parts = [response[start : start + size] for start in range(0, len(response), size)]
        async with provider(sends(*parts)) as served:
            for _ in range(2):
                answer = await post(served.url)
                assert (answer.status, await answer.read(), "link" in answer.headers) == (200, b"Hello", False)
                await answer.close()
            assert served.connections == 1


async def test_a_body_without_a_length_ends_with_its_connection():
    async with provider(sends(OK + b"\r\nHel", b"lo", close=True)) as served:
        assert [await body_of(served) for _ in range(2)] == [b"Hello", b"Hello"]
        assert served.connections == 2


async def test_a_request_says_what_the_provider_needs_to_know():
    async with provider(sends(WHOLE)) as served:
        assert await body_of(served) == b"Hello"
        lines = served.requests[0].decode().split("\r\n")
    host = served.url.split("/")[2]
    assert lines[0] == "POST /v1/chat?a=b HTTP/1.1" and lines[-1] == "{}"
    assert {"Authorization: Bearer é", f"Host: {host}", "Content-Length: 2", "User-Agent: model-gateway"} <= {*lines}


async def test_a_compressed_body_is_decoded_and_a_damaged_one_a_failure():
    packed = gzip.compress(b"Hello" * 1000)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with provider(sends(head + packed)) as served:
        assert await body_of(served) == b"Hello" * 1000
    async with provider(sends(head + b"x" * len(packed))) as served:
        with pytest.raises(ProviderFailure) as failed:
            await body_of(served)
        assert failed.value.status == 502


# --- Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "received"),
    [
        (b"SSH-2.0-OpenSSH\r\n", None),
        (b"", None),
        (b"HTTP/1.1 200", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx", None),
        (WHOLE[:-2], b"Hel"),
        (BEGUN, b"He"),
        (CHUNKED.replace(b"3\r\n", b"x\r\n"), b"He"),
    ],
)
async def test_a_response_that_breaks_off_or_is_none_is_a_failure_after_what_has_arrived(response, received):
    async with provider(sends(response, close=True)) as served:
        got = bytearray()
        with pytest.raises(ProviderFailure) as failed:
            async for chunk in (await post(served.url)).chunks():
                got += chunk
    assert failed.value.status == 502
    assert bytes(got) == (received or b"")


async def test_headers_without_end_are_a_failure():
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        while not writer.is_closing():
            writer.write(b"A: " + b"x" * 10_000 + b"\r\n")
            await writer.drain()

    async with provider(respond) as served:
        with pytest.raises(ProviderFailure) as failed:
            await post(served.url)
        assert failed.value.status == 502


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "http:///v1", "http://a b/"])
async def test_an_address_that_leads_nowhere_is_a_failure(url):
    with pytest.raises(ProviderFailure) as failed:
        await post(url)
    assert failed.value.status == 502


@pytest.mark.parametrize("header", [{"A": "b\r\nC: d"}, {"A\n": "b"}, {"A": "\0"}])
async def test_a_header_cannot_add_another(header):
    async with provider(sends(WHOLE)) as served:
        with pytest.raises(ValueError, match="line break"):
            await http.post(served.url, headers=header, content=b"")
        assert served.requests == []


# --- Time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", OK, BEGUN])
async def test_a_provider_that_falls_silent_times_out(sent):
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await reader.read()

    async with provider(respond) as served:
        with pytest.raises(ProviderFailure) as failed:
            await body_of(served, idle_seconds=0.1)
        assert failed.value.status == 504
        async with asyncio.timeout(5):
            await served.left.wait()


async def test_a_connection_that_takes_too_long_times_out(settings, monkeypatch):
    async def hanging(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    settings.PROVIDER_CONNECT_SECONDS = 0.05
    monkeypatch.setattr("aiohappyeyeballs.start_connection", hanging)
    with pytest.raises(ProviderFailure) as failed:
        await post("http://127.0.0.1/")
    assert failed.value.status == 504


async def test_a_provider_that_sends_now_and_then_does_not_time_out():
    parts = [CHUNKED[start : start + 4] for start in range(0, len(CHUNKED), 4)]

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.08)

    async with provider(respond) as served:
        assert await body_of(served, idle_seconds=1) == b"Hello"  # in 1.6 seconds
        assert served.connections == 1


async def test_a_provider_that_takes_a_large_request_slowly_does_not_time_out():
    content = b"x" * 30_000_000

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(10):
            await reader.readexactly(len(content) // 10)
            await asyncio.sleep(0.2)
        writer.write(WHOLE)

    async with provider(respond) as served:
        response = await http.post(served.url, headers={}, content=content, idle_seconds=1)
        assert await response.read() == b"Hello"


# --- One connection after another -------------------------------------------------------------------


async def test_a_connection_serves_the_next_request_when_its_response_is_complete():
    async with provider(sends(CHUNKED)) as served:
        assert [await body_of(served) for _ in range(3)] == [b"Hello"] * 3
        first = [await post(served.url) for _ in range(2)]
        assert served.connections == 2
        for response in first:
            await response.close()  # complete, though it was not read
            await response.close()
        assert await body_of(served) == b"Hello"
        assert served.connections == 2


@pytest.mark.parametrize(
    "response",
    [
        WHOLE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE + WHOLE.replace(b"Hello", b"Other"),
        WHOLE + b"more",
        CHUNKED[:-2],
    ],
)
async def test_no_response_is_taken_for_that_to_another_request(response):
    async with provider(sends(response)) as served:
        for _ in range(2):
            answer = await post(served.url)
            assert await anext(answer.chunks()) == b"Hello"
            await answer.close()
        assert served.connections == 2


async def test_what_arrives_between_requests_closes_the_connection():
    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE)
        await asyncio.sleep(0.05)
        writer.write(WHOLE.replace(b"Hello", b"Other"))

    async with provider(respond) as served:
        assert await body_of(served) == b"Hello"
        async with asyncio.timeout(5):
            await served.left.wait()
        assert await body_of(served) == b"Hello"


async def test_a_response_that_is_given_up_ends_at_the_provider():
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await reader.read()
        writer.close()
        served.left.set()

    async with provider(respond) as served:
        response = await post(served.url)
        assert await anext(response.chunks()) == b"He"
        await response.close()
        async with asyncio.timeout(5):
            await served.left.wait()


async def test_a_request_that_is_given_up_before_its_response_ends_at_the_provider():
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        served.left.set()

    async with provider(respond) as served:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(served.url)
        async with asyncio.timeout(5):
            await served.left.wait()


async def test_an_early_response_to_a_large_request_is_read_and_the_connection_closed():
    async with provider(sends(WHOLE.replace(b"200 OK", b"413 Too Large"))) as served:
        response = await http.post(served.url, headers={}, content=b"x" * 30_000_000)
        assert (response.status, await response.read()) == (413, b"Hello")
        await response.close()
        async with asyncio.timeout(5):
            await served.left.wait()


async def test_connections_that_end_or_rest_for_too_long_are_forgotten(monkeypatch):
    def unused() -> int:
        return sum(map(len, http._pool()._unused.values()))

    async with provider(sends(WHOLE)) as served:
        assert (await body_of(served), unused()) == (b"Hello", 1)
        monkeypatch.setattr(connection, "KEEP_SECONDS", 0.0)
        assert (await body_of(served), served.connections) == (b"Hello", 2)
    monkeypatch.undo()
    async with provider(sends(WHOLE, b"", close=True)) as served:
        assert await body_of(served) == b"Hello"
        async with asyncio.timeout(5):
            while unused():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


# --- Encrypted --------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that no authority has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


async def test_an_encrypted_connection_needs_a_certificate_that_it_can_check(certificate, monkeypatch):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    async with provider(sends(CHUNKED), tls=server) as served:
        with pytest.raises(ProviderFailure) as failed:
            await body_of(served)
        assert failed.value.status == 502
    monkeypatch.setattr(http, "_tls", lambda: ssl.create_default_context(cafile=certificate))
    async with provider(sends(CHUNKED), tls=server) as served:
        assert [await body_of(served) for _ in range(2)] == [b"Hello"] * 2
        assert served.connections == 1
        with pytest.raises(ProviderFailure):
            await post(served.url.replace("127.0.0.1", "localhost"))  # the certificate is of another name


# --- Slow readers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_response_waits_for_its_reader_and_goes_on_with_it(streamed):
    chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
    sent: list[int] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(chunk)
            await writer.drain()
            sent.append(len(chunk))
        writer.write(b"0\r\n\r\n")

    async with provider(respond) as served:
        response = await post(served.url, streamed=streamed, idle_seconds=1)
        chunks = response.chunks()
        body = bytearray(await anext(chunks))
        await asyncio.sleep(1.5)  # longer than the provider may be silent
        assert len(sent) < 1000
        async with asyncio.timeout(30):
            async for part in chunks:
                body += part
        assert bytes(body) == b"x" * 50_000_000
        await response.close()
