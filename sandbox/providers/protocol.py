"""The interface of a protocol. Faults and the wire are the same for all of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.prompts.prompt import prompt_tokens
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["Protocol", "Voice", "header_of"]


class Voice(ABC):
    """Puts one answer into bytes."""

    #: Whether packets are to end in the middle of lines and characters.
    splits = False

    @abstractmethod
    def steps(self, answer: Answer, usage: Usage | None) -> Iterator[Step]:
        """The stream of `answer`, token by token. No usage is sent when `usage` is None."""

    @abstractmethod
    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        """The JSON of an answer that is not streamed."""

    @abstractmethod
    def error(self, refusal: Refusal) -> Any:
        """The JSON of an error that comes after status 200."""

    @abstractmethod
    def broken(self) -> bytes:
        """The beginning of a chunk."""

    @abstractmethod
    def finish(self) -> bytes:
        """The chunk that ends an answer."""

    @abstractmethod
    def frame(self, data: bytes, kind: str) -> Frame:
        """Any data as an event of the stream."""


class Protocol(ABC):
    """Reads, refuses and answers one kind of request."""

    #: Whether prompts are cached without being marked for it.
    caches_unmarked = True
    #: The type of the response that is a stream.
    stream_type = b"text/event-stream; charset=utf-8"

    def provider(self, scope: Scope) -> str:
        """The provider that the request addresses."""
        provider: str = scope["path_params"]["provider"]
        return provider

    def key(self, scope: Scope) -> bytes:
        """The API key of the request."""
        return header_of(scope, b"authorization")

    @abstractmethod
    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        """The request in `body`; ValueError, with a sentence, when there is none."""

    def prompt(self, request: ChatRequest) -> tuple[list[str], int]:
        """(every token of the prompt in order, how many of them come before the last cache mark)."""
        return prompt_tokens(request)

    def context_tokens(self, request: ChatRequest, prompt: int) -> int:
        """The tokens that have to fit into the model's context, of a prompt with `prompt` tokens."""
        return prompt + (request.token_limit or 1)

    def answer(self, request: ChatRequest) -> Answer | None:
        """The answer, if the protocol has its own; None: the writer makes one."""
        return None

    @abstractmethod
    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        """(content type, body) of an error."""

    @abstractmethod
    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        """The voice that answers `request`."""


def header_of(scope: Scope, name: bytes) -> bytes:
    """The value of a header; empty when it is absent."""
    value: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return value
