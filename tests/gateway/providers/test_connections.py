"""Connections to providers: a response that arrives faster than it is read."""

import asyncio

import pytest

from gateway.providers import http

CHUNK = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)


@pytest.fixture
async def url():
    """A server whose response has a thousand chunks of 50 kB, sent as fast as the reader lets it."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(CHUNK)
            await writer.drain()
            sent.append(len(CHUNK))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    sent: list[int] = []
    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/", sent
    await http.close()


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_response_waits_for_its_reader_and_goes_on_with_it(url, streamed):
    address, sent = url
    response = await http.post(address, headers={}, content=b"{}", streamed=streamed)
    chunks = response.chunks()
    body = bytearray(await anext(chunks))
    await asyncio.sleep(1)
    assert len(sent) < 1000
    async with asyncio.timeout(30):
        async for chunk in chunks:
            body += chunk
    assert bytes(body) == b"x" * 50_000_000
    await response.close()
