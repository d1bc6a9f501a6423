"""Anthropic's Messages protocol."""

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers import fetching
from gateway.providers.request_context import send
from gateway.routing.plan import Attempt

from .request import addresses_to_fetch, request_body
from .stream import MessagesStream

__all__ = ["open_stream"]

VERSION = "2023-06-01"


async def open_stream(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> MessagesStream:
    """The provider's answer once it has accepted the request; ProviderFailure when it has not."""
    fetched = await fetching.fetch(addresses_to_fetch(request.messages))
    response = await send(
        f"{attempt.upstream.base_url}/messages",
        attempt,
        caller,
        headers={"x-api-key": attempt.upstream.api_key, "anthropic-version": VERSION},
        body=request_body(request, attempt, caller, max_tokens, fetched),
        stream=request.stream,
    )
    return MessagesStream(response)
