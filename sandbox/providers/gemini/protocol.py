"""`generateContent` and `streamGenerateContent`: candidates made of parts, usage in every chunk, no `[DONE]`."""

import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from msgspec.json import encode
from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal
from sandbox.providers.gemini.requests import read_generation_request
from sandbox.providers.picture import IMAGE, IMAGE_TOKENS
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.protocol import Protocol, Voice, header_of
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["Generation", "error_of"]

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_PICTURE = {"inlineData": {"mimeType": "image/png", "data": IMAGE}}
_FINISHES = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}


class Generation(Protocol):
    """Gemini's content; `stream` for the address that streams."""

    def __init__(self, *, stream: bool) -> None:
        self.stream = stream

    def provider(self, scope: Scope) -> str:
        return "google-ai-studio"

    def key(self, scope: Scope) -> bytes:
        query = parse_qs(scope["query_string"])
        return header_of(scope, b"x-goog-api-key") or query.get(b"key", [b""])[0] or header_of(scope, b"authorization")

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        if self.stream and parse_qs(scope["query_string"]).get(b"alt") != [b"sse"]:
            raise ValueError("Only alt=sse is supported for streams.")
        return read_generation_request(body, scope["path_params"]["model"], stream=self.stream)

    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        return "application/json; charset=UTF-8", encode(error_of(refusal))

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        return GenerationVoice(request)


class GenerationVoice(Voice):
    def __init__(self, request: ChatRequest) -> None:
        self.model = request.model
        self.id = secrets.token_urlsafe(16)

    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        parts: list[dict[str, Any]] = []
        if answer.reasoning and not answer.hidden_reasoning:
            parts.append({"text": "".join(answer.reasoning), "thought": True})
        if answer.content:
            parts.append({"text": answer.text})
        parts += [_PICTURE] * answer.images
        parts += [part for part, _ in _calls(answer)]
        return self._chunk(parts, _usage(usage, usage.completion) if usage else None, answer.finish)

    def steps(self, answer: Answer, usage: Usage | None) -> Iterator[Step]:
        sent = len(answer.reasoning) if answer.hidden_reasoning else 0
        for part, tokens in _parts(answer):
            sent += tokens
            yield self._event(self._chunk([part], _usage(usage, sent) if usage else None), tokens)
        total = _usage(usage, usage.completion) if usage else None
        yield self._event(self._chunk([{"text": ""}], total, answer.finish), kind="finish")

    def _chunk(self, parts: list[Any], usage: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish:
            candidate["finishReason"] = _FINISHES[finish]
        chunk: dict[str, Any] = {"candidates": [candidate]} | ({"usageMetadata": usage} if usage else {})
        return chunk | {"modelVersion": self.model, "responseId": self.id}

    def _event(self, chunk: dict[str, Any], tokens: int = 0, kind: str = "token") -> Frame:
        return Frame(b"data: " + encode(chunk) + b"\r\n\r\n", tokens, kind)

    def error(self, refusal: Refusal) -> Any:
        return error_of(refusal)

    def broken(self) -> bytes:
        return b'{"candidates": [{"content": {"parts": [{"te'

    def finish(self) -> bytes:
        return encode(self._chunk([{"text": ""}], None, "stop"))

    def frame(self, data: bytes, kind: str) -> Frame:
        return Frame(b"data: " + data + b"\r\n\r\n", kind=kind)


def _parts(answer: Answer) -> Iterator[tuple[dict[str, Any], int]]:
    if not answer.hidden_reasoning:
        for piece in answer.reasoning:
            yield {"text": piece, "thought": True}, 1
    for piece in answer.content:
        yield {"text": piece}, 1
    for _ in range(answer.images):
        yield _PICTURE, IMAGE_TOKENS
    yield from _calls(answer)


def _calls(answer: Answer) -> Iterator[tuple[dict[str, Any], int]]:
    """Calls come whole; one that was cut short is left out."""
    for call in answer.tool_calls:
        try:
            arguments = json.loads("".join(call.arguments))
        except ValueError:
            continue
        yield {"functionCall": {"name": call.name, "args": arguments}}, 1 + len(call.arguments)


def _usage(usage: Usage, sent: int) -> dict[str, Any]:
    """Here candidates do not count thoughts. `sent` tokens of the answer have been sent so far."""
    thoughts = usage.reasoning if sent >= usage.completion else min(sent, usage.reasoning)
    body: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": sent - thoughts,
        "totalTokenCount": usage.prompt + sent,
    }
    if usage.audio:
        text = {"modality": "TEXT", "tokenCount": usage.prompt - usage.audio}
        body["promptTokensDetails"] = [text, {"modality": "AUDIO", "tokenCount": usage.audio}]
    if usage.image and sent >= usage.completion:
        body["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": usage.image}]
    if thoughts:
        body["thoughtsTokenCount"] = thoughts
    if usage.cached:
        body["cachedContentTokenCount"] = usage.cached
    return body


def error_of(refusal: Refusal) -> dict[str, Any]:
    status = _STATUSES.get(refusal.status, "UNKNOWN" if refusal.status >= 500 else "FAILED_PRECONDITION")
    return {"error": {"code": refusal.status, "message": refusal.text, "status": status}}
