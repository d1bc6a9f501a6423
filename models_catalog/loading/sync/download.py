"""Fetching documents of a source: from public addresses only, with a timeout, up to a size, following no redirects."""

import asyncio
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from django.conf import settings

from common.web.public_addresses import NotPublic, socket_for

__all__ = ["Document", "Downloads", "UnreadableSource"]

#: The most bytes of one document, and of all documents of a sync together.
MAX_BYTES = 16 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
#: The timeout for one document, in seconds.
SECONDS = 30.0
#: The most simultaneous requests to a source.
CONNECTIONS = 4


class UnreadableSource(Exception):
    """A document could not be fetched. The text says why."""


class Document(NamedTuple):
    """The bytes of a document and its ETag, empty if the server gave none."""

    body: bytes
    etag: str


class Downloads:
    """The downloads of one sync, in an `async with`."""

    def __init__(self) -> None:
        self._remaining = MAX_TOTAL_BYTES
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                socket_factory=socket_for, happy_eyeballs_delay=None, use_dns_cache=False, limit=CONNECTIONS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small compressed document may be huge in memory
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"model-gateway (+{settings.SITE_URL})",
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str, *, etag: str = "", optional: bool = False) -> Document | None:
        """The document; None if it still has this ETag, or if it is `optional` and there is none.

        Raises UnreadableSource.
        """
        try:
            async with self._turn, asyncio.timeout(SECONDS):
                return await self._get(url, etag, optional=optional)
        except NotPublic:
            raise UnreadableSource(
                f"{url} is not a public address. Add its network to FETCH_ALLOWED_NETWORKS to allow it."
            ) from None
        except TimeoutError:
            raise UnreadableSource(f"{url} took longer than {SECONDS:g} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UnreadableSource(f"{url} could not be reached ({type(error).__name__}).") from None

    async def _get(self, url: str, etag: str, *, optional: bool) -> Document | None:
        headers = {"If-None-Match": etag} if etag else {}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status == 304 and etag:
                return None
            if response.status == 404 and optional:
                return None
            if 300 <= response.status < 400:
                raise UnreadableSource(f"{url} redirects elsewhere. Configure the address that it redirects to.")
            if response.status != 200:
                raise UnreadableSource(f"{url} returned status {response.status}.")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise UnreadableSource(f"{url} is compressed, which was not asked for.")
            body = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                body += chunk
                self._remaining -= len(chunk)
                if len(body) > MAX_BYTES or self._remaining < 0:
                    raise UnreadableSource(f"{url} has more than {MAX_BYTES // 2**20} MiB.")
            tag = response.headers.get("ETag", "")
            return Document(bytes(body), tag if len(tag) <= 300 and tag.isprintable() else "")
