"""Events as server-sent events in the shape of OpenAI's chunks. Pure."""

from typing import Any

import msgspec

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Failed, Finished, Started

__all__ = ["DONE", "KEEP_ALIVE", "SseEncoder", "error_object", "usage_object"]

DONE = b"data: [DONE]\n\n"
#: A comment, which clients ignore: it keeps proxies from closing an idle connection.
KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class SseEncoder:
    """Encodes the events of one response as chunks that share its ID."""

    def __init__(self, *, text_completion: bool = False, show_reasoning: bool = True) -> None:
        self._text_completion = text_completion
        self._show_reasoning = show_reasoning
        self._object = "text_completion" if text_completion else "chat.completion.chunk"
        self._started: Started | None = None
        self._begun: set[int] = set()  # choices whose role was sent: clients join what is sent more than once

    def encode(self, event: Event) -> bytes:
        """The event's bytes; empty if it is not sent on its own."""
        match event:
            case Started():
                self._started = event
                return b""
            case Delta():
                return self._chunk([self._choice(event)])
            case Finished():
                return self._chunk(
                    [
                        self._content(event.index, {"content": ""})
                        | {
                            "finish_reason": event.finish_reason,
                            "native_finish_reason": event.native_finish_reason,
                            "logprobs": None,
                        }
                    ]
                )
            case Failed():
                empty: dict[str, Any] = {"text": ""} if self._text_completion else {"delta": {"content": ""}}
                choice = {"index": 0, **empty, "finish_reason": "error", "native_finish_reason": None}
                return self._chunk([choice], error=error_object(event))
            case Billed():
                routing = self._started.routing if self._started else None
                extra = {"openrouter_metadata": routing} if routing else {}
                return self._chunk([], usage=usage_object(event), **extra)

    def _choice(self, delta: Delta) -> dict[str, Any]:
        fields: dict[str, Any] = {"content": delta.text}
        if delta.reasoning and self._show_reasoning:
            fields["reasoning"] = delta.reasoning
        if delta.reasoning_details and self._show_reasoning:
            fields["reasoning_details"] = delta.reasoning_details
        for name in ("tool_calls", "annotations", "images"):
            if value := getattr(delta, name):
                fields[name] = value
        if delta.refusal:
            fields["refusal"] = delta.refusal
        choice = self._content(delta.index, fields) | {"finish_reason": None, "native_finish_reason": None}
        if delta.logprobs is not None:
            choice["logprobs"] = delta.logprobs
        return choice

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
    tools = {"server_tool_use": {"web_search_requests": billed.web_searches}} if billed.web_searches else {}
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": as_usd(billed.cost),
        "is_byok": False,
        "cost_details": {"upstream_inference_cost": None},
        **estimated,
        **tools,
    }
