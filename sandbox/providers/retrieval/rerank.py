"""Rerank in the protocol of Cohere and Jina. Cohere reports search units, the others tokens."""

import secrets
from typing import Any

import msgspec
from starlette.types import Scope

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.prompts.chat_request import ChatRequest
from sandbox.providers.protocol import Voice
from sandbox.providers.retrieval.shared import RetrievalProtocol, RetrievalRequest, RetrievalVoice, count
from sandbox.providers.retrieval.vectors import relevance

__all__ = ["Rerank"]

_CHUNK_TOKENS = 500
_UNIT_CHUNKS = 100
_MOST_DOCUMENTS = 10_000


class _Text(msgspec.Struct, frozen=True):
    text: str


class _Body(msgspec.Struct, frozen=True):
    model: str
    query: str
    documents: list[str | _Text]
    top_n: int | None = None


class _Request(RetrievalRequest, frozen=True, kw_only=True):
    query: str
    documents: list[str]
    top_n: int
    units: int


class Rerank(RetrievalProtocol):
    """`POST /v1/rerank`, and Cohere's `/v2/rerank`."""

    def read(self, body: bytes, scope: Scope) -> ChatRequest:
        asked = msgspec.json.decode(body, type=_Body)
        documents = [each if isinstance(each, str) else each.text for each in asked.documents]
        if not asked.query or not documents:
            raise ValueError("query and documents must not be empty.")
        if len(documents) > _MOST_DOCUMENTS:
            raise ValueError(f"documents: at most {_MOST_DOCUMENTS}.")
        if asked.top_n is not None and asked.top_n < 1:
            raise ValueError("top_n: must be at least 1.")
        query = count(asked.query)
        sizes = tuple(query + count(document) for document in documents)
        chunks = sum(max(1, -(-size // _CHUNK_TOKENS)) for size in sizes)
        return _Request(
            model=asked.model,
            messages=[{"role": "input", "content": ""}],
            sizes=sizes,
            query=asked.query,
            documents=documents,
            top_n=asked.top_n or len(documents),
            units=-(-chunks // _UNIT_CHUNKS),
        )

    def context_tokens(self, request: ChatRequest, prompt: int) -> int:
        """Documents that are too long are cut."""
        return 0

    def voice(self, request: ChatRequest, dialect: Dialect) -> Voice:
        assert isinstance(request, _Request)
        return _Voice(request, dialect)


class _Voice(RetrievalVoice):
    def __init__(self, request: _Request, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._request = request

    def reply(self, answer: Answer, usage: Usage | None) -> Any:
        asked = self._request
        scores = [(relevance(asked.query, document), index) for index, document in enumerate(asked.documents)]
        best = sorted(scores, key=lambda scored: (-scored[0], scored[1]))[: asked.top_n] if answer.finish else []
        reply: dict[str, Any] = {
            "id": secrets.token_hex(8),
            "results": [{"index": index, "relevance_score": score} for score, index in best],
        }
        if usage:
            reply["meta"] = {"billed_units": {"search_units": asked.units}}
            reply["usage"] = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        return reply
