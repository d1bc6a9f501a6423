"""The events of a response, shared by providers, metering, server-sent events and the chat's socket. Pure data.

A response is: Started, then Deltas, then Finished or Failed, then Billed. A piece of it has the events
that arrived together.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import msgspec

from common.money import PicoUsd

__all__ = [
    "Begun",
    "Billed",
    "Delta",
    "Event",
    "Failed",
    "Finished",
    "Piece",
    "Started",
    "Usage",
    "joined",
    "one_by_one",
]


E = TypeVar("E")


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Native token counts. Cached and cache-write tokens are part of the prompt, reasoning of the completion."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0  # part of cache_write_tokens: kept for an hour
    audio_tokens: int = 0  # part of prompt_tokens, beside those above
    image_tokens: int = 0  # part of completion_tokens: of images in the response
    accepted_prediction_tokens: int = 0  # part of completion_tokens, if the request has predicted its response
    rejected_prediction_tokens: int = 0  # part of completion_tokens
    search_units: int = 0  # of a rerank request: a query with up to 100 documents
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Begun(NamedTuple):
    """A provider has produced the first token of a response that is gathered; another one may still finish it."""

    generation_id: str
    model: str  # the one that responds


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A provider has produced its first token; from here on there is no fallback."""

    generation_id: str
    created: int  # unix seconds
    model: str  # the one that responds
    provider: str  # its display name
    provider_slug: str
    simulated: bool
    system_fingerprint: str | None = None  # the provider's, if it sends one
    routing: dict[str, Any] | None = None  # the router's decisions, if the caller has asked for them
    web_search: str = ""  # the query of the web search before the response
    search_results: list[dict[str, str]] | None = None  # its pages: `url`, `title`, `content`, `published`; best first
    service_tier: str | None = None  # "default", "flex" or "priority", if the request or the endpoint has one


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the response, in the shape of OpenAI's `delta` (and `message`) fields."""

    text: str = ""
    reasoning: str = ""
    reasoning_details: list[Any] | None = None
    tool_calls: list[Any] | None = None
    refusal: str = ""
    annotations: list[Any] | None = None
    citations: list[Any] | None = None  # of documents, as Anthropic writes them; a list: `text` begins a new block
    images: list[Any] | None = None
    logprobs: Any = None
    vectors: list[msgspec.Raw] | None = None  # all of an embeddings response, as JSON, in the order of the inputs
    ranking: list[tuple[int, float]] | None = None  # all of a rerank response: (document, relevance), best first
    index: int = 0  # which choice

    @property
    def is_only_text(self) -> bool:
        """Whether it has text and nothing else."""
        return bool(self.text) and not (
            self.reasoning
            or self.tool_calls
            or self.reasoning_details
            or self.refusal
            or self.annotations
            or self.citations is not None
            or self.images
            or self.logprobs is not None
            or self.vectors
            or self.ranking
        )

    @property
    def sole_words(self) -> str:
        """Its text or its reasoning, if it has nothing else; otherwise empty."""
        if self.is_only_text:
            return self.text
        return self.reasoning if self == Delta(reasoning=self.reasoning, index=self.index) else ""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has finished. The reason is `stop`, `length`, `tool_calls` or `content_filter`."""

    finish_reason: str
    native_finish_reason: str
    index: int = 0
    stop_sequence: str | None = None  # the one that ended it, if the provider says so


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The response broke off after its first token; the deltas before remain valid."""

    status: int
    message: str
    error_type: str
    provider_code: str | None = None  # the provider's own status


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """The account has been charged. The last event, after Finished or Failed; missing while the database is away."""

    usage: Usage
    cost: PicoUsd
    balance: PicoUsd  # of the account afterwards
    latency_ms: int  # to the first token
    duration_ms: int  # to the last
    web_searches: int = 0
    prompt_cost: PicoUsd = PicoUsd(0)  # at list price, as is the completion's; the web search is in neither
    completion_cost: PicoUsd = PicoUsd(0)
    byok_cost: PicoUsd | None = None  # the list price, if the provider bills the customer's own key for it
    discount: PicoUsd = PicoUsd(0)  # taken off the price, because prompt and response are stored

    @property
    def is_byok(self) -> bool:
        return self.byok_cost is not None


def joined(events: Iterable[Delta | Finished]) -> list[Delta | Finished]:
    """The same response in fewer events: neighboring deltas of text alone, or of reasoning alone, become one."""
    result: list[Delta | Finished] = []
    for (kind, index), run in groupby(events, _kind):
        if kind == "text":
            result.append(Delta(text="".join([delta.text for delta in run if isinstance(delta, Delta)]), index=index))
        elif kind == "reasoning":
            reasoning = "".join([delta.reasoning for delta in run if isinstance(delta, Delta)])
            result.append(Delta(reasoning=reasoning, index=index))
        else:
            result += run
    return result


def _kind(event: Delta | Finished) -> tuple[str, int]:
    """(the only field that a delta has, `text` or `reasoning`; its choice); an empty name for any other event."""
    if isinstance(event, Delta) and event.sole_words:
        return ("text" if event.text else "reasoning"), event.index
    return "", event.index


Event = Started | Delta | Finished | Failed | Billed

Piece = Sequence[Event]


async def one_by_one(pieces: AsyncGenerator[Iterable[E], None]) -> AsyncGenerator[E, None]:
    """The events of the pieces. Closing it closes the pieces."""
    async with aclosing(pieces):
        async for piece in pieces:
            for event in piece:
                yield event
