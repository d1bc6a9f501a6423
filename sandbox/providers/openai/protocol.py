"""Chat completions, and completions of a plain prompt."""

from collections.abc import Iterator
from typing import Any

from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal, error_body, error_json
from sandbox.providers.openai.frames import Wording, finish_choice, frames
from sandbox.providers.openai.replies import reply
from sandbox.providers.openai.requests import read_chat_request, read_completion_request
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.protocol import Protocol, Voice
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["ChatCompletions", "TextCompletions"]


class ChatCompletions(Protocol):
    """`POST /v1/chat/completions`."""

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        return read_chat_request(body)

    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        return error_body(refusal, dialect.errors)

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        return OpenAiVoice(request, Wording(dialect, request))


class TextCompletions(ChatCompletions):
    """`POST /v1/completions`."""

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        return read_completion_request(body)

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        return OpenAiVoice(request, Wording(dialect, request, legacy=True))


class OpenAiVoice(Voice):
    def __init__(self, request: ChatRequest, wording: Wording) -> None:
        self.request = request
        self.wording = wording
        self.splits = wording.dialect.split

    def steps(self, answer: Answer, usage: Usage | None) -> Iterator[Step]:
        return frames(answer, usage, self.wording, usage_wanted=self.request.wants_usage)

    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        return reply(answer, usage, self.wording)

    def error(self, refusal: Refusal) -> Any:
        """Always an object with the word "error" in it."""
        body = error_json(refusal, self.wording.dialect.errors)
        body = body[0] if isinstance(body, list) else body
        return body if "error" in body else {"error": body}

    def broken(self) -> bytes:
        return b'{"id":"' + self.wording.id.encode() + b'","choices":[{"index":0,"delta":{"cont'

    def finish(self) -> bytes:
        return self.wording.chunk(finish_choice("stop", self.wording))

    def frame(self, data: bytes, kind: str) -> Frame:
        return Frame(self.wording.line(data), kind=kind)
