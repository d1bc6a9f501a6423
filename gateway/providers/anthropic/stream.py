"""Answers in Anthropic's Messages protocol: blocks of content, whole or in deltas."""

from typing import Any

import msgspec

from gateway.events import Delta, Finished
from gateway.providers import http
from gateway.providers.errors import failure_from
from gateway.providers.failures import ProviderFailure
from gateway.providers.stream import ProviderStream, checked_usage

from .request import FORMAT

__all__ = ["MessagesStream"]

FINISH_REASONS = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "tool_use": "tool_calls",
    "max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "content_filter",
}  # fmt: skip


class _Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None  # thoughts that are encrypted
    id: str = ""
    name: str = ""
    input: Any = None


class _Refusal(msgspec.Struct):
    explanation: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_details: _Refusal | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Written(msgspec.Struct):
    """Of the tokens written to the cache, those that stay for an hour."""

    ephemeral_1h_input_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Written | None = None
    output_tokens_details: _OutputDetails | None = None


class _Message(msgspec.Struct):
    id: str = ""
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_details: _Refusal | None = None
    usage: _Usage | None = None


class _Event(_Message):
    """An event of the stream; a whole message is one as well."""

    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Event, strict=False).decode
_encode = msgspec.json.Encoder().encode


class MessagesStream(ProviderStream):
    """An answer of Anthropic's. Its beginning, with the size of the prompt, is not yet a token."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__(response)
        self._counts = _Usage()
        self._calls: dict[int, int] = {}  # number of the content block: number of the tool call
        self._without_arguments: set[int] = set()  # content blocks
        self._thoughts = -1  # number of the latest block of thoughts

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        try:
            event = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderFailure(502, "The provider sent something that is not its protocol.") from error
        match event.type:
            case "content_block_delta" if event.delta is not None:
                return self._delta(event.index, event.delta)
            case "content_block_start" if event.content_block is not None:
                return self._block(event.index, event.content_block, whole=False)
            case "content_block_stop":
                return self._end_of_block(event.index)
            case "message_delta":
                delta = event.delta or _Delta()
                return self._ending(delta.stop_reason, delta.stop_details, event.usage)
            case "message_start" if event.message is not None:
                self.upstream_id = event.message.id
                self._count(event.message.usage, final=False)
            case "message_stop":
                self.complete = True
            case "message":
                return self._message(event)
            case "error":
                raise failure_from(event.error, default_status=502)
        return []  # pings, and what is yet to be invented

    def _message(self, message: _Message) -> list[Delta | Finished]:
        self.upstream_id = message.id
        events: list[Delta | Finished] = []
        for index, block in enumerate(message.content or ()):
            events += self._block(index, block, whole=True)
        return events + self._ending(message.stop_reason, message.stop_details, message.usage)

    def _block(self, index: int, block: _Block, *, whole: bool) -> list[Delta | Finished]:
        """A block's beginning, or all of it."""
        match block.type:
            case "tool_use":
                arguments = _encode(block.input or {}).decode() if whole else ""
                number = self._calls.setdefault(index, len(self._calls))
                if not whole:
                    self._without_arguments.add(index)
                function = {"name": block.name, "arguments": arguments}
                return [Delta(tool_calls=[{"index": number, "id": block.id, "type": "function", "function": function}])]
            case "thinking":
                self._thoughts += 1
                return self._thought(block.thinking, block.signature or None)
            case "redacted_thinking":
                self._thoughts += 1
                detail = {"type": "reasoning.encrypted", "data": block.data, **self._place()}
                return [Delta(reasoning_details=[detail])]
        return self._text(block.text)

    def _delta(self, index: int, delta: _Delta) -> list[Delta | Finished]:
        match delta.type:
            case "input_json_delta":
                if not delta.partial_json:
                    return []
                self._without_arguments.discard(index)
                number = self._calls.setdefault(index, len(self._calls))
                return [Delta(tool_calls=[{"index": number, "function": {"arguments": delta.partial_json}}])]
            case "thinking_delta":
                return self._thought(delta.thinking, None)
            case "signature_delta":
                return self._thought(None, delta.signature)
        return self._text(delta.text)

    def _end_of_block(self, index: int) -> list[Delta | Finished]:
        """A call without arguments has none in the stream either; everybody else expects an empty object."""
        if index not in self._without_arguments:
            return []
        return [Delta(tool_calls=[{"index": self._calls[index], "function": {"arguments": "{}"}}])]

    def _text(self, text: str | None) -> list[Delta | Finished]:
        return [Delta(text=text)] if text else []

    def _thought(self, text: str | None, signature: str | None) -> list[Delta | Finished]:
        if not text and not signature:
            return []
        detail: dict[str, Any] = {"type": "reasoning.text", "text": text or "", **self._place()}
        if signature:
            detail["signature"] = signature
        return [Delta(reasoning=text or "", reasoning_details=[detail])]

    def _place(self) -> dict[str, Any]:
        return {"format": FORMAT, "index": max(self._thoughts, 0)}

    def _ending(
        self, stop_reason: str | None, details: _Refusal | None, usage: _Usage | None
    ) -> list[Delta | Finished]:
        self._count(usage, final=True)
        events: list[Delta | Finished] = []
        if details is not None and details.explanation:
            events.append(Delta(refusal=details.explanation))
        if stop_reason:
            reason = FINISH_REASONS.get(stop_reason, "stop")
            events.append(Finished(finish_reason=reason, native_finish_reason=stop_reason))
        return events

    def _count(self, new: _Usage | None, *, final: bool) -> None:
        """Take over counts. Here the input does not include what was read from the cache or written to it.

        Only the last event counts what was said: until then usage is marked as an estimate.
        """
        if new is None or (new.input_tokens is None and new.output_tokens is None):
            return
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
            cache_write_1h=(known.cache_creation or _Written()).ephemeral_1h_input_tokens or 0,
        )
        if usage is not None:
            self.usage = usage if final else msgspec.structs.replace(usage, estimated=True)
