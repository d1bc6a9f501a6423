"""Sending a request body to a provider."""

from typing import Any

import msgspec

from . import http
from .errors import failure_from_response
from .request_context import ProviderRequest

__all__ = ["send"]

_encode = msgspec.json.Encoder().encode


async def send(
    request: ProviderRequest, url: str, *, headers: dict[str, str], body: dict[str, Any]
) -> http.UpstreamResponse:
    """The response, once the provider has accepted the request with status 200; ProviderFailure otherwise."""
    stream = request.chat.stream
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        "Accept-Encoding": "identity",
        **headers,
    }
    if request.attempt.upstream.simulated:
        headers |= request.caller.sandbox_headers
    response = await http.post(
        url, headers=headers, content=_encode(body), idle_seconds=request.idle_seconds, streamed=stream
    )
    if response.status == 200:
        return response
    try:
        raise await failure_from_response(response)
    finally:
        await response.close()
