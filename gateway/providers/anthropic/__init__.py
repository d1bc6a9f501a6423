"""Anthropic's Messages protocol."""

from gateway.providers.client import send
from gateway.providers.fetching import fetch
from gateway.providers.request_context import ProviderRequest

from .messages import urls_to_fetch
from .request import request_body
from .stream import MessagesStream

__all__ = ["authorization", "open_stream"]

VERSION = "2023-06-01"
#: The beta that a body with `speed` needs.
FAST_MODE = {"anthropic-beta": "fast-mode-2026-02-01"}


def authorization(api_key: str) -> dict[str, str]:
    """The headers that carry the key."""
    return {"x-api-key": api_key, "anthropic-version": VERSION}


async def open_stream(request: ProviderRequest) -> MessagesStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    fetched = await fetch(urls_to_fetch(request.chat.messages))
    body = request_body(request, fetched)
    response = await send(
        request,
        f"{request.attempt.upstream.base_url}/messages",
        headers=authorization(request.attempt.upstream.api_key) | (FAST_MODE if "speed" in body else {}),
        body=body,
    )
    return MessagesStream(response)
