"""Anthropic's Messages protocol."""

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers import fetching
from gateway.providers.asking import send
from gateway.routing.plan import Attempt

from .answer import MessagesAnswer
from .request import addresses_to_fetch, request_body

__all__ = ["open_answer"]

VERSION = "2023-06-01"


async def open_answer(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> MessagesAnswer:
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
    return MessagesAnswer(response)
