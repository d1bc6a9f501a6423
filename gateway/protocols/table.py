"""The protocols in which callers speak to the gateway. Each is a way to read requests and to write responses; between
them is one path: one plan, one hold, one relay, one bill.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from common.errors import ApiError, InvalidRequest
from common.naming.ids import response_id
from gateway.events import Begun, Event

from .chat_completions import reply as chat_reply
from .chat_completions import sse
from .chat_completions.request import ChatRequest
from .chat_completions.request import parse as parse_chat
from .embeddings import reply as embeddings_reply
from .embeddings.request import parse as parse_embeddings
from .messages import reply as messages_reply
from .messages.request import parse as parse_messages
from .rerank import reply as rerank_reply
from .rerank.request import parse as parse_rerank
from .responses import reply as responses_reply
from .responses.request import parse as parse_responses

__all__ = [
    "CHAT_COMPLETIONS",
    "COMPLETIONS",
    "EMBEDDINGS",
    "MESSAGES",
    "PARSERS",
    "RERANK",
    "RESPONSES",
    "CallerProtocol",
    "Encoder",
]

Reply = dict[str, Any]


class Encoder(Protocol):
    """Turns the events of one response into bytes."""

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""

    def end(self) -> bytes:
        """The bytes that end the stream, after its last event."""


@dataclass(frozen=True)
class CallerProtocol:
    """How requests are read and responses written."""

    #: The request in a body. Raises InvalidRequest, which names the place of the first fault.
    parse: Callable[[bytes], ChatRequest]
    #: The encoder of a streamed response.
    encoder: Callable[[ChatRequest], Encoder]
    #: The JSON object of a whole response.
    gather: Callable[[ChatRequest, Iterable[Event]], Reply]
    #: The JSON object of a whole response that failed after its status 200 was sent.
    failed_reply: Callable[[ChatRequest, Begun, ApiError], Reply]
    #: The JSON object of an error.
    error: Callable[[ApiError], Reply]
    #: Bytes that keep a silent stream open.
    keep_alive: bytes
    #: The types of errors that are a response without content, with status 200.
    incomplete_errors: frozenset[str] = frozenset()
    #: The ID that callers see of a generation.
    response_id: Callable[[str], str] = str
    #: (size, parts) of the JSON of a whole response that may have megabytes; None: it is written in one piece.
    in_parts: Callable[[Reply], tuple[int, Iterable[bytes]]] | None = None
    #: The HTTP status of an error.
    status: Callable[[ApiError], int] = lambda error: error.status


def _shows_reasoning(request: ChatRequest) -> bool:
    return not (request.reasoning and request.reasoning.exclude)


def _chat_shape(request: ChatRequest) -> dict[str, bool]:
    return {"text_completion": request.is_text_completion, "show_reasoning": _shows_reasoning(request)}


def _encoder(request: ChatRequest) -> sse.SseEncoder:
    return sse.SseEncoder(**_chat_shape(request), functions=request.uses_functions, choices=request.choices)


def _gathered(request: ChatRequest, events: Iterable[Event]) -> Reply:
    return chat_reply.gather(events, **_chat_shape(request), functions=request.uses_functions)


def _messages_shape(request: ChatRequest) -> dict[str, Any]:
    return {"asked": request.for_reply, "show_reasoning": _shows_reasoning(request)}


def _parse_completion(body: bytes) -> ChatRequest:
    request = parse_chat(body)
    if not request.is_text_completion:
        raise InvalidRequest("/completions takes a `prompt`. Send `messages` to /chat/completions.")
    return request


#: POST /chat/completions
CHAT_COMPLETIONS = CallerProtocol(
    parse=parse_chat,
    encoder=_encoder,
    gather=_gathered,
    failed_reply=lambda request, begun, error: chat_reply.failed_reply(
        begun.generation_id, begun.model, error, **_chat_shape(request)
    ),
    error=lambda error: error.envelope(),
    keep_alive=sse.KEEP_ALIVE,
)

#: POST /completions: takes a `prompt`, returns `choices[].text`
COMPLETIONS = replace(CHAT_COMPLETIONS, parse=_parse_completion)

#: POST /embeddings and POST /rerank: never streamed, and answered in one piece by the provider, so that no response
#: can fail after its status was sent.
EMBEDDINGS = replace(
    CHAT_COMPLETIONS,
    parse=parse_embeddings,
    gather=lambda request, events: embeddings_reply.gather(events),
    in_parts=embeddings_reply.in_parts,
)
RERANK = replace(CHAT_COMPLETIONS, parse=parse_rerank, gather=rerank_reply.gather)

#: POST /messages
MESSAGES = CallerProtocol(
    parse=parse_messages,
    encoder=lambda request: messages_reply.MessagesEncoder(**_messages_shape(request)),
    gather=lambda request, events: messages_reply.gather(events, **_messages_shape(request)),
    failed_reply=lambda request, begun, error: messages_reply.failed_reply(begun.generation_id, begun.model, error),
    error=messages_reply.error_body,
    status=messages_reply.status_of,
    keep_alive=messages_reply.KEEP_ALIVE,
)

#: POST /responses
RESPONSES = CallerProtocol(
    parse=parse_responses,
    encoder=lambda request: responses_reply.ResponsesEncoder(request.for_reply),
    gather=lambda request, events: responses_reply.gather(events, request.for_reply),
    failed_reply=lambda request, begun, error: responses_reply.failed_reply(
        begun.generation_id, begun.model, error, request.for_reply
    ),
    error=responses_reply.error_body,
    keep_alive=sse.KEEP_ALIVE,
    incomplete_errors=responses_reply.INCOMPLETE_ERRORS,
    response_id=response_id,
)

#: By path below /api/v1: the request in a body.
PARSERS: Mapping[str, Callable[[bytes], ChatRequest]] = {
    "chat/completions": parse_chat,
    "messages": parse_messages,
    "responses": parse_responses,
    "embeddings": parse_embeddings,
    "rerank": parse_rerank,
}
