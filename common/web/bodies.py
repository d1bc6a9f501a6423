"""Request bodies: read within a size and a time, and decoded."""

import asyncio
import codecs
import zlib

from django.conf import settings
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from common.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType

__all__ = ["as_size", "read_body"]

#: A body may take CLIENT_TIMEOUT_SECONDS, and one second more for each of these bytes that arrived.
BYTES_PER_SECOND = 16 * 1024
#: The encodings that are decoded. Brotli and Zstandard would each need a package, for a gain that few clients have.
_GZIP = {"gzip", "x-gzip"}
_ACCEPTED = "gzip, deflate"
#: Decoded bytes between two turns of the event loop.
_STEP = 1024 * 1024


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return the whole body of a request, decoded from gzip or deflate and without a byte order mark.

    Raises PayloadTooLarge beyond `limit` bytes, encoded or decoded, without reading the rest; RequestTimeout for a body
    that arrives too slowly; UnsupportedMediaType for any other encoding; InvalidRequest for one that cannot be decoded;
    ClientDisconnect.
    """
    encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if value.isdigit() and int(value) > limit:
                raise _too_large(limit)
        elif name == b"content-encoding":
            encoding = value
    coding = _coding_of(encoding) if encoding else ""
    try:
        async with asyncio.timeout(settings.CLIENT_TIMEOUT_SECONDS) as deadline:
            body = await _received(receive, limit, deadline)
    except TimeoutError:
        raise RequestTimeout(
            "The request body did not arrive in time. Send it again.", headers={"Connection": "close"}
        ) from None
    if coding and body:
        body = await _decoded(body, coding, limit)
    return body.removeprefix(codecs.BOM_UTF8)


def as_size(count: int) -> str:
    """Return a number of bytes for people, rounded down: "20 MB", "2.5 MB", "600 kB"."""
    if count >= 1024 * 1024:
        return f"{count * 10 // (1024 * 1024) / 10:g} MB"
    return f"{count // 1024} kB" if count >= 1024 else f"{count} bytes"


async def _received(receive: Receive, limit: int, deadline: asyncio.Timeout) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        if len(body) + len(chunk) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return bytes(body + chunk) if body else chunk
        body += chunk
        ends_at = deadline.when()
        assert ends_at is not None
        deadline.reschedule(ends_at + len(chunk) / BYTES_PER_SECOND)


def _coding_of(header: bytes) -> str:
    """Return the body's encoding: "gzip", "deflate", or "" for none. Raises UnsupportedMediaType for any other."""
    coding = header.decode("latin-1").strip().lower()
    if coding in _GZIP:
        return "gzip"
    if coding in {"", "identity", "deflate"}:
        return coding if coding == "deflate" else ""
    raise UnsupportedMediaType(
        f"Content-Encoding {coding[:40]} is not supported. Use gzip or deflate, or send the body uncompressed.",
        headers={"Accept-Encoding": _ACCEPTED},
    )


async def _decoded(body: bytes, coding: str, limit: int) -> bytes:
    """Return the decoded body. Memory is bounded by `limit`, whatever the body expands to."""
    if coding == "gzip":
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    else:  # the standard says zlib's format, some clients send the bare stream
        has_zlib_header = body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
        decoder = zlib.decompressobj(zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS)
    decoded = bytearray()
    try:
        while not decoder.eof:
            piece = decoder.decompress(body, _STEP)
            decoded += piece
            if len(decoded) > limit:
                raise _too_large(limit)
            body = decoder.unconsumed_tail
            if not body and not piece:
                break
            await asyncio.sleep(0)
    except zlib.error:
        raise InvalidRequest(f"The request body is not valid {coding}. Compress it again.") from None
    if not decoder.eof or decoder.unused_data:
        raise InvalidRequest(f"The request body is not one whole {coding} stream. Compress it again.")
    return bytes(decoded)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {as_size(limit)}. Send a smaller one.")
