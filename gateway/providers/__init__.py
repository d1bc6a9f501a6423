"""Providers: one module for each protocol, found by its name.

A protocol is a module with `open_stream(request, attempt, caller, max_tokens) -> ProviderStream`. To add one, copy a
neighbour, and name it in `PROTOCOLS` and in `gateway/routing/upstreams.py`, which says who speaks it.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest, Reasoning
from gateway.routing.plan import Attempt

from . import anthropic, google, openai_chat
from .stream import ProviderStream

__all__ = ["PROTOCOLS", "ProviderStream", "open_stream"]

Protocol = Callable[[ChatRequest, Attempt, Caller, int | None], Awaitable[ProviderStream]]

PROTOCOLS: Mapping[str, Protocol] = {
    "anthropic": anthropic.open_stream,
    "google": google.open_stream,
    "openai_chat": openai_chat.open_stream,
}


async def open_stream(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> ProviderStream:
    """The provider's answer once it has accepted the request; ProviderFailure when it has not, InvalidRequest when no
    provider could.

    `max_tokens` is the most the answer may have; None leaves it to the provider.
    """
    if attempt.model.variant == "thinking":
        request = _thinking(request)
    return await PROTOCOLS[attempt.upstream.protocol](request, attempt, caller, max_tokens)


def _thinking(request: ChatRequest) -> ChatRequest:
    """The request with reasoning switched on, unless it says itself how much there should be."""
    reasoning = request.reasoning or Reasoning()
    if reasoning.effort or reasoning.max_tokens or reasoning.enabled is not None:
        return request
    return msgspec.structs.replace(request, reasoning=msgspec.structs.replace(reasoning, enabled=True))
