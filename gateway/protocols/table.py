"""The protocols in which callers speak to the gateway. Each is a way to read requests and to write responses; between
them is one path: one plan, one hold, one relay, one bill.
"""

from collections.abc import AsyncIterable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

from common.errors import ApiError, InvalidRequest
from gateway.events import Begun, Event

from .chat_completions import reply as chat_reply
from .chat_completions import sse
from .chat_completions.request import ChatRequest
from .chat_completions.request import parse as parse_chat
from .messages import reply as messages_reply
from .messages.request import parse as parse_messages

__all__ = ["CHAT_COMPLETIONS", "COMPLETIONS", "MESSAGES", "CallerProtocol", "Encoder"]

Reply = dict[str, Any]


class Encoder(Protocol):
    """Turns the events of one response into bytes."""

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""


@dataclass(frozen=True)
class CallerProtocol:
    """How requests are read and responses written."""

    #: The request in a body. Raises InvalidRequest, which names the place of the first fault.
    parse: Callable[[bytes], ChatRequest]
    #: The encoder of a streamed response.
    encoder: Callable[[ChatRequest], Encoder]
    #: The JSON object of a whole response.
    gather: Callable[[ChatRequest, AsyncIterable[Event]], Coroutine[Any, Any, Reply]]
    #: The JSON object of a whole response that failed after its status 200 was sent.
    failed_reply: Callable[[ChatRequest, Begun, ApiError], Reply]
    #: The JSON object of an error.
    error: Callable[[ApiError], Reply]
    #: Bytes that keep a silent stream open, and that end one.
    keep_alive: bytes
    end: bytes


def _shows_reasoning(request: ChatRequest) -> bool:
    return not (request.reasoning and request.reasoning.exclude)


def _chat_shape(request: ChatRequest) -> dict[str, bool]:
    return {"text_completion": request.is_text_completion, "show_reasoning": _shows_reasoning(request)}


def _parse_completion(body: bytes) -> ChatRequest:
    request = parse_chat(body)
    if not request.is_text_completion:
        raise InvalidRequest("/completions takes a `prompt`. Send `messages` to /chat/completions.")
    return request


#: POST /chat/completions
CHAT_COMPLETIONS = CallerProtocol(
    parse=parse_chat,
    encoder=lambda request: sse.SseEncoder(**_chat_shape(request)),
    gather=lambda request, events: chat_reply.gather(events, **_chat_shape(request)),
    failed_reply=lambda request, begun, error: chat_reply.failed_reply(
        begun.generation_id, begun.model, error, **_chat_shape(request)
    ),
    error=lambda error: error.envelope(),
    keep_alive=sse.KEEP_ALIVE,
    end=sse.DONE,
)

#: POST /completions: takes a `prompt`, returns `choices[].text`
COMPLETIONS = replace(CHAT_COMPLETIONS, parse=_parse_completion)

#: POST /messages
MESSAGES = CallerProtocol(
    parse=parse_messages,
    encoder=lambda request: messages_reply.MessagesEncoder(show_reasoning=_shows_reasoning(request)),
    gather=lambda request, events: messages_reply.gather(events, show_reasoning=_shows_reasoning(request)),
    failed_reply=lambda request, begun, error: messages_reply.failed_reply(begun.generation_id, begun.model, error),
    error=messages_reply.error_body,
    keep_alive=messages_reply.KEEP_ALIVE,
    end=b"",
)
