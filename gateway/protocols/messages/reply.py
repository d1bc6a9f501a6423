"""Responses and errors in the Messages protocol, whole or as server-sent events. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from common.errors import ApiError, ContextLengthExceeded, TemporarilyUnavailable
from common.money import as_usd
from gateway.events import Billed, Delta, Event, Failed, Finished, Started
from gateway.protocols.costs import cost_details

from .blocks import BlockWriter, Change, content_of
from .request import Asked

__all__ = ["KEEP_ALIVE", "MessagesEncoder", "error_body", "failed_reply", "gather", "status_of"]

KEEP_ALIVE = b'event: ping\ndata: {"type":"ping"}\n\n'

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
#: Reasons of the provider's own that the protocol has too.
_NATIVE_REASONS = frozenset({"stop_sequence", "pause_turn", "model_context_window_exceeded"})

#: The protocol's type of error for each HTTP status; `api_error` for any other.
_ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 408: "timeout_error", 409: "invalid_request_error",
    413: "invalid_request_error", 415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error",
    503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip

_encode = msgspec.json.Encoder(decimal_format="number").encode


def status_of(error: ApiError) -> int:
    """The HTTP status of an error: 529 where it says that all providers are overloaded, which has no status in HTTP."""
    return 529 if error.error_type == TemporarilyUnavailable.error_type else error.status


def error_body(error: ApiError) -> dict[str, Any]:
    """The JSON body of an error."""
    message = error.message
    if isinstance(error, ContextLengthExceeded) and "prompt is too long" not in message.lower():
        message = f"prompt is too long: {message}"  # by these words clients know when to shorten the conversation
    body = _error(status_of(error), message, error.metadata.get("error_type", error.error_type))
    body |= {"request_id": error.headers.get("X-Generation-Id")}
    if error.metadata:
        body["metadata"] = error.metadata
    if error.routing is not None:
        body["openrouter_metadata"] = error.routing
    return body


def _error(status: int, message: str, error_type: str) -> dict[str, Any]:
    kind = _ERROR_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message, "error_type": error_type}}


def gather(events: Iterable[Event], *, asked: Asked | None = None, show_reasoning: bool = True) -> dict[str, Any]:
    """The message of a whole response.

    A response that was interrupted keeps its content, with `stop_reason` null and the error beside it.
    """
    asked = asked or Asked()
    writer = BlockWriter(show_reasoning=show_reasoning)
    message: dict[str, Any] = {}
    content: list[dict[str, Any]] = []
    finish: Finished | None = None
    tier: str | None = None
    for event in events:
        match event:
            case Started():
                message = _message(event)
                tier = event.service_tier
                if event.web_search and asked.searches:
                    content_of(writer.search(event), content)
            case Delta():
                content_of(writer.changes(event), content)
            case Finished() if event.index == 0:
                finish = event
            case Failed():
                message |= {"error": _error(event.status, event.message, event.error_type)["error"]}
            case Billed():
                message["usage"] = usage_object(event, tier)
    content_of(writer.end(), content)
    message.setdefault("usage", _NO_USAGE)
    return message | {"content": content} | _ending(finish, writer.refusal, asked.stops)


def failed_reply(generation_id: str, model: str, error: ApiError) -> dict[str, Any]:
    """The message of a response that failed after its status 200 was sent: without content, the error beside it."""
    message = _empty_message(generation_id, model)
    return message | {
        "content": [],
        "usage": _NO_USAGE,
        "error": error_body(error)["error"],
    }


class MessagesEncoder:
    """Encodes the events of one response as the protocol's server-sent events."""

    def __init__(self, *, asked: Asked | None = None, show_reasoning: bool = True) -> None:
        self._writer = BlockWriter(show_reasoning=show_reasoning)
        self._asked = asked or Asked()
        self._started: Started | None = None
        self._finish: Finished | None = None
        self._ended = False

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""
        match event:
            case Started():
                self._started = event
                message = _message(event) | {"content": [], "usage": _NO_USAGE}
                start = _sse({"type": "message_start", "message": message})
                shown = event.web_search and self._asked.searches
                return start + b"".join(map(_change, self._writer.search(event) if shown else ()))
            case Delta():
                return b"".join(map(_change, self._writer.changes(event)))
            case Finished() if event.index == 0:
                self._finish = event
            case Failed():
                self._ended = True
                return _sse(_error(event.status, event.message, event.error_type))
            case Billed() if not self._ended:
                return self._end(usage_object(event, self._started.service_tier if self._started else None))
        return b""

    def end(self) -> bytes:
        """The bytes that end the stream: none after its bill or its error; without a bill, an end without counts."""
        return b"" if self._ended else self._end(_NO_USAGE)

    def _end(self, usage: dict[str, Any]) -> bytes:
        self._ended = True
        ending = {"container": None, **_ending(self._finish, self._writer.refusal, self._asked.stops)}
        routing = self._started.routing if self._started else None
        stop = {"type": "message_stop"} | ({"openrouter_metadata": routing} if routing else {})
        blocks = b"".join(map(_change, self._writer.end()))
        return blocks + _sse({"type": "message_delta", "delta": ending, "usage": usage}) + _sse(stop)


def usage_object(billed: Billed, tier: str | None = None) -> dict[str, Any]:
    """The protocol's `usage`, with the cost in USD. `input_tokens` excludes what the cache was read or written for.

    `tier` is the service tier that served the response; the protocol has no word for "flex".
    """
    usage = billed.usage
    searches = {"web_search_requests": billed.web_searches, "web_fetch_requests": 0} if billed.web_searches else None
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - usage.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "inference_geo": None,
        "server_tool_use": searches,
        "service_tier": "priority" if tier == "priority" else "standard",
        "speed": "fast" if tier == "priority" else "standard",
        "cost": as_usd(billed.cost),
        "is_byok": billed.is_byok,
        "cost_details": cost_details(billed),
    }


#: Before the response, nothing is counted; a response may have no bill while the database is away.
_NO_USAGE: dict[str, Any] = {
    "input_tokens": 0,
    "output_tokens": 0,
    "output_tokens_details": None,
    "cache_creation_input_tokens": None,
    "cache_read_input_tokens": None,
    "cache_creation": None,
    "inference_geo": None,
    "server_tool_use": None,
    "service_tier": None,
    "speed": None,
}


def _message(started: Started) -> dict[str, Any]:
    message = _empty_message(started.generation_id, started.model) | {"provider": started.provider}
    return message | ({"openrouter_metadata": started.routing} if started.routing else {})


def _empty_message(generation_id: str, model: str) -> dict[str, Any]:
    return {
        "id": generation_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "container": None,
        "stop_reason": None,
        "stop_details": None,
        "stop_sequence": None,
    }


def _ending(finish: Finished | None, refusal: str, stops: Sequence[str]) -> dict[str, Any]:
    """`stop_reason`, `stop_sequence` and `stop_details`.

    The sequence that ended the response is the one that the provider names, or the only one that was asked for.
    """
    reason = sequence = None
    if finish is not None:
        native = finish.native_finish_reason
        reason = native if native in _NATIVE_REASONS else _STOP_REASONS.get(finish.finish_reason, "end_turn")
        if finish.stop_sequence in stops:
            reason, sequence = "stop_sequence", finish.stop_sequence
        elif reason == "stop_sequence" and len(stops) == 1:
            sequence = stops[0]
    details = {"type": "refusal", "category": None, "explanation": refusal or None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": sequence, "stop_details": details}


def _change(change: Change) -> bytes:
    if change.block is not None:
        return _sse({"type": "content_block_start", "index": change.place, "content_block": change.block})
    if change.delta is not None:
        return _sse({"type": "content_block_delta", "index": change.place, "delta": change.delta})
    return _sse({"type": "content_block_stop", "index": change.place})


def _sse(event: dict[str, Any]) -> bytes:
    name: str = event["type"]
    return b"event: " + name.encode() + b"\ndata: " + _encode(event) + b"\n\n"
