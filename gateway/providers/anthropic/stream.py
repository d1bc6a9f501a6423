"""Responses in Anthropic's Messages protocol: content blocks, whole or in deltas."""

from typing import Any

import msgspec

from gateway.events import Delta, Finished
from gateway.providers import http
from gateway.providers.errors import failure_from_body
from gateway.providers.stream import ProviderStream, checked_usage
from gateway.providers.tolerant import as_json

from .messages import REASONING_FORMAT

__all__ = ["MessagesStream"]

FINISH_REASONS = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "tool_use": "tool_calls",
    "max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "content_filter",
}  # fmt: skip


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    citations: list[Any] | None = None  # None unless a document of the request asks for them
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None  # encrypted reasoning
    id: str = ""
    name: str = ""
    input: Any = None


class _StopDetails(msgspec.Struct):
    explanation: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _CacheCreation(msgspec.Struct):
    """The tokens written to the cache, by their time to live."""

    ephemeral_1h_input_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    speed: str | None = None


class _Message(msgspec.Struct):
    id: str = ""
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None
    usage: _Usage | None = None


class _Event(_Message):
    """An event of the stream, or a whole message, which has the type `message`."""

    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Event, strict=False)


class MessagesStream(ProviderStream):
    """A response of Anthropic's. `message_start`, with the size of the prompt, yields no event."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__(response)
        self.service_tier = ""
        self._counts = _Usage()
        self._tool_calls: dict[int, int] = {}  # index of the content block: index of the tool call
        self._without_arguments: set[int] = set()  # indices of content blocks
        self._reasoning_index = -1  # of the latest block of reasoning
        self._begins_cited = False  # the next text is the first of a block that may have citations

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        event = self.decoded(payload, _decoder)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                return self._delta(event.index, event.delta)
            case "content_block_start" if event.content_block is not None:
                return self._block(event.index, event.content_block, whole=False)
            case "content_block_stop":
                return self._end_of_block(event.index)
            case "message_delta":
                return self._end_of_message(event.delta or _Delta(), event.usage)
            case "message_start" if event.message is not None:
                self.upstream_id = event.message.id
                self._update_usage(event.message.usage, final=False)
            case "message_stop":
                self.complete = True
            case "message":
                return self._message(event)
            case "error":
                raise failure_from_body(event.error, default_status=502)
        return []  # pings, and event types that this version does not know

    def _message(self, message: _Message) -> list[Delta | Finished]:
        self.upstream_id = message.id
        events: list[Delta | Finished] = []
        for index, block in enumerate(message.content or ()):
            events += self._block(index, block, whole=True)
        return events + self._end_of_message(message, message.usage)

    def _block(self, index: int, block: _Block, *, whole: bool) -> list[Delta | Finished]:
        """The events of a whole content block, or of its start."""
        match block.type:
            case "tool_use":
                arguments = as_json(block.input or {}) if whole else ""
                call = self._tool_calls.setdefault(index, len(self._tool_calls))
                if not whole:
                    self._without_arguments.add(index)
                function = {"name": block.name, "arguments": arguments}
                return [Delta(tool_calls=[{"index": call, "id": block.id, "type": "function", "function": function}])]
            case "thinking":
                self._reasoning_index += 1
                return self._reasoning(block.thinking, block.signature or None)
            case "redacted_thinking":
                self._reasoning_index += 1
                detail = {"type": "reasoning.encrypted", "data": block.data, **self._detail_fields()}
                return [Delta(reasoning_details=[detail])]
        self._begins_cited = block.citations is not None
        return [*self._text(block.text), *self._cited(block.citations)]

    def _delta(self, index: int, delta: _Delta) -> list[Delta | Finished]:
        match delta.type:
            case "input_json_delta":
                if not delta.partial_json:
                    return []
                self._without_arguments.discard(index)
                call = self._tool_calls.setdefault(index, len(self._tool_calls))
                return [Delta(tool_calls=[{"index": call, "function": {"arguments": delta.partial_json}}])]
            case "thinking_delta":
                return self._reasoning(delta.thinking, None)
            case "signature_delta":
                return self._reasoning(None, delta.signature)
            case "citations_delta":
                return self._cited([delta.citation])
        return self._text(delta.text)

    def _end_of_block(self, index: int) -> list[Delta | Finished]:
        """`{}` for a tool call without arguments, which this protocol streams as no text at all."""
        if index not in self._without_arguments:
            return []
        return [Delta(tool_calls=[{"index": self._tool_calls[index], "function": {"arguments": "{}"}}])]

    def _text(self, text: str | None) -> list[Delta | Finished]:
        if not text:
            return []
        citations: list[Any] | None = [] if self._begins_cited else None
        self._begins_cited = False
        return [Delta(text=text, citations=citations)]

    def _cited(self, citations: list[Any] | None) -> list[Delta | Finished]:
        return [Delta(citations=citations)] if citations else []

    def _reasoning(self, text: str | None, signature: str | None) -> list[Delta | Finished]:
        if not text and not signature:
            return []
        detail: dict[str, Any] = {"type": "reasoning.text", "text": text or "", **self._detail_fields()}
        if signature:
            detail["signature"] = signature
        return [Delta(reasoning=text or "", reasoning_details=[detail])]

    def _detail_fields(self) -> dict[str, Any]:
        return {"id": None, "format": REASONING_FORMAT, "index": max(self._reasoning_index, 0)}

    def _end_of_message(self, end: _Delta | _Message, usage: _Usage | None) -> list[Delta | Finished]:
        self._update_usage(usage, final=True)
        events: list[Delta | Finished] = []
        if end.stop_details is not None and end.stop_details.explanation:
            events.append(Delta(refusal=end.stop_details.explanation))
        if native := end.stop_reason:
            reason = FINISH_REASONS.get(native, "stop")
            events.append(Finished(finish_reason=reason, native_finish_reason=native, stop_sequence=end.stop_sequence))
        return events

    def _update_usage(self, new: _Usage | None, *, final: bool) -> None:
        """Add counts. `input_tokens` excludes the tokens read from the cache or written to it.

        Only the last event counts the output: until then usage is marked as estimated.
        """
        if new is None or (new.input_tokens is None and new.output_tokens is None):
            return
        if new.speed == "standard":  # also when `fast` was asked for: it is billed as such
            self.service_tier = "default"
        known = self._counts
        for name in new.__struct_fields__:
            if (value := getattr(new, name)) is not None:
                setattr(known, name, value)
        cached, written = known.cache_read_input_tokens or 0, known.cache_creation_input_tokens or 0
        details = known.output_tokens_details or _OutputDetails()
        usage = checked_usage(
            (known.input_tokens or 0) + cached + written,
            known.output_tokens or 0,
            reasoning=details.thinking_tokens or 0,
            cached=cached,
            cache_write=written,
            cache_write_1h=(known.cache_creation or _CacheCreation()).ephemeral_1h_input_tokens or 0,
        )
        if usage is not None:
            self.usage = usage if final else msgspec.structs.replace(usage, estimated=True)
