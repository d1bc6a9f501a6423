"""OpenAI's chat protocol, which most providers speak."""

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.request_context import send
from gateway.routing.plan import Attempt

from .request import request_body
from .stream import ChatStream

__all__ = ["open_stream"]


async def open_stream(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> ChatStream:
    """The provider's answer once it has accepted the request; ProviderFailure when it has not."""
    response = await send(
        f"{attempt.upstream.base_url}/chat/completions",
        attempt,
        caller,
        headers={"Authorization": f"Bearer {attempt.upstream.api_key}"},
        body=request_body(request, attempt, caller, max_tokens),
        stream=request.stream,
    )
    return ChatStream(response)
