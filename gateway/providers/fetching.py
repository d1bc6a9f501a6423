"""Fetching the images and PDFs that a request names by URL, for providers that take bytes only.

The caller chooses the URL, so it may point into the network that this site runs in: `common.web.public_addresses`
checks the address of every connection.
"""

import asyncio
import base64
from collections.abc import Iterable, Mapping

import aiohttp
import msgspec
from django.conf import settings
from yarl import URL

from common.errors import InvalidRequest
from common.web.public_addresses import NotPublic, socket_for

from .media_types import IMAGE_TYPES, media_type_of

__all__ = ["FetchedFile", "fetch"]

#: The most bytes of all files of one request together.
MAX_BYTES = 20 * 1024 * 1024
MAX_URLS = 50
MAX_REDIRECTS = 3
#: The timeout for one URL, redirects included, in seconds.
FETCH_SECONDS = 20.0
#: The most simultaneous connections of one request.
MAX_CONNECTIONS = 6

#: Content types under which servers send supported files. The first bytes decide.
_CONTENT_TYPES = IMAGE_TYPES | {"", "image/jpg", "application/pdf", "application/octet-stream", "binary/octet-stream"}

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchedFile(msgspec.Struct, frozen=True):
    """A file from a URL: its type, recognized by its first bytes, and its bytes in base64."""

    media_type: str
    data: str


async def fetch(
    urls: Iterable[str], *, max_bytes: int = MAX_BYTES, timeout_seconds: float = FETCH_SECONDS
) -> Mapping[str, FetchedFile]:
    """The file at each http or https URL: `max_bytes` for all together, `timeout_seconds` for each.

    Raises InvalidRequest, with an error type that names the cause, for the first URL that is not public, too slow, too
    large, or neither an image nor a PDF.
    """
    wanted = list(dict.fromkeys(urls))
    if not wanted:
        return {}
    if len(wanted) > MAX_URLS:
        raise InvalidRequest(f"A request can contain at most {MAX_URLS} URLs of images and files.")
    connector = aiohttp.TCPConnector(
        socket_factory=socket_for,
        happy_eyeballs_delay=None,
        use_dns_cache=False,
        force_close=True,
        limit=MAX_CONNECTIONS,
    )
    budget = _ByteBudget(max_bytes)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a small compressed file may be huge in memory
        headers={"Accept-Encoding": "identity", "User-Agent": f"model-gateway (+{settings.SITE_URL})"},
    ) as session:
        tasks = [asyncio.create_task(_fetch(session, url, budget, timeout_seconds)) for url in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()


class _ByteBudget:
    """The number of bytes that the files of one request may still have."""

    def __init__(self, maximum: int) -> None:
        self.maximum = self.remaining = maximum

    def spend(self, size: int, url: str) -> None:
        """Subtract `size`; InvalidRequest when the budget is exceeded."""
        self.remaining -= size
        if self.remaining < 0:
            raise _refused(url, f"exceeds the limit of {self.maximum / 2**20:.3g} MB.", "image_too_large")


async def _fetch(session: aiohttp.ClientSession, url: str, budget: _ByteBudget, timeout_seconds: float) -> FetchedFile:
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _follow(session, url, budget)
    except NotPublic as error:
        raise _refused(url, "is not a public address.") from error
    except TimeoutError as error:
        raise _refused(url, f"took longer than {timeout_seconds:g} seconds.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _refused(url, "could not be reached.") from error


async def _follow(session: aiohttp.ClientSession, url: str, budget: _ByteBudget) -> FetchedFile:
    """The file at the end of the redirects."""
    location = URL(url)
    for _ in range(MAX_REDIRECTS + 1):
        if location.scheme not in {"http", "https"} or not location.host:
            raise _refused(url, "is not an http or https URL.")
        if location.user is not None or location.password is not None:
            raise _refused(url, "contains a user name or a password, which is not sent.")
        async with session.get(location, allow_redirects=False) as response:
            target = response.headers.get("Location")
            if response.status in _REDIRECTS and target:
                location = location.join(URL(target))
                continue
            return await _read(response, url, budget)
    raise _refused(url, f"redirects more than {MAX_REDIRECTS} times.")


async def _read(response: aiohttp.ClientResponse, url: str, budget: _ByteBudget) -> FetchedFile:
    if response.status != 200:
        raise _refused(url, f"returned status {response.status}.")
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type not in _CONTENT_TYPES:
        raise _refused(url, f"is {content_type[:100]}. {_SUPPORTED}", "unsupported_image_format")
    if (response.content_length or 0) > budget.remaining:
        budget.spend(response.content_length or 0, url)
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        budget.spend(len(chunk), url)
        body += chunk
    media_type = media_type_of(bytes(body[:16]))
    if not media_type:
        raise _refused(url, f"is in an unsupported format. {_SUPPORTED}", "unsupported_image_format")
    return FetchedFile(media_type, base64.b64encode(body).decode("ascii"))


_SUPPORTED = "Only PNG, JPEG, WebP, GIF and PDF are supported."


def _refused(url: str, reason: str, error_type: str = "image_download_failed") -> InvalidRequest:
    # Without the query, which may contain a signature.
    shown = url.partition("?")[0][:200]
    error = InvalidRequest(
        f"{shown} {reason} Send the file as a base64 data URL instead.", metadata={"error_type": error_type}
    )
    error.error_type = error_type
    return error
