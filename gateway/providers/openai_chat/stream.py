"""Responses in OpenAI's chat protocol, with the variations that providers have.

Usage comes in a chunk of its own, in every chunk or in one with choices; reasoning has two names; finish reasons vary;
errors have four shapes; `[DONE]` may be missing. The events are the same for all.
"""

from typing import Any

import msgspec

from gateway.events import Delta, Finished, Usage
from gateway.protocols.reasoning import text_of_details, well_formed
from gateway.providers import http
from gateway.providers.errors import failure_from_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.stream import ProviderStream, checked_usage, with_kinds

from .reasoning import call_signatures
from .tool_calls import ToolCallNumbers

__all__ = ["ChatStream"]

FINISH_REASONS = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop", "complete": "stop", "eos_token": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length", "max_output_tokens": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "safety": "content_filter", "recitation": "content_filter",
    "refusal": "content_filter", "error": "error",
}  # fmt: skip


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Any] | None = None
    tool_calls: list[Any] | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    images: list[Any] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    stop_reason: str | int | None = None  # vLLM's: the stop sequence that ended the choice, or the number of a token
    logprobs: Any = None
    usage: "_Usage | None" = None  # Moonshot reports it here


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    image_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None  # Moonshot's name for `prompt_tokens_details.cached_tokens`
    prompt_cache_hit_tokens: int | None = None  # DeepSeek's name for it


class _Chunk(msgspec.Struct):
    id: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Chunk, strict=False)


class ChatStream(ProviderStream):
    """A response in OpenAI's chat protocol, in chunks or in one piece."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__(response)
        self.service_tier = ""
        self._tool_calls: dict[int, ToolCallNumbers] = {}  # by choice

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        chunk = self.decoded(payload, _decoder)
        if chunk.error:
            raise failure_from_body(chunk.error, default_status=502)
        if chunk.id:
            self.upstream_id = chunk.id
        if chunk.system_fingerprint:
            self.system_fingerprint = chunk.system_fingerprint[:200]
        if chunk.service_tier:
            self.service_tier = chunk.service_tier
        if chunk.usage is not None:
            self.usage = _merged(self.usage, chunk.usage)
        events: list[Delta | Finished] = []
        for choice in chunk.choices or ():
            if delta := self._delta(choice):
                events.append(delta)
            if choice.usage is not None:
                self.usage = _merged(self.usage, choice.usage)
            if choice.finish_reason:
                native = choice.native_finish_reason or choice.finish_reason
                reason = FINISH_REASONS.get(choice.finish_reason.lower(), "stop")
                if reason == "error":
                    raise ProviderFailure(502, "The provider ended its response with an error.")
                if numbers := self._tool_calls.get(choice.index):
                    reason = "tool_calls" if reason == "stop" else reason  # some providers say that they stopped
                    if closing := numbers.closing():
                        events.append(Delta(tool_calls=closing, index=choice.index))
                stop = choice.stop_reason if isinstance(choice.stop_reason, str) else None
                events.append(
                    Finished(finish_reason=reason, native_finish_reason=native, index=choice.index, stop_sequence=stop)
                )
        return events

    def _delta(self, choice: _Choice) -> Delta | None:
        """The choice's content as a Delta; None when it is empty."""
        source = choice.delta or choice.message or _Delta(content=choice.text)
        text, thinking = _text_and_thinking(source.content)
        reasoning = source.reasoning or source.reasoning_content or thinking
        tool_calls = source.tool_calls
        if tool_calls:
            numbers = self._tool_calls.setdefault(choice.index, ToolCallNumbers())
            tool_calls = numbers.numbered(tool_calls, whole=source is choice.message)
        details = source.reasoning_details
        if details:
            details = well_formed(details)
            reasoning = reasoning or text_of_details(details)
        if tool_calls and (signatures := call_signatures(tool_calls)):
            details = [*(details or ()), *signatures]
        if not (text or reasoning or details or tool_calls or source.refusal or source.annotations or source.images):
            return None
        return Delta(
            text=text,
            reasoning=reasoning,
            reasoning_details=details,
            tool_calls=tool_calls,
            refusal=source.refusal or "",
            annotations=source.annotations,
            images=source.images,
            logprobs=choice.logprobs,
            index=choice.index,
        )


def _text_and_thinking(content: str | list[dict[str, Any]] | None) -> tuple[str, str]:
    """(text, reasoning) of a content, which may be in parts. Mistral's reasoning is a part that has parts itself."""
    if isinstance(content, str):
        return content, ""
    text = thinking = ""
    for part in content or ():
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thinking += inner if isinstance(inner, str) else _text_and_thinking(inner)[0]
        else:
            text += str(part.get("text") or "")
    return text, thinking


def _merged(known: Usage | None, new: _Usage) -> Usage | None:
    """Usage with this chunk's counts, which are cumulative: the latest replace earlier ones, impossible ones none."""
    if new.prompt_tokens is None and new.completion_tokens is None:
        return known  # a usage object without counts is missing usage, not zero tokens
    old = known or Usage()
    prompt_details = new.prompt_tokens_details or _PromptDetails()
    completion_details = new.completion_tokens_details or _CompletionDetails()
    prompt = _first(new.prompt_tokens, default=old.prompt_tokens)
    completion = _first(new.completion_tokens, default=old.completion_tokens)
    reasoning = _first(completion_details.reasoning_tokens, default=old.reasoning_tokens)
    if new.total_tokens == prompt + completion + reasoning:
        completion += reasoning  # some providers count reasoning beside the completion, and all bill it
    audio = _first(prompt_details.audio_tokens, default=old.audio_tokens)
    image = _first(completion_details.image_tokens, default=old.image_tokens)
    accepted = _first(completion_details.accepted_prediction_tokens, default=old.accepted_prediction_tokens)
    rejected = _first(completion_details.rejected_prediction_tokens, default=old.rejected_prediction_tokens)
    cached = _first(
        prompt_details.cached_tokens, new.cached_tokens, new.prompt_cache_hit_tokens, default=old.cached_tokens
    )
    cache_write = _first(prompt_details.cache_write_tokens, default=old.cache_write_tokens)
    usage = checked_usage(prompt, completion, reasoning=reasoning, cached=cached, cache_write=cache_write)
    usage = with_kinds(usage, audio=audio, image=image, accepted_prediction=accepted, rejected_prediction=rejected)
    return usage or known


def _first(*counts: int | None, default: int) -> int:
    """The first count that is present, or the default."""
    return next((count for count in counts if count is not None), default)
