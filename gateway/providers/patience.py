"""How an endpoint is asked, and how long it may stay silent before the next one is asked.

A caller that does not stream cannot tell a long response from a provider that hangs, and neither can the gateway when
it asks for the response in one piece. It therefore asks for a stream and gathers it where the first token comes soon:
that token is the sign of life. Reading a stream costs CPU time for each token, so responses that are short anyway are
asked for in one piece, and so are those of models that think out of sight.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing.health import Health
from gateway.routing.plan import Attempt
from models_catalog.reference.parameters import supports

from .openai_chat.dialects import DIALECTS, TOLERANT

__all__ = ["Patience", "patience"]

#: A response of at most this many tokens takes seconds, so that the limit for a first token suits all of it.
SHORT_RESPONSE_TOKENS = 256

#: An endpoint that thinks out of sight may take this many times as long as its slow responses of the last minutes, or
#: as long as another's first token when it has had none.
SLOWNESS = 3


class Patience(NamedTuple):
    """Whether to ask for a stream, and the seconds until its first token; until the whole response without a stream."""

    streamed: bool
    seconds: float


def patience(
    request: ChatRequest, attempt: Attempt, max_tokens: int | None, health: Callable[[], Health], *, is_last: bool
) -> Patience:
    """How to ask this endpoint. `max_tokens` is the limit that it is sent; `is_last`: no other could be asked.

    The last endpoint of an unstreamed request has until PROVIDER_WHOLE_SECONDS, since giving up early gains nothing.
    """
    first_token, whole = settings.PROVIDER_FIRST_TOKEN_SECONDS, settings.PROVIDER_WHOLE_SECONDS
    if request.stream:
        return Patience(streamed=True, seconds=first_token)
    late = _is_late(request, attempt)
    streamed = not late and (max_tokens is None or max_tokens > SHORT_RESPONSE_TOKENS)
    seconds: float = min(first_token, whole)
    if is_last:
        seconds = whole
    elif late:
        latency = health().of(attempt.key).latency
        usual = latency["p99"] / 1000 if latency else first_token
        seconds = min(max(SLOWNESS * usual, first_token), whole)
    return Patience(streamed, seconds)


def _is_late(request: ChatRequest, attempt: Attempt) -> bool:
    """Whether a stream's first token comes late or never: after reasoning that is not sent, as an image, a vector."""
    if request.task != "chat" or set(request.body.get("modalities") or ()) - {"text"}:
        return True
    if not supports(attempt.endpoint.supported_parameters, "reasoning"):
        return False
    if attempt.upstream.protocol == "openai_chat":
        return not DIALECTS.get(attempt.endpoint.provider, TOLERANT).shows_reasoning
    return bool(request.reasoning and request.reasoning.exclude)
