"""The parts of an exchange that embeddings and rerank share: texts in, one JSON object out, never a stream."""

from collections.abc import Iterator
from typing import Any

from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal, error_body, error_json
from sandbox.providers.prompts import tokens
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.protocol import Protocol, Voice
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["RetrievalProtocol", "RetrievalRequest", "RetrievalVoice"]


class RetrievalRequest(ChatRequest, frozen=True, kw_only=True):
    """A request for vectors or a ranking. Its texts are messages, one each."""

    sizes: tuple[int, ...]  # tokens of each text


class RetrievalProtocol(Protocol):
    caches_unmarked = False

    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        return error_body(refusal, dialect.errors)

    def prompt(self, request: ChatRequest) -> tuple[list[str], int]:
        assert isinstance(request, RetrievalRequest)
        return [""] * sum(request.sizes), 0

    def context_tokens(self, request: ChatRequest, prompt: int) -> int:
        """Each text has to fit on its own."""
        assert isinstance(request, RetrievalRequest)
        return max(request.sizes, default=0)

    def answer(self, request: ChatRequest) -> Answer:
        return Answer()


class RetrievalVoice(Voice):
    """`reply` is what a protocol adds."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def steps(self, answer: Answer, usage: Usage | None) -> Iterator[Step]:
        yield from ()

    def error(self, refusal: Refusal) -> Any:
        body = error_json(refusal, self._dialect.errors)
        body = body[0] if isinstance(body, list) else body
        return body if "error" in body else {"error": body}

    def broken(self) -> bytes:
        return b"{"

    def finish(self) -> bytes:
        return b""

    def frame(self, data: bytes, kind: str) -> Frame:
        return Frame(data, kind=kind)


def count(given: str | tuple[int, ...]) -> int:
    """The tokens of an input."""
    return tokens.count(given) if isinstance(given, str) else len(given)


def model_of(scope: Scope) -> str:
    """The model in the path."""
    model: str = scope["path_params"]["model"]
    return model
