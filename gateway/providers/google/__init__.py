"""Google's Gemini protocol."""

from urllib.parse import quote

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers import fetching
from gateway.providers.request_context import send
from gateway.routing.plan import Attempt

from .request import addresses_to_fetch, request_body
from .stream import GenerationStream

__all__ = ["open_stream"]


async def open_stream(
    request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None
) -> GenerationStream:
    """The provider's answer once it has accepted the request; ProviderFailure when it has not."""
    fetched = await fetching.fetch(addresses_to_fetch(request.messages))
    model = quote(attempt.endpoint.provider_model_id or attempt.model.id, safe="")
    verb = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    response = await send(
        f"{attempt.upstream.base_url}/models/{model}:{verb}",
        attempt,
        caller,
        headers={"x-goog-api-key": attempt.upstream.api_key},
        body=request_body(request, attempt, max_tokens, fetched),
        stream=request.stream,
    )
    return GenerationStream(response)
