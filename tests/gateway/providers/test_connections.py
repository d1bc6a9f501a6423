"""Connections to providers: how long they wait, which request they serve next, and whom they trust."""

import asyncio
import ssl
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

from .servers import BEGUN, CHUNKED, OK, WHOLE, body_of, post, provider, sends

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
            assert await answer.read_chunk() == b"Hello"
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
        assert await response.read_chunk() == b"He"
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
        body = bytearray(await response.read_chunk())
        await asyncio.sleep(1.5)  # longer than the provider may be silent
        assert len(sent) < 1000
        async with asyncio.timeout(30):
            while part := await response.read_chunk():
                body += part
        assert bytes(body) == b"x" * 50_000_000
        await response.close()
