"""Anthropic's Messages protocol."""

from gateway.providers.client import send
from gateway.providers.fetching import fetch
from gateway.providers.request_context import ProviderRequest

from .messages import urls_to_fetch
from .request import request_body
from .stream import MessagesStream

__all__ = ["open_stream"]

VERSION = "2023-06-01"


async def open_stream(request: ProviderRequest) -> MessagesStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    fetched = await fetch(urls_to_fetch(request.chat.messages))
    response = await send(
        request,
        f"{request.attempt.upstream.base_url}/messages",
        headers={"x-api-key": request.attempt.upstream.api_key, "anthropic-version": VERSION},
        body=request_body(request, fetched),
    )
    return MessagesStream(response)
