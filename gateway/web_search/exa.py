"""Exa's search API: `POST /search`, with excerpts of the pages found."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.providers import http
from gateway.providers.errors import failure_from_response
from gateway.providers.failures import ProviderFailure

from .options import Options
from .result import Result

__all__ = ["search"]

#: The requested length of each page's excerpts, in characters.
EXCERPT_CHARACTERS = 2000
#: The most bytes of a response that are read: 25 pages need a fraction of it.
MAX_RESPONSE_BYTES = 4 * 1024 * 1024


class _Page(msgspec.Struct, rename="camel"):
    url: str | None = None
    title: str | None = None
    published_date: str | None = None
    highlights: list[str] | None = None
    summary: str | None = None
    text: str | None = None


class _Response(msgspec.Struct):
    results: list[_Page]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Response).decode


async def search(base_url: str, api_key: str, query: str, options: Options, headers: Mapping[str, str]) -> list[Result]:
    """Exa's results, best first; ProviderFailure when it fails or sends something else."""
    response = await http.post(
        f"{base_url}/search",
        headers={"x-api-key": api_key, "Content-Type": "application/json", "Accept": "application/json", **headers},
        content=_encode(_body(query, options)),
    )
    try:
        if response.status != 200:
            raise await failure_from_response(response)
        content = await response.read(MAX_RESPONSE_BYTES)
    finally:
        await response.close()
    try:
        pages = _decode(content).results
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderFailure(502, "The search engine sent an invalid response.") from error
    return [_result(page, page.url) for page in pages if page.url and page.url.startswith(("https://", "http://"))]


def _body(query: str, options: Options) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": query,
        "type": "auto",
        "numResults": options.max_results,
        "contents": {"highlights": {"maxCharacters": EXCERPT_CHARACTERS}},
    }
    if options.include_domains:
        body["includeDomains"] = options.include_domains
    if options.exclude_domains:
        body["excludeDomains"] = options.exclude_domains
    return body


def _result(page: _Page, url: str) -> Result:
    excerpts = "\n[...]\n".join(page.highlights or ())
    return Result(
        title=page.title or url,
        url=url,
        content=excerpts or page.summary or page.text or "",
        published=(page.published_date or "")[:10],
    )
