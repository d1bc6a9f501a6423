"""OpenAI's chat protocol, which most providers speak, each in its own dialect."""

from gateway.providers.client import send
from gateway.providers.request_context import ProviderRequest

from .request import request_body
from .stream import ChatStream

__all__ = ["authorization", "open_stream"]


def authorization(api_key: str) -> dict[str, str]:
    """The headers that carry the key; none for a server that takes requests without one."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


async def open_stream(request: ProviderRequest) -> ChatStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    upstream = request.attempt.upstream
    response = await send(
        request,
        f"{upstream.base_url}/chat/completions",
        headers=authorization(upstream.api_key),
        body=request_body(request),
    )
    stream = ChatStream(response)
    stream.choices = request.chat.choices
    return stream
