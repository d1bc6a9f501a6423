"""Google's Gemini protocol."""

from urllib.parse import quote

from gateway.providers.client import send
from gateway.providers.fetching import fetch
from gateway.providers.request_context import ProviderRequest

from .messages import urls_to_fetch
from .request import request_body
from .stream import GenerationStream

__all__ = ["authorization", "open_stream"]


def authorization(api_key: str) -> dict[str, str]:
    """The headers that carry the key."""
    return {"x-goog-api-key": api_key}


async def open_stream(request: ProviderRequest) -> GenerationStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    fetched = await fetch(urls_to_fetch(request.chat.messages))
    method = "streamGenerateContent?alt=sse" if request.chat.stream else "generateContent"
    response = await send(
        request,
        f"{request.attempt.upstream.base_url}/models/{quote(request.model, safe='')}:{method}",
        headers=authorization(request.attempt.upstream.api_key),
        body=request_body(request, fetched),
    )
    return GenerationStream(response)
