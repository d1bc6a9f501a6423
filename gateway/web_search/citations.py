"""Results as annotations of the answer that was made from them."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from gateway.events import Delta, Finished
from gateway.providers.failures import ProviderFailure

from .result import Result

__all__ = ["annotations", "cited"]


Events = AsyncGenerator[Delta | Finished, None]


def cited(events: Events, results: Sequence[Result]) -> Events:
    """The events of an answer, with the results as annotations when its text is complete or breaks off."""
    return _cited(events, results) if results else events


async def _cited(events: Events, results: Sequence[Result]) -> Events:
    text: list[str] = []
    owed = True
    async with aclosing(events):
        try:
            async for event in events:
                if isinstance(event, Delta):
                    text.append(event.text if event.index == 0 else "")
                elif owed:
                    owed = False
                    yield Delta(annotations=annotations("".join(text), results))
                yield event
        except ProviderFailure:
            if owed:
                yield Delta(annotations=annotations("".join(text), results))
            raise
    if owed:
        yield Delta(annotations=annotations("".join(text), results))


def annotations(text: str, results: Sequence[Result]) -> list[dict[str, Any]]:
    """A `url_citation` for each result, cited or not.

    `start_index` and `end_index` (characters of the text, the second exclusive) are where the answer first links to the
    result; both are the text's end when it does not.
    """
    made = []
    for result in results:
        start, end = _place(text, result.url)
        citation = {"url": result.url, "title": result.title, "content": result.content}
        made.append({"type": "url_citation", "url_citation": {**citation, "start_index": start, "end_index": end}})
    return made


def _place(text: str, url: str) -> tuple[int, int]:
    """The first Markdown link to the address, else the address itself, else the end of the text."""
    if url not in text:
        return len(text), len(text)
    address = re.escape(url)
    link = re.search(rf"\[(?:[^\[\]\n]|\[[^\[\]\n]*\]){{0,200}}\]\({address}\)", text)
    found = link or re.search(rf"{address}(?![\w/?#&=%-])", text)
    return found.span() if found else (len(text), len(text))
