"""Responses in Google's Gemini protocol: candidates made of parts, with cumulative usage in every chunk."""

import secrets
from typing import Any

import msgspec

from gateway.events import Delta, Finished
from gateway.protocols.json_text import decoded
from gateway.providers import http
from gateway.providers.errors import failure_from_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.stream import ProviderStream, checked_usage, with_kinds
from gateway.providers.tolerant import as_json

from .messages import REASONING_FORMAT, image_id

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


class _ModalityTokens(msgspec.Struct, rename="camel"):
    modality: str = ""
    token_count: int | None = None


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    prompt_tokens_details: list[_ModalityTokens] | None = None
    candidates_tokens_details: list[_ModalityTokens] | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    response_id: str | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Chunk, strict=False)


class GenerationStream(ProviderStream):
    """A response of Gemini's. A chunk of a stream and a whole response have the same shape."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__(response)
        self._tool_calls = 0  # so far
        self._images = 0  # so far
        self._signed_parts = 0  # so far

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        chunk = self.decoded(payload, _decoder)
        if chunk.error:
            raise failure_from_body(chunk.error, default_status=502)
        self.upstream_id = chunk.response_id or self.upstream_id
        self._update_usage(chunk.usage_metadata)
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

    def reported_failure(self, payload: bytes) -> ProviderFailure | None:
        """Google sometimes sends an error inside a list."""
        try:
            reported = decoded(payload)
        except ValueError:
            return None
        return failure_from_body(reported, default_status=502) if isinstance(reported, list) and reported else None

    def _part(self, part: _Part, index: int) -> list[Delta]:
        details: list[Any] = []
        tool_calls = None
        place = None
        if part.function_call is not None:
            call = part.function_call
            place = call.id or f"call_{(self.upstream_id or secrets.token_urlsafe(12))[:40]}_{self._tool_calls}"
            function = {"name": call.name, "arguments": as_json(call.args or {})}
            tool_calls = [{"index": self._tool_calls, "id": place, "type": "function", "function": function}]
            self._tool_calls += 1
        text = part.text or ""
        reasoning = ""
        if part.thought:
            text, reasoning = "", text
        images = None
        if part.inline_data is not None and not part.thought:
            url = f"data:{part.inline_data.mime_type};base64,{part.inline_data.data}"
            images = [{"type": "image_url", "image_url": {"url": url}}]
            place = image_id(self._images)
            self._images += 1
        if reasoning or part.thought_signature:
            details = self._reasoning_details(reasoning, part.thought_signature, place)
        if not (text or details or tool_calls or images):
            return []
        return [
            Delta(
                text=text,
                reasoning=reasoning,
                reasoning_details=details or None,
                tool_calls=tool_calls,
                images=images,
                index=index,
            )
        ]

    def _reasoning_details(self, text: str, signature: str | None, place: str | None) -> list[Any]:
        """The text of a part's reasoning, and the signature that must go back with the part in the next request.

        `place` is the ID of a tool call or an image; None for a signature of the text.
        """
        fields = {"format": REASONING_FORMAT, "index": self._signed_parts}
        details: list[Any] = []
        if text:
            details.append({"type": "reasoning.text", "text": text, "id": None, **fields})
        if signature:
            details.append({"type": "reasoning.encrypted", "data": signature, "id": place, **fields})
            self._signed_parts += 1
        return details

    def _finished(self, native: str, index: int) -> Finished:
        reason = FINISH_REASONS.get(native, "stop")
        if reason == "error":
            raise ProviderFailure(502, f"The provider ended its response with an error: {native}.")
        if reason == "stop" and self._tool_calls:
            reason = "tool_calls"
        return Finished(finish_reason=reason, native_finish_reason=native, index=index)

    def _update_usage(self, new: _Usage | None) -> None:
        """Replace the counts, which are cumulative. `candidates_token_count` excludes reasoning."""
        if new is None or new.prompt_token_count is None:
            return
        reasoning = new.thoughts_token_count or 0
        usage = checked_usage(
            new.prompt_token_count + (new.tool_use_prompt_token_count or 0),
            (new.candidates_token_count or 0) + reasoning,
            reasoning=reasoning,
            cached=new.cached_content_token_count or 0,
        )
        usage = with_kinds(
            usage,
            audio=_tokens_of("AUDIO", new.prompt_tokens_details),
            image=_tokens_of("IMAGE", new.candidates_tokens_details),
        )
        self.usage = usage or self.usage


def _tokens_of(modality: str, details: list[_ModalityTokens] | None) -> int:
    return sum(one.token_count or 0 for one in details or () if one.modality == modality)
