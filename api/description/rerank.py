"""Requests and answers of `/rerank`, for their description."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["Body", "Response"]


class Document(msgspec.Struct, kw_only=True):
    text: str | None = None
    image: str | None = None


class Body(msgspec.Struct, kw_only=True):
    """Documents to order by their relevance to a query."""

    model: str
    query: Annotated[str, Meta(min_length=1)]
    documents: Annotated[list[str | Document], Meta(min_length=1)]
    top_n: Annotated[int, Meta(ge=1)] | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None
    user: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None


class Result(msgspec.Struct, kw_only=True):
    """`index` is the document's place in the request."""

    index: int
    relevance_score: float
    document: Document


class Usage(msgspec.Struct, kw_only=True):
    """Units of the provider, and the cost in USD."""

    cost: float
    search_units: int | None = None
    total_tokens: int | None = None
    is_estimated: bool | None = None


class Response(msgspec.Struct, kw_only=True):
    """The most relevant document first."""

    id: str
    model: str
    provider: str
    results: list[Result]
    usage: Usage | None = None
    openrouter_metadata: dict[str, Any] | None = None
