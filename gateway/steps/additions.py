"""Additions of the gateway to a response: citations of a web search, and JSON mended where it has faults."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from gateway import web_search
from gateway.events import Delta, Finished, one_by_one
from gateway.protocols.chat_completions.request import ChatRequest

from .healing import healed

__all__ = ["with_additions"]

Pieces = AsyncGenerator[list[Delta | Finished], None]


def with_additions(pieces: Pieces, request: ChatRequest, sources: Sequence[web_search.Result]) -> Pieces:
    """The response, with the search results in `sources` as citations, and mended if the request asks for it."""
    if not (sources or request.heals_json):
        return pieces
    return _singly(healed(web_search.with_citations(one_by_one(pieces), sources), request))


async def _singly(events: AsyncGenerator[Delta | Finished, None]) -> Pieces:
    """Each event as a piece of its own."""
    async with aclosing(events):
        async for event in events:
            yield [event]
