"""OpenAI's chat protocol, which most providers speak, each in its own dialect."""

from gateway.providers.client import send
from gateway.providers.request_context import ProviderRequest

from .request import request_body
from .stream import ChatStream

__all__ = ["open_stream"]


async def open_stream(request: ProviderRequest) -> ChatStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    response = await send(
        request,
        f"{request.attempt.upstream.base_url}/chat/completions",
        headers={"Authorization": f"Bearer {request.attempt.upstream.api_key}"},
        body=request_body(request),
    )
    return ChatStream(response)
