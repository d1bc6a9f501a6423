"""`POST /v1/messages`: blocks of content, each begun, continued and ended by named events."""

import json
import secrets
import zlib
from collections.abc import Iterator
from typing import Any

from msgspec.json import encode
from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.anthropic.requests import read_messages_request
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal
from sandbox.providers.prompts.chat_request import ChatRequest, parts_of
from sandbox.providers.protocol import Protocol, Voice, header_of
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["Messages"]

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


class Messages(Protocol):
    """Anthropic's Messages."""

    caches_unmarked = False

    def provider(self, scope: Scope) -> str:
        return "anthropic"

    def key(self, scope: Scope) -> bytes:
        return header_of(scope, b"x-api-key") or header_of(scope, b"authorization")

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        if not header_of(scope, b"anthropic-version"):
            raise ValueError("anthropic-version: header is required")
        request = read_messages_request(body)
        if request.service_tier and b"fast-mode-" not in header_of(scope, b"anthropic-beta"):
            raise ValueError("speed: Extra inputs are not permitted")
        return request

    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        return "application/json", encode(_error(refusal) | {"request_id": f"req_{secrets.token_hex(12)}"})

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        return MessagesVoice(request)


class MessagesVoice(Voice):
    def __init__(self, request: ChatRequest) -> None:
        self.model = request.model
        self.id = f"msg_{secrets.token_hex(12)}"
        self.citation = _citation(request)
        tier = request.service_tier
        self.speed = {"speed": "fast" if tier == "priority" else "standard"} if tier else {}

    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        message = self._message([block for block, _, _ in _blocks(answer, self.citation, whole=True)])
        message |= _ending(answer)
        return message | ({"usage": self._usage(usage)} if usage else {})

    def steps(self, answer: Answer, usage: Usage | None) -> Iterator[Step]:
        started = self._message([])
        if usage:
            started["usage"] = self._usage(usage) | {"output_tokens": min(1, usage.completion)}
        yield _event({"type": "message_start", "message": started}, kind="start")
        yield _event({"type": "ping"}, kind="comment")
        for index, (block, deltas, tokens) in enumerate(_blocks(answer, self.citation)):
            yield _event({"type": "content_block_start", "index": index, "content_block": block}, tokens, kind="start")
            head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":' % index
            for delta, count in deltas:
                yield Frame(head + delta + b"}\n\n", count)
            yield _event({"type": "content_block_stop", "index": index}, kind="comment")
        last: dict[str, Any] = {"type": "message_delta", "delta": _ending(answer)}
        if usage:
            last["usage"] = self._usage(usage)
        yield _event(last, kind="finish")
        yield _event({"type": "message_stop"}, kind="done")

    def _usage(self, usage: Usage) -> dict[str, Any]:
        """Here the input does not count tokens read from or written to the cache."""
        return {
            "input_tokens": usage.prompt - usage.cached - usage.cache_write,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write - usage.cache_write_1h,
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            },
            "cache_read_input_tokens": usage.cached,
            "output_tokens": usage.completion,
            **self.speed,
        }

    def _message(self, content: list[Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
        }

    def error(self, refusal: Refusal) -> Any:
        return _error(refusal)

    def broken(self) -> bytes:
        return b'{"type":"content_block_delta","index":0,"delta":{"type":"text_de'

    def finish(self) -> bytes:
        return encode({"type": "message_delta", "delta": _ending(Answer()), "usage": {"output_tokens": 0}})

    def frame(self, data: bytes, kind: str) -> Frame:
        name = {"error": b"error", "finish": b"message_delta"}[kind] if data.endswith(b"}") else b"content_block_delta"
        return Frame(b"event: " + name + b"\ndata: " + data + b"\n\n", kind=kind)


def _event(value: dict[str, Any], tokens: int = 0, kind: str = "token") -> Frame:
    return Frame(f"event: {value['type']}\ndata: ".encode() + encode(value) + b"\n\n", tokens, kind)


Blocks = Iterator[tuple[dict[str, Any], Iterator[tuple[bytes, int]], int]]


def _citation(request: ChatRequest) -> dict[str, Any] | None:
    """The citation of the answer: of the last document, if it wants to be cited."""
    documents = [part for message in request.messages for part in parts_of(message) if part.get("type") == "file"]
    if not documents or not (documents[-1].get("citations") or {}).get("enabled"):
        return None
    place = {"document_index": len(documents) - 1, "document_title": documents[-1]["file"]["filename"]}
    data = documents[-1]["file"]["file_data"].partition("base64,")[2]
    if documents[-1]["citations"].get("blocks"):
        return {
            "type": "content_block_location", "cited_text": data[:12], **place, "start_block_index": 0,
            "end_block_index": 1,
        }  # fmt: skip
    return {"type": "char_location", "cited_text": data[:12], **place, "start_char_index": 0, "end_char_index": 12}


def _texts(answer: Answer, citation: dict[str, Any] | None, *, whole: bool) -> Blocks:
    """With a citation, the second half of the text is a block of its own, which has it."""
    half = len(answer.content) // 2 if citation else len(answer.content)
    for pieces, cited in ((answer.content[:half], None), (answer.content[half:], citation)):
        if not pieces:
            continue
        deltas = [(b'{"type":"text_delta","text":' + encode(piece) + b"}", 1) for piece in pieces]
        if cited:
            deltas.append((encode({"type": "citations_delta", "citation": cited}), 0))
        block: dict[str, Any] = {"type": "text", "text": "".join(pieces) if whole else ""}
        if citation:
            block["citations"] = [cited] if cited and whole else []
        yield block, iter(deltas), 0


def _blocks(answer: Answer, citation: dict[str, Any] | None = None, *, whole: bool = False) -> Blocks:
    """(block, its deltas with their tokens, tokens of its start): blocks are empty unless `whole`."""
    if answer.reasoning:
        thinking = "" if answer.hidden_reasoning else "".join(answer.reasoning)
        signature = f"sandbox-{zlib.crc32(''.join(answer.reasoning).encode()):08x}"
        block: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
        shown = {"type": "thinking", "thinking": thinking, "signature": signature}
        yield shown if whole else block, _thinking(answer, signature), 0
    if answer.content:
        yield from _texts(answer, citation, whole=whole)
    for call in answer.tool_calls:
        given = _object("".join(call.arguments)) if whole else {}
        block = {"type": "tool_use", "id": call.id.replace("call_", "toolu_"), "name": call.name, "input": given}
        parts = (b'{"type":"input_json_delta","partial_json":' + encode(piece) + b"}" for piece in call.arguments)
        yield block, ((delta, 1) for delta in parts), 1


def _thinking(answer: Answer, signature: str) -> Iterator[tuple[bytes, int]]:
    for piece in answer.reasoning:
        if not answer.hidden_reasoning:
            yield b'{"type":"thinking_delta","thinking":' + encode(piece) + b"}", 1
    yield encode({"type": "signature_delta", "signature": signature}), 0


def _object(arguments: str) -> Any:
    """Arguments that `max_tokens` cut short are no JSON any more: then there are none."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def _ending(answer: Answer) -> dict[str, Any]:
    if answer.stopped_by is not None and answer.finish == "stop":
        return {"stop_reason": "stop_sequence", "stop_sequence": answer.stopped_by}
    return {"stop_reason": _STOPS.get(answer.finish or "", answer.finish), "stop_sequence": None}


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"type": "error", "error": {"type": _ERRORS.get(refusal.status, "api_error"), "message": refusal.text}}
