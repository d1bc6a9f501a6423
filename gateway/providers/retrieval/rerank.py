"""The rerank protocol of Cohere, Jina and others: the same request, results under two names, two kinds of usage."""

from typing import Any

import msgspec

from gateway.events import Delta, Finished, Usage
from gateway.protocols.rerank.request import RerankRequest
from gateway.providers import http, openai_chat
from gateway.providers.client import send
from gateway.providers.errors import failure_from_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.request_context import ProviderRequest
from gateway.providers.stream import ProviderStream
from gateway.tokens.parts import estimate_prompt

from . import cohere
from .dialects import DIALECTS, PLAIN
from .inputs import other_fields
from .vectors import token_usage

__all__ = ["open_response", "request_body"]


class _Result(msgspec.Struct):
    index: int
    relevance_score: float | None = None
    score: float | None = None


class _Billed(msgspec.Struct):
    search_units: float | None = None
    input_tokens: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Reply(msgspec.Struct):
    results: list[_Result] | None = None
    data: list[_Result] | None = None
    id: str | None = None
    meta: _Meta | None = None
    usage: _Usage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Reply, strict=False)


async def open_response(request: ProviderRequest) -> ProviderStream:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    upstream, provider = request.attempt.upstream, request.endpoint.provider
    dialect = DIALECTS.get(provider, PLAIN)
    base_url = cohere.address(upstream.base_url) if provider == "cohere" else upstream.base_url
    path = PLAIN.rerank_path if upstream.simulated else dialect.rerank_path
    response = await send(
        request,
        f"{base_url}{path}",
        headers=openai_chat.authorization(upstream.api_key),
        body=request_body(request),
    )
    return _RankingResponse(response, request)


def request_body(request: ProviderRequest) -> dict[str, Any]:
    """The JSON body for any provider."""
    asked = _rerank_request(request)
    body = other_fields(request) | {"model": request.model, "query": asked.query, "documents": asked.documents}
    if asked.top_n:
        body["top_n"] = min(asked.top_n, len(asked.documents))
    return body


def _rerank_request(request: ProviderRequest) -> RerankRequest:
    assert isinstance(request.chat, RerankRequest)
    return request.chat


class _RankingResponse(ProviderStream):
    def __init__(self, response: http.UpstreamResponse, request: ProviderRequest) -> None:
        super().__init__(response)
        self._request = _rerank_request(request)
        self._priced_by_unit = bool(request.endpoint.prices.request)

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        reply = _decoder.decode(payload)
        if reply.error:
            raise failure_from_body(reply.error, default_status=502)
        self.upstream_id = reply.id or ""
        self.usage = self._usage(reply)
        ranking = [(each.index, _score(each)) for each in (reply.results or reply.data or ())]
        if not ranking or not {index for index, _ in ranking} <= set(range(len(self._request.documents))):
            raise ProviderFailure(502, "The provider sent an invalid response.")
        ranking.sort(key=lambda result: -result[1])
        return [
            Delta(ranking=ranking[: self._request.top_n]),
            Finished(finish_reason="stop", native_finish_reason="stop"),
        ]

    def _usage(self, reply: _Reply) -> Usage | None:
        """The provider's counts, search units within the bound that credits are held for; None if there are none."""
        billed = reply.meta.billed_units if reply.meta else None
        reported = reply.usage or _Usage()
        tokens = token_usage(
            reported.prompt_tokens or reported.total_tokens or int((billed.input_tokens if billed else 0) or 0)
        )
        if not self._priced_by_unit:
            return tokens
        units = int((billed.search_units if billed else 0) or 0)
        bound = estimate_prompt(self._request).search_units
        return Usage(
            prompt_tokens=tokens.prompt_tokens if tokens else 0,
            search_units=min(units, bound) if units > 0 else bound,
            estimated=units <= 0,
        )


def _score(result: _Result) -> float:
    return next((score for score in (result.relevance_score, result.score) if score is not None), 0.0)
