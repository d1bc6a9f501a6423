"""Answers in Google's Gemini protocol: candidates made of parts, with growing usage in every chunk."""

import secrets
from typing import Any

import msgspec

from gateway.events import Delta, Finished
from gateway.providers import http
from gateway.providers.errors import failure_from
from gateway.providers.failures import ProviderFailure
from gateway.providers.stream import ProviderStream, checked_usage

from .request import FORMAT

__all__ = ["GenerationStream"]

FINISH_REASONS = {
    "STOP": "stop", "MAX_TOKENS": "length",
    "SAFETY": "content_filter", "RECITATION": "content_filter", "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter", "SPII": "content_filter", "LANGUAGE": "content_filter",
    "IMAGE_SAFETY": "content_filter", "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error", "UNEXPECTED_TOOL_CALL": "error", "TOO_MANY_TOOL_CALLS": "error",
    "MALFORMED_RESPONSE": "error", "MISSING_THOUGHT_SIGNATURE": "error",
}  # fmt: skip


class _Call(msgspec.Struct):
    name: str = ""
    args: Any = None
    id: str | None = None


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None
    inline_data: _Blob | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    index: int = 0
    content: _Content | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    response_id: str | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk, strict=False).decode
_encode = msgspec.json.Encoder().encode


class GenerationStream(ProviderStream):
    """An answer of Gemini's; a chunk of the stream and a whole answer have the same shape."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__(response)
        self._calls = 0
        self._thoughts = 0  # signed parts so far

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        try:
            chunk = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _error_in(payload) from error
        if chunk.error:
            raise failure_from(chunk.error, default_status=502)
        self.upstream_id = chunk.response_id or self.upstream_id
        self._count(chunk.usage_metadata)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            reason = chunk.prompt_feedback.block_reason
            raise ProviderFailure(
                400, f"The provider blocked the prompt: {reason}.", error_type="content_policy_violation"
            )
        events: list[Delta | Finished] = []
        for candidate in chunk.candidates or ():
            for part in (candidate.content.parts if candidate.content else None) or ():
                events += self._part(part, candidate.index)
            if candidate.finish_reason:
                events.append(self._finished(candidate.finish_reason, candidate.index))
        return events

    def _part(self, part: _Part, index: int) -> list[Delta]:
        details: list[Any] = []
        calls = None
        call_id = None
        if part.function_call is not None:
            call = part.function_call
            call_id = call.id or f"call_{(self.upstream_id or secrets.token_urlsafe(12))[:40]}_{self._calls}"
            function = {"name": call.name, "arguments": _encode(call.args or {}).decode()}
            calls = [{"index": self._calls, "id": call_id, "type": "function", "function": function}]
            self._calls += 1
        thought = part.text or "" if part.thought else ""
        if thought:
            details.append({"type": "reasoning.text", "text": thought, "format": FORMAT, "index": self._thoughts})
        if part.thought_signature:
            signature = {"type": "reasoning.encrypted", "data": part.thought_signature, "id": call_id}
            details.append({**signature, "format": FORMAT, "index": self._thoughts})
            self._thoughts += 1
        images = None
        if part.inline_data is not None and not part.thought:
            url = f"data:{part.inline_data.mime_type};base64,{part.inline_data.data}"
            images = [{"type": "image_url", "image_url": {"url": url}}]
        text = "" if part.thought else part.text or ""
        if not (text or details or calls or images):
            return []
        return [
            Delta(
                text=text,
                reasoning=thought,
                reasoning_details=details or None,
                tool_calls=calls,
                images=images,
                index=index,
            )
        ]

    def _finished(self, native: str, index: int) -> Finished:
        reason = FINISH_REASONS.get(native, "stop")
        if reason == "error":
            raise ProviderFailure(502, f"The provider ended its answer with an error: {native}.")
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        return Finished(finish_reason=reason, native_finish_reason=native, index=index)

    def _count(self, new: _Usage | None) -> None:
        """Take over counts, which are cumulative. Here the candidates do not include their thoughts."""
        if new is None or new.prompt_token_count is None:
            return
        thoughts = new.thoughts_token_count or 0
        usage = checked_usage(
            new.prompt_token_count + (new.tool_use_prompt_token_count or 0),
            (new.candidates_token_count or 0) + thoughts,
            reasoning=thoughts,
            cached=new.cached_content_token_count or 0,
        )
        self.usage = usage or self.usage


def _error_in(payload: bytes) -> ProviderFailure:
    """What a payload that is no chunk says: errors in a list, as Google sends them at times, or nonsense."""
    try:
        decoded = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    if isinstance(decoded, list):
        return failure_from(decoded, default_status=502)
    return ProviderFailure(502, "The provider sent something that is not its protocol.")
