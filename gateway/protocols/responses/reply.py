"""Responses and errors in the Responses protocol, whole or as server-sent events. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from common.clock import utc_now
from common.errors import ApiError
from common.money import as_usd
from common.naming.ids import response_id
from gateway.events import Billed, Delta, Event, Failed, Finished, Started
from gateway.protocols.costs import cost_details

from .output import OutputWriter
from .request import ForReply

__all__ = ["INCOMPLETE_ERRORS", "ResponsesEncoder", "error_body", "failed_reply", "gather"]

#: Errors that this protocol reports as a response which is incomplete: there was no room for it.
INCOMPLETE_ERRORS = frozenset(
    {"context_length_exceeded", "max_tokens_exceeded", "token_limit_exceeded", "string_too_long"}
)

#: The codes of a failed response, by type of error; `server_error` for any other.
_CODES: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limit_exceeded",
    "invalid_request": "invalid_prompt",
    "invalid_prompt": "invalid_prompt",
    "content_policy_violation": "image_content_policy_violation",
    "invalid_image": "invalid_image",
    "image_too_large": "image_too_large",
    "image_too_small": "image_too_small",
    "unsupported_image_format": "unsupported_image_media_type",
    "image_not_found": "image_file_not_found",
    "image_download_failed": "failed_to_download_image",
}  # fmt: skip

#: OpenAI's types of error, by HTTP status.
_TYPES: Mapping[int, str] = {
    401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error",
}  # fmt: skip

_DONE = b"data: [DONE]\n\n"
_PLACE = re.compile(r" - at `\$\.([^`]+)`$")

_encode = msgspec.json.Encoder(decimal_format="number").encode


def error_body(error: ApiError) -> dict[str, Any]:
    """The JSON body of an error: the envelope of this API, with the fields that OpenAI's clients read."""
    body = error.envelope()
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    place = _PLACE.search(error.message)
    body["error"] |= {"type": kind, "param": place[1] if place else None}
    return body | {"error_type": _error_type(error)}


def _error_type(error: ApiError) -> str:
    return str(error.metadata.get("error_type", error.error_type))


def gather(events: Iterable[Event], asked: ForReply) -> dict[str, Any]:
    """The whole response. One that was interrupted keeps its output, with the status `failed` and the error."""
    response = _Response(asked)
    for event in events:
        for _ in response.events(event):
            pass
    for _ in response.end():
        pass
    return response.body()


def failed_reply(generation_id: str, model: str, error: ApiError, asked: ForReply) -> dict[str, Any]:
    """The response that failed after its status 200 was sent, without output."""
    response = _Response(asked)
    created = int(utc_now().timestamp())
    started = Started(
        generation_id=generation_id, created=created, model=model, provider="", provider_slug="", simulated=False
    )
    for event in (started, Failed(status=error.status, message=error.message, error_type=_error_type(error))):
        for _ in response.events(event):
            pass
    body = response.body()
    if body["status"] == "failed":
        body["error"]["metadata"] = error.envelope()["error"]["metadata"]
    return body


class ResponsesEncoder:
    """Encodes the events of one response as the protocol's server-sent events."""

    def __init__(self, asked: ForReply) -> None:
        self._response = _Response(asked)
        self._echo = _encode(asked.echo)[1:]
        self._sent = 0

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""
        return self._bytes(self._response.events(event))

    def end(self) -> bytes:
        """The bytes that end the stream."""
        return self._bytes(self._response.end()) + _DONE

    def _bytes(self, events: Iterable[dict[str, Any]]) -> bytes:
        return b"".join(map(self._sse, events))

    def _sse(self, event: dict[str, Any]) -> bytes:
        name: str = event["type"]
        event["sequence_number"] = self._sent
        self._sent += 1
        if "response" in event:  # its echo of the request, which may be long, is encoded once
            event["response"] = msgspec.Raw(_encode(event["response"])[:-1] + b"," + self._echo)
        return b"event: " + name.encode() + b"\ndata: " + _encode(event) + b"\n\n"


class _Response:
    """The response object, while the events of its generation arrive."""

    def __init__(self, asked: ForReply) -> None:
        self._asked = asked
        self._output = OutputWriter("", asked)
        self._head: dict[str, Any] = {}
        self._finish: Finished | None = None
        self._failure: Failed | None = None
        self._billed: Billed | None = None
        self._ended = False

    def events(self, event: Event) -> Iterable[dict[str, Any]]:
        """The protocol's events for this one, without their `sequence_number`."""
        match event:
            case Delta():
                return self._output.events(event)
            case Started():
                return self._begin(event)
            case Finished() if event.index == 0:
                self._finish = event
            case Failed():
                self._failure = event
                # One that is incomplete has counts, which come with the bill.
                return () if event.error_type in INCOMPLETE_ERRORS else self.end()
            case Billed():
                self._billed = event
                return self.end()
        return ()

    def end(self) -> Iterable[dict[str, Any]]:
        """The events that end the response, if it has not ended. Without a bill it has no usage."""
        if self._ended:
            return
        self._ended = True
        status = self._status()
        yield from self._output.end("completed" if status == "completed" else "incomplete")
        yield {"type": f"response.{status}", "response": self._object(status)}

    def body(self) -> dict[str, Any]:
        """The whole response."""
        return self._object(self._status()) | self._asked.echo

    def _begin(self, started: Started) -> Iterable[dict[str, Any]]:
        self._output = OutputWriter(started.generation_id.rpartition("-")[2], self._asked)
        self._head = {
            "id": response_id(started.generation_id),
            "object": "response",
            "created_at": started.created,
            "model": started.model,
            "service_tier": started.service_tier or "default",
        }
        if started.provider:
            self._head["provider"] = started.provider
        if started.routing:
            self._head["openrouter_metadata"] = started.routing
        for name in ("created", "in_progress"):
            yield {"type": f"response.{name}", "response": self._object("in_progress")}
        if started.web_search:
            yield from self._output.search(started.web_search)

    def _status(self) -> str:
        if self._failure is not None:
            return "incomplete" if self._failure.error_type in INCOMPLETE_ERRORS else "failed"
        cut = self._finish is not None and self._finish.finish_reason in {"length", "content_filter"}
        return "incomplete" if cut else "completed"

    def _object(self, status: str) -> dict[str, Any]:
        """The response object, without the echo of the request."""
        body = self._head | {
            "status": status,
            "completed_at": int(utc_now().timestamp()) if status == "completed" else None,
            "output": self._output.items,
            "output_text": self._output.text,
            "error": None,
            "incomplete_details": None,
        }
        if self._billed is not None:
            body["usage"] = usage_object(self._billed)
        failure = self._failure
        if status == "in_progress":
            body["output"] = []
        elif failure is not None:
            body["error_type"] = failure.error_type
            if status == "failed":
                body["error"] = {"code": _CODES.get(failure.error_type, "server_error"), "message": failure.message}
            else:
                body["incomplete_details"] = {"reason": "max_output_tokens", "message": failure.message}
        elif status == "incomplete":
            filtered = self._finish is not None and self._finish.finish_reason == "content_filter"
            body["incomplete_details"] = {"reason": "content_filter" if filtered else "max_output_tokens"}
        return body


def usage_object(billed: Billed) -> dict[str, Any]:
    """The protocol's `usage`, with the cost in USD, and `is_estimated` if the provider did not report all counts."""
    usage = billed.usage
    body: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
        "cost": as_usd(billed.cost),
        "is_byok": billed.is_byok,
        "cost_details": cost_details(billed, "input", "output"),
    }
    if usage.estimated:
        body["is_estimated"] = True
    if billed.web_searches:
        body["server_tool_use_details"] = {"web_search_requests": billed.web_searches}
    return body
