"""Events as server-sent events in the shape of OpenAI's chunks. Pure."""

from typing import Any

import msgspec

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Failed, Finished, Started
from gateway.protocols.costs import cost_details
from gateway.protocols.reasoning import plain_detail

from .functions import CALLED, function_call
from .text_logprobs import in_text_form

__all__ = ["KEEP_ALIVE", "SseEncoder", "error_object", "usage_object"]

_DONE = b"data: [DONE]\n\n"
#: A comment, which clients ignore: it keeps proxies from closing an idle connection.
KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class SseEncoder:
    """Encodes the events of one response as chunks that share its ID.

    With `functions`, the first tool call is written in the older form, `function_call`. `choices` is the number of
    choices that the request asks for.
    """

    def __init__(
        self,
        *,
        text_completion: bool = False,
        show_reasoning: bool = True,
        functions: bool = False,
        choices: int = 1,
    ) -> None:
        self._text_completion = text_completion
        self._show_reasoning = show_reasoning
        self._functions = functions
        self._unfinished = set(range(choices))
        self._offsets: dict[int, int] = {}  # by choice: characters so far, for log probabilities of text completions
        self._object = "text_completion" if text_completion else "chat.completion.chunk"
        self._started: Started | None = None
        self._begun: set[int] = set()  # choices whose role was sent: clients join what is sent more than once
        self._around_text: dict[int, list[bytes]] = {}  # by choice: a chunk of text alone, before and after its text

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""
        if isinstance(event, Delta):  # as nearly all are
            text_alone = event.index in self._begun and event.is_only_text
            return self._text(event) if text_alone else self._chunk([self._choice(event)])
        match event:
            case Started():
                self._started = event
                return b""
            case Finished():
                self._unfinished.discard(event.index)
                called = self._functions and event.finish_reason == "tool_calls"
                return self._chunk(
                    [
                        self._content(event.index, {"content": ""})
                        | {
                            "finish_reason": CALLED if called else event.finish_reason,
                            "native_finish_reason": event.native_finish_reason,
                            "logprobs": None,
                        }
                    ]
                )
            case Failed():
                empty: dict[str, Any] = {"text": ""} if self._text_completion else {"delta": {"content": ""}}
                ending = {**empty, "finish_reason": "error", "native_finish_reason": None}
                choices = [{"index": index, **ending} for index in sorted(self._unfinished) or (0,)]
                return self._chunk(choices, error=error_object(event))
            case Billed():
                routing = self._started.routing if self._started else None
                extra = {"openrouter_metadata": routing} if routing else {}
                return self._chunk([], usage=usage_object(event), **extra)

    def end(self) -> bytes:
        """The bytes that end the stream."""
        return _DONE

    def _text(self, delta: Delta) -> bytes:
        """A chunk of text alone, which nearly all are: only its text is encoded."""
        around = self._around_text.get(delta.index)
        if around is None:
            empty = self._chunk([self._choice(Delta(index=delta.index))])
            around = self._around_text[delta.index] = empty.split(b'"content":""')
        before, after = around
        return b'%b"content":%b%b' % (before, _encode(delta.text), after)

    def _choice(self, delta: Delta) -> dict[str, Any]:
        fields: dict[str, Any] = {"content": delta.text}
        if self._show_reasoning and (delta.reasoning or delta.reasoning_details):
            if delta.reasoning:
                fields["reasoning"] = delta.reasoning
            fields["reasoning_details"] = delta.reasoning_details or [plain_detail(delta.reasoning)]
        for name in ("tool_calls", "annotations", "images"):
            if value := getattr(delta, name):
                fields[name] = value
        if self._functions and delta.tool_calls and (call := function_call(fields.pop("tool_calls"))):
            fields["function_call"] = call
        if delta.refusal:
            fields["refusal"] = delta.refusal
        choice = self._content(delta.index, fields) | {"finish_reason": None, "native_finish_reason": None}
        if delta.logprobs is not None:
            choice["logprobs"] = self._logprobs(delta) if self._text_completion else delta.logprobs
        return choice

    def _logprobs(self, delta: Delta) -> Any:
        offset = self._offsets.get(delta.index, 0)
        self._offsets[delta.index] = offset + len(delta.text)
        return in_text_form(delta.logprobs, offset)

    def _content(self, index: int, fields: dict[str, Any]) -> dict[str, Any]:
        if self._text_completion:
            return {"index": index, "text": fields["content"]}
        if index in self._begun:
            return {"index": index, "delta": fields}
        self._begun.add(index)
        return {"index": index, "delta": {"role": "assistant", **fields}}

    def _chunk(self, choices: list[dict[str, Any]], **extra: Any) -> bytes:
        assert self._started is not None, "a response begins with Started"
        body = {
            "id": self._started.generation_id,
            "object": self._object,
            "created": self._started.created,
            "model": self._started.model,
            "provider": self._started.provider,
            "choices": choices,
            **extra,
        }
        if self._started.system_fingerprint:
            body["system_fingerprint"] = self._started.system_fingerprint
        if self._started.service_tier:
            body["service_tier"] = self._started.service_tier
        return b"data: " + _encode(body) + b"\n\n"


def error_object(failed: Failed) -> dict[str, Any]:
    """The `error` object of an interrupted response."""
    metadata: dict[str, Any] = {"error_type": failed.error_type}
    if failed.provider_code is not None:
        metadata["provider_code"] = failed.provider_code
    return {"code": failed.status, "message": failed.message, "metadata": metadata}


def usage_object(billed: Billed) -> dict[str, Any]:
    """The `usage` object: the provider's token counts, and the cost in credits as an exact number.

    `is_estimated` is there only if the provider did not report all counts.
    """
    usage = billed.usage
    estimated = {"is_estimated": True} if usage.estimated else {}
    searches = {"web_search_requests": billed.web_searches}
    # Guides name it one way, the document the other.
    tools = {"server_tool_use": searches, "server_tool_use_details": searches} if billed.web_searches else {}
    audio = {"audio_tokens": usage.audio_tokens} if usage.audio_tokens else {}
    completion = {
        "image_tokens": usage.image_tokens,
        "accepted_prediction_tokens": usage.accepted_prediction_tokens,
        "rejected_prediction_tokens": usage.rejected_prediction_tokens,
    }
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            **audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            **{name: tokens for name, tokens in completion.items() if tokens},
        },
        "cost": as_usd(billed.cost),
        "is_byok": billed.is_byok,
        "cost_details": cost_details(billed),
        **estimated,
        **tools,
    }
