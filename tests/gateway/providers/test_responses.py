"""Responses of providers, in every form and whatever packets they arrive in, and what providers do wrong."""

import asyncio
import gzip
import zlib

import pytest

from gateway.providers import http
from gateway.providers.failures import ProviderFailure

from .servers import BEGUN, CHUNKED, OK, WHOLE, body_of, post, provider, sends


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
            answer = await post(served.url)
            while chunk := await answer.read_chunk():
                got += chunk
    assert failed.value.status == 502
    assert bytes(got) == (received or b"")


@pytest.mark.parametrize("encoding", [b"", b"gzip", b"Deflate"])
async def test_a_read_that_is_cancelled_loses_nothing(encoding):
    goes_on = asyncio.Event()
    body = {b"": bytes, b"gzip": gzip.compress, b"Deflate": zlib.compress}[encoding](b"Hello")
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body[:2])
        await goes_on.wait()
        writer.write(body[2:])

    async with provider(respond) as served:
        answer = await post(served.url)
        received = b"" if encoding else await answer.read_chunk()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.read_chunk(), 0.05)
        goes_on.set()
        assert received + await answer.read() == b"Hello"
        await answer.close()


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
