"""Providers: one package for each protocol, found by its name.

A protocol is a package with `open_stream(request: ProviderRequest) -> ProviderResponse`. To add one, copy a neighbor,
then name it in `PROTOCOLS` here and in `gateway/routing/upstreams.py`, which maps providers to protocols. Embeddings
and rerank have protocols of their own, in `retrieval/`.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from django.conf import settings

from common.errors import InvalidRequest
from gateway.callers import Caller
from gateway.protocols.chat_completions.body import Reasoning
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing.plan import Attempt

from . import anthropic, google, openai_chat, retrieval
from .offered_tools import OfferedTools
from .patience import Patience, patience
from .request_context import ProviderRequest
from .stream import ProviderResponse

__all__ = ["PROTOCOLS", "Patience", "ProviderResponse", "open_stream", "patience"]

PROTOCOLS: Mapping[str, Callable[[ProviderRequest], Awaitable[ProviderResponse]]] = {
    "anthropic": anthropic.open_stream,
    "google": google.open_stream,
    "openai_chat": openai_chat.open_stream,
}


async def open_stream(
    request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None, patience: Patience
) -> ProviderResponse:
    """The provider's response, once it has accepted the request.

    `max_tokens` bounds the output tokens; None leaves the limit to the provider. Raises ProviderFailure when this
    provider did not accept the request, InvalidRequest when no provider could.
    """
    if attempt.model.variant == "thinking":
        request = _with_reasoning(request)
    idle_seconds = None
    if not request.stream:  # until the first byte; a response in one piece sends none before it is complete
        idle_seconds = max(patience.seconds, settings.PROVIDER_IDLE_SECONDS)
        if patience.streamed:
            request = msgspec.structs.replace(request, stream=True)
    provider_request = ProviderRequest(request, attempt, caller, max_tokens, idle_seconds)
    try:
        if request.task != "chat":
            return await retrieval.open_response(provider_request)
        tools = OfferedTools(request)
        offered = msgspec.structs.replace(provider_request, chat=tools.sent(request))
        return tools.restored(await PROTOCOLS[attempt.upstream.protocol](offered))
    except RecursionError as error:  # a schema, or the arguments of a call, of hundreds of levels
        raise InvalidRequest("The request has too many levels of nesting.") from error


def _with_reasoning(request: ChatRequest) -> ChatRequest:
    """The request with reasoning turned on, unless it sets reasoning itself."""
    reasoning = request.reasoning or Reasoning()
    if reasoning.effort or reasoning.max_tokens or reasoning.enabled is not None:
        return request
    return msgspec.structs.replace(request, reasoning=msgspec.structs.replace(reasoning, enabled=True))
