"""Sending one request to an address that a customer chose: to public addresses only, following no redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses

import aiohttp
from django.conf import settings
from yarl import URL

from common.web.public_addresses import NotPublic, socket_for

__all__ = ["Outgoing", "send"]

#: The timeout of a request, in seconds.
SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to send. `url` is encoded."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def send(request: Outgoing) -> str:
    """Send the request; blocks. Return an empty text if the server accepted it, otherwise what went wrong.

    The text names a status at most: a server may repeat what it was sent.
    """
    return asyncio.run(_send(request))


async def _send(request: Outgoing) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            return await _status_of(request)
    except NotPublic:
        return "The address is not public."
    except TimeoutError:
        return f"The server took longer than {SECONDS:g} seconds."
    except aiohttp.ClientConnectorCertificateError:
        return "The server's certificate is not valid."
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"The server could not be reached ({type(error).__name__})."


async def _status_of(request: Outgoing) -> str:
    connector = aiohttp.TCPConnector(socket_factory=socket_for, happy_eyeballs_delay=None, use_dns_cache=False)
    headers = {"User-Agent": f"model-gateway (+{settings.SITE_URL})", **request.headers}
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=headers,
            allow_redirects=False,
        ) as response,
    ):
        status = response.status
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The server redirects elsewhere ({status}). Enter the address it leads to."
    return f"The server returned status {status} {responses.get(status, '')}".strip() + "."
