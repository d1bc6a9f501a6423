"""Search results as annotations of the response that was written from them."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from gateway.events import Delta, Finished, Started
from gateway.providers.failures import ProviderFailure

from .result import Result

__all__ = ["annotations", "announced", "with_citations"]

Events = AsyncGenerator[Delta | Finished, None]


def announced(started: Started, results: Sequence[Result]) -> Started:
    """The start of a response, with the results of the search before it."""
    return msgspec.structs.replace(started, search_results=[msgspec.structs.asdict(result) for result in results])


def with_citations(events: Events, results: Sequence[Result]) -> Events:
    """The events of a response, with the results as annotations after its text, even when it breaks off."""
    return _with_citations(events, results) if results else events


async def _with_citations(events: Events, results: Sequence[Result]) -> Events:
    text: list[str] = []
    pending = True
    async with aclosing(events):
        try:
            async for event in events:
                if isinstance(event, Delta):
                    text.append(event.text if event.index == 0 else "")
                elif pending:
                    pending = False
                    yield Delta(annotations=annotations("".join(text), results))
                yield event
        except ProviderFailure:
            if pending:
                yield Delta(annotations=annotations("".join(text), results))
            raise
    if pending:
        yield Delta(annotations=annotations("".join(text), results))


def annotations(text: str, results: Sequence[Result]) -> list[dict[str, Any]]:
    """A `url_citation` for each result, whether the text cites it or not.

    `start_index` and `end_index` (in characters, the second exclusive) span the text's first link to the result. Both
    are the length of the text when there is no link.
    """
    citations = []
    for result in results:
        start, end = _span(text, result.url)
        citation = {"url": result.url, "title": result.title, "content": result.content}
        citations.append({"type": "url_citation", "url_citation": {**citation, "start_index": start, "end_index": end}})
    return citations


def _span(text: str, url: str) -> tuple[int, int]:
    """The span of the first Markdown link to the URL, else of the URL itself, else the end of the text."""
    if url not in text:
        return len(text), len(text)
    address = re.escape(url)
    link = re.search(rf"\[(?:[^\[\]\n]|\[[^\[\]\n]*\]){{0,200}}\]\({address}\)", text)
    found = link or re.search(rf"{address}(?![\w/?#&=%-])", text)
    return found.span() if found else (len(text), len(text))
