"""Fetching what a request names by its address: images and PDFs, for providers that take bytes only.

The caller chooses the address, so it may point into the network that this site runs in. Every socket is made for one
numeric address, and that address is judged right there: whatever spelling, name, name server or redirect led to it,
what was judged is what is connected to.
"""

import asyncio
import base64
import socket
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
import msgspec
from django.conf import settings
from yarl import URL

from common.errors import InvalidRequest

__all__ = ["IMAGE_TYPES", "Fetched", "fetch", "may_connect_to"]

#: Of all files of one request together.
MOST_BYTES = 20 * 1024 * 1024
MOST_ADDRESSES = 50
MOST_REDIRECTS = 3
#: For one address, redirects included, in seconds.
FETCH_SECONDS = 20.0
#: Connections of one request at a time.
AT_A_TIME = 6

IMAGE_TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})

#: How servers announce what may be one of ours. The first bytes decide.
_ANNOUNCED = IMAGE_TYPES | {"", "image/jpg", "application/pdf", "application/octet-stream", "binary/octet-stream"}

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)

#: IPv4 addresses as IPv6-only networks see them.
_NAT64 = IPv6Network("64:ff9b::/96")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Fetched(msgspec.Struct, frozen=True):
    """A file from an address: its type, by its first bytes, and its bytes in base64."""

    media_type: str
    data: str


async def fetch(
    addresses: Iterable[str], *, most_bytes: int = MOST_BYTES, seconds: float = FETCH_SECONDS
) -> Mapping[str, Fetched]:
    """What is at each http or https address: together at most so many bytes, each within so many seconds.

    Raises InvalidRequest, whose error type says what is wrong with it, for the first that cannot be had: not a public
    address, too slow, too large, or neither an image nor a PDF.
    """
    wanted = list(dict.fromkeys(addresses))
    if not wanted:
        return {}
    if len(wanted) > MOST_ADDRESSES:
        raise InvalidRequest(f"A request may name at most {MOST_ADDRESSES} addresses of images and files.")
    connector = aiohttp.TCPConnector(
        socket_factory=_socket_for, happy_eyeballs_delay=None, use_dns_cache=False, force_close=True, limit=AT_A_TIME
    )
    room = _Room(most_bytes)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # what is small on the wire may be huge in memory
        headers={"Accept-Encoding": "identity", "User-Agent": f"model-gateway (+{settings.SITE_URL})"},
    ) as session:
        tasks = [asyncio.create_task(_fetch(session, address, room, seconds)) for address in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()


class _Room:
    """How many bytes the files of one request may still have."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self, size: int, address: str) -> None:
        self.left -= size
        if self.left < 0:
            raise _refused(address, f"is more than may be fetched, {self.most / 2**20:.3g} MB.", "image_too_large")


async def _fetch(session: aiohttp.ClientSession, address: str, room: _Room, seconds: float) -> Fetched:
    try:
        async with asyncio.timeout(seconds):
            return await _follow(session, address, room)
    except _NotPublicError as error:
        raise _refused(address, "is not a public address.") from error
    except TimeoutError as error:
        raise _refused(address, f"took longer than {seconds:g} seconds.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _refused(address, "could not be reached.") from error


async def _follow(session: aiohttp.ClientSession, address: str, room: _Room) -> Fetched:
    """The file at the end of the redirects."""
    url = URL(address)
    for _ in range(MOST_REDIRECTS + 1):
        if url.scheme not in {"http", "https"} or not url.host:
            raise _refused(address, "is not an http or https address.")
        if url.user is not None or url.password is not None:
            raise _refused(address, "holds a name or a password; those are not sent.")
        async with session.get(url, allow_redirects=False) as response:
            target = response.headers.get("Location")
            if response.status in _REDIRECTS and target:
                url = url.join(URL(target))
                continue
            return await _file(response, address, room)
    raise _refused(address, f"redirects more than {MOST_REDIRECTS} times.")


async def _file(response: aiohttp.ClientResponse, address: str, room: _Room) -> Fetched:
    if response.status != 200:
        raise _refused(address, f"answered {response.status}.")
    announced = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if announced not in _ANNOUNCED:
        raise _refused(address, f"is {announced[:100]}: {_TAKEN}", "unsupported_image_format")
    if (response.content_length or 0) > room.left:
        room.take(response.content_length or 0, address)
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        room.take(len(chunk), address)
        body += chunk
    media_type = _type_of(bytes(body[:16]))
    if not media_type:
        raise _refused(address, f"has other contents: {_TAKEN}", "unsupported_image_format")
    return Fetched(media_type, base64.b64encode(body).decode("ascii"))


def _type_of(start: bytes) -> str:
    """The media type of a file that begins like this; empty when it is none of ours."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if start.startswith(signature)), "")


_TAKEN = "PNG, JPEG, WebP, GIF and PDF can be fetched."


def _refused(address: str, reason: str, error_type: str = "image_download_failed") -> InvalidRequest:
    # The query may hold a signature: it goes back to its owner only in part.
    shown = address.partition("?")[0][:200]
    error = InvalidRequest(
        f"{shown} {reason} Send the file itself instead, as a base64 data URL.", metadata={"error_type": error_type}
    )
    error.error_type = error_type
    return error


# --- Where to ------------------------------------------------------------------------------------------


class _NotPublicError(Exception):
    """Not an OSError: after one of those the next address of the name would be tried, and the reason forgotten."""


def _socket_for(address_info: tuple[Any, ...]) -> socket.socket:
    """A socket to connect to this very address; _NotPublicError when that is not allowed."""
    family, kind, protocol, _, address = address_info
    if not may_connect_to(ip_address(address[0])):
        raise _NotPublicError
    return socket.socket(family, kind, protocol)


def may_connect_to(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is a public one, or in a network that `FETCH_ALLOWED_NETWORKS` names.

    An IPv4 address that is wrapped in an IPv6 one is judged by itself.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return may_connect_to(address.ipv4_mapped)
        if address in _NAT64:
            return may_connect_to(IPv4Address(int(address) & 0xFFFF_FFFF))
    if any(address in ip_network(allowed) for allowed in settings.FETCH_ALLOWED_NETWORKS):
        return True
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address.is_site_local):
        return False  # tunnels lead anywhere
    return address.is_global and not (address.is_multicast or address.is_reserved)
