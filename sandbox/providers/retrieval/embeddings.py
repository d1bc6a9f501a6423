"""Embeddings in three protocols: OpenAI's, Cohere's and Gemini's."""

import secrets
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.errors import Refusal
from sandbox.providers.gemini.protocol import error_of
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.protocol import Voice, header_of
from sandbox.providers.retrieval.shared import RetrievalProtocol, RetrievalRequest, RetrievalVoice, count, model_of
from sandbox.providers.retrieval.vectors import Input, encoded

__all__ = ["CohereEmbeddings", "GeminiEmbeddings", "OpenAiEmbeddings"]

_MOST_INPUTS = 2048
_MOST_COHERE_TEXTS = 96
_MOST_GEMINI_TEXTS = 100
_USUAL_DIMENSIONS = 256
_MOST_DIMENSIONS = 8192
_COHERE_INPUT_TYPES = ("search_document", "search_query", "classification", "clustering")


class EmbeddingsRequest(RetrievalRequest, frozen=True, kw_only=True):
    inputs: tuple[Input, ...]
    dimensions: int
    base64: bool = False

    def vectors(self, answer: Answer) -> tuple[msgspec.Raw, ...]:
        """The vectors as JSON; none for an answer without an end."""
        return encoded(self.inputs, self.dimensions, base64=self.base64) if answer.finish else ()


class _EmbeddingsProtocol(RetrievalProtocol):
    """`dimensions` are those of known models, by provider and model; the others have 256."""

    def __init__(self, dimensions: Mapping[tuple[str, str], int]) -> None:
        self.dimensions = dimensions

    def request(
        self, scope: Scope, model: str, inputs: list[Input], dimensions: int | None, *, most: int, base64: bool = False
    ) -> EmbeddingsRequest:
        """The checked request; ValueError, with a sentence, for one that no provider accepts."""
        if not inputs:
            raise ValueError("input: must not be empty.")
        if len(inputs) > most:
            raise ValueError(f"input: at most {most} texts, not {len(inputs)}.")
        for number, given in enumerate(inputs):
            if not given:
                raise ValueError(f"input[{number}]: must not be empty.")
        if dimensions is not None and not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"dimensions: must be from 1 to {_MOST_DIMENSIONS}.")
        return EmbeddingsRequest(
            model=model,
            messages=[{"role": "input", "content": ""}],
            inputs=tuple(inputs),
            sizes=tuple(count(each) for each in inputs),
            dimensions=dimensions or self.dimensions.get((self.provider(scope), model), _USUAL_DIMENSIONS),
            base64=base64,
        )


class _OpenAiBody(msgspec.Struct, frozen=True):
    model: str
    input: Any
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    output_dimension: int | None = None  # Mistral's name
    user: str | None = None


class OpenAiEmbeddings(_EmbeddingsProtocol):
    """`POST /v1/embeddings`."""

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        asked = msgspec.json.decode(body, type=_OpenAiBody)
        return self.request(
            scope,
            asked.model,
            _inputs(asked.input),
            asked.dimensions if asked.dimensions is not None else asked.output_dimension,
            most=_MOST_INPUTS,
            base64=asked.encoding_format == "base64",
        )

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        assert isinstance(request, EmbeddingsRequest)
        return _OpenAiVoice(request, dialect)


def _inputs(given: Any) -> list[Input]:
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        raise ValueError("input: must be a text or a list.")
    if given and all(type(each) is int for each in given):
        return [tuple(given)]
    return [tuple(msgspec.convert(each, list[int])) if isinstance(each, list) else _text(each) for each in given]


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("input: each must be a text or a list of token IDs.")
    return given


class _OpenAiVoice(RetrievalVoice):
    def __init__(self, request: EmbeddingsRequest, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._request = request

    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        vectors = self._request.vectors(answer)
        data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(vectors)]
        reply: dict[str, Any] = {"object": "list", "data": data, "model": self._request.model}
        if usage:
            reply["usage"] = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        return reply


class _CohereBody(msgspec.Struct, frozen=True):
    model: str
    input_type: Literal[_COHERE_INPUT_TYPES]  # type: ignore[valid-type]
    texts: list[str] | None = None
    inputs: list[dict[str, Any]] | None = None
    embedding_types: list[Literal["float", "base64"]] | None = None
    output_dimension: int | None = None


class CohereEmbeddings(_EmbeddingsProtocol):
    """`POST /v2/embed`."""

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        asked = msgspec.json.decode(body, type=_CohereBody)
        if (asked.texts is None) == (asked.inputs is None):
            raise ValueError("Either texts or inputs are required.")
        # A picture counts as its address: the same picture has the same vector.
        inputs: list[Input] = [*(asked.texts or ()), *(str(each.get("content")) for each in asked.inputs or ())]
        is_base64 = asked.embedding_types == ["base64"]
        return self.request(
            scope, asked.model, inputs, asked.output_dimension, most=_MOST_COHERE_TEXTS, base64=is_base64
        )

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        assert isinstance(request, EmbeddingsRequest)
        return _CohereVoice(request, dialect)


class _CohereVoice(_OpenAiVoice):
    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        kind = "base64" if self._request.base64 else "float"
        meta: dict[str, Any] = {"api_version": {"version": "2"}}
        if usage:
            meta["billed_units"] = {"input_tokens": usage.prompt}
        return {"id": secrets.token_hex(8), "embeddings": {kind: self._request.vectors(answer)}, "meta": meta}


class _GeminiPart(msgspec.Struct, frozen=True):
    text: str


class _GeminiContent(msgspec.Struct, frozen=True):
    parts: list[_GeminiPart]


class _GeminiRequest(msgspec.Struct, frozen=True, rename="camel"):
    model: str
    content: _GeminiContent
    task_type: str | None = None
    output_dimensionality: int | None = None


class _GeminiBody(msgspec.Struct, frozen=True):
    requests: list[_GeminiRequest]


class GeminiEmbeddings(_EmbeddingsProtocol):
    """`POST /v1beta/models/<model>:batchEmbedContents`."""

    def provider(self, scope: Scope) -> str:
        return "google-ai-studio"

    def key(self, scope: Scope) -> bytes:
        return header_of(scope, b"x-goog-api-key")

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        asked = msgspec.json.decode(body, type=_GeminiBody).requests
        model = model_of(scope)
        if any(each.model != f"models/{model}" for each in asked):
            raise ValueError("requests: each must name the model of the path.")
        inputs: list[Input] = ["\n".join(part.text for part in each.content.parts) for each in asked]
        dimensions = asked[0].output_dimensionality if asked else None
        return self.request(scope, model, inputs, dimensions, most=_MOST_GEMINI_TEXTS)

    def refusal(self, refusal: Refusal, dialect: Dialect) -> tuple[str, bytes]:
        return "application/json; charset=UTF-8", msgspec.json.encode(error_of(refusal))

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        assert isinstance(request, EmbeddingsRequest)
        return _GeminiVoice(request, dialect)


class _GeminiVoice(_OpenAiVoice):
    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        """Without usage, as Gemini has it."""
        return {"embeddings": [{"values": each} for each in self._request.vectors(answer)]}
