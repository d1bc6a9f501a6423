"""What a request to any provider needs, whatever protocol it is put in."""

import hashlib
from typing import Any

import msgspec
from django.conf import settings

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing.plan import Attempt
from gateway.tokens import compression
from models_catalog import parameters
from models_catalog.catalog import EndpointEntry

from . import http
from .errors import failure_of

__all__ = [
    "alias_of",
    "cache_key_of",
    "ceiling",
    "effort_of",
    "fitted",
    "longest_answer",
    "send",
    "supports",
    "thinking_budget",
]

#: The share of an answer's tokens that an effort may think with, in per cent.
EFFORT_SHARES = {"xhigh": 95, "max": 95, "high": 80, "medium": 50, "low": 20, "minimal": 10}

_encode = msgspec.json.Encoder().encode


def supports(endpoint: EndpointEntry, parameter: str) -> bool:
    """Whether the endpoint takes the parameter; others are left out of its requests."""
    return parameters.supports(endpoint.supported_parameters, parameter)


def ceiling(attempt: Attempt, max_tokens: int | None) -> int | None:
    """The most tokens to ask for: `max_tokens`, as far as the endpoint goes; None leaves it to the provider."""
    if max_tokens is None:
        return None
    return min(max_tokens, attempt.endpoint.max_completion_tokens or max_tokens)


def longest_answer(attempt: Attempt, max_tokens: int | None) -> int:
    """The most tokens that the answer can have, whoever sets the limit."""
    endpoint = attempt.endpoint
    return ceiling(attempt, max_tokens) or endpoint.max_completion_tokens or endpoint.context_length


def fitted(
    request: ChatRequest, attempt: Attempt, max_tokens: int | None, most_messages: int = 0
) -> list[dict[str, Any]]:
    """The messages, compressed when the request or the endpoint's short context asks for it.

    `most_messages`, when not zero, is how many a compressed conversation may have.
    """
    context = attempt.endpoint.context_length
    if not compression.is_enabled(compression.preference(request.body), context):
        return request.messages
    room = context - min(max_tokens or attempt.endpoint.max_completion_tokens or 0, context // 2)
    return compression.compress(request.messages, room, most_messages)


def alias_of(request: ChatRequest, caller: Caller) -> str:
    """A stable name for the end user, or empty. Providers ask for one against abuse; whose it is stays here."""
    return _alias(request.user, caller)


def cache_key_of(request: ChatRequest, caller: Caller) -> str:
    """What the provider is to find the prompt's cache by, or empty. Clients name users and conversations in it."""
    return _alias(str(request.body.get("prompt_cache_key") or ""), caller)


def _alias(name: str, caller: Caller) -> str:
    if not name:
        return ""
    return hashlib.sha256(f"{caller.account_id}:{name}".encode("utf-8", "replace")).hexdigest()[:32]


def effort_of(request: ChatRequest, answer_tokens: int) -> str | None:
    """How hard to think: an effort, "none" for not at all, None when the request leaves it to the model.

    A number of tokens is the effort whose share of an answer of `answer_tokens` is nearest to it.
    """
    reasoning = request.reasoning
    if reasoning is None:
        return None
    if reasoning.enabled is False:
        return "none"
    if reasoning.effort:
        return reasoning.effort
    if budget := reasoning.max_tokens:
        return min(EFFORT_SHARES, key=lambda effort: abs(EFFORT_SHARES[effort] * answer_tokens - 100 * budget))
    wanted = reasoning.enabled or not reasoning.exclude
    return "medium" if wanted else None


def thinking_budget(request: ChatRequest, answer_tokens: int, least: int, most: int) -> int:
    """How many tokens of an answer may be thoughts: the number asked for, or the effort's share, within limits.

    At least a twentieth of the answer remains for what is said, so the result may be below `least` when
    `answer_tokens` is small.
    """
    reasoning = request.reasoning
    if reasoning is not None and reasoning.max_tokens:
        wanted = reasoning.max_tokens
    else:
        wanted = answer_tokens * EFFORT_SHARES.get(effort_of(request, answer_tokens) or "medium", 50) // 100
    return min(max(wanted, least), most, answer_tokens * EFFORT_SHARES["max"] // 100)


async def send(
    url: str, attempt: Attempt, caller: Caller, *, headers: dict[str, str], body: dict[str, Any], stream: bool
) -> http.UpstreamResponse:
    """The provider's response once it has accepted the request; ProviderFailure when it has not."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        "Accept-Encoding": "identity",
        **headers,
    }
    if attempt.upstream.simulated:
        headers |= caller.sandbox_headers
    # An answer that comes in one piece is silent until it is complete.
    silence = None if stream else settings.PROVIDER_WHOLE_SECONDS
    response = await http.post(url, headers=headers, content=_encode(body), silence=silence)
    if response.status == 200:
        return response
    try:
        raise await failure_of(response)
    finally:
        await response.close()
