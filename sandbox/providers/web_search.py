"""Exa's search over a web that does not exist: pages about anything, always the same for the same query."""

import re
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from msgspec.json import encode
from starlette.types import Receive, Scope, Send

from sandbox.providers.completions import LONGEST_HANG, headers_of, read_body
from sandbox.providers.controls.faults import Faults
from sandbox.providers.controls.headers import read_controls
from sandbox.providers.errors import MALFORMED, Refusal, refusal_of
from sandbox.providers.shared import Shared
from sandbox.providers.wire.connection import wire_of
from sandbox.providers.wire.pace import pace_of
from sandbox.providers.wire.recorder import Record, readable
from sandbox.providers.wire.sending import send_body
from sandbox.providers.writer.prose import sentences
from sandbox.providers.writer.topic import title_of, topic_of

__all__ = ["WebSearch"]

_NAME = "exa"  # for faults, records and the pace

# Every page is one of these at one of those. The domains are reserved for examples.
_HOSTS = (
    "www.example.com", "news.example.com", "encyclopedia.example.org", "magazine.example.net", "forum.example.org",
    "blog.example.net", "library.example.edu",
)  # fmt: skip
_PAGES = (
    ("/{slug}", "{T}"),
    ("/guides/{slug}", "A guide to {t}"),
    ("/{year}/{slug}", "{T} in {year}"),
    ("/questions/{slug}", "Questions about {t}"),
    ("/reports/{slug}", "Report: {t}"),
)
_TAGS = {400: "INVALID_REQUEST_BODY", 401: "INVALID_API_KEY", 402: "NO_MORE_CREDITS", 429: "RATE_LIMIT_EXCEEDED"}


class _Highlights(msgspec.Struct, frozen=True, rename="camel"):
    max_characters: int | None = None


class _Contents(msgspec.Struct, frozen=True):
    highlights: bool | _Highlights | None = None
    text: bool | dict[str, Any] | None = None


class _Search(msgspec.Struct, frozen=True, rename="camel"):
    query: str
    type: str = "auto"
    num_results: int = 10
    contents: _Contents = _Contents()
    include_domains: list[str] = []
    exclude_domains: list[str] = []


class WebSearch:
    """`POST /exa/search`: an ASGI application."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        wire = wire_of(scope)
        record = Record(scope["method"], scope["path"], _NAME, headers_of(scope), readable(body))
        try:
            controls = read_controls(scope["headers"])
            if self.shared.recorder:
                self.shared.recorder.add(controls.session, record, len(body))
            faults = Faults(controls.faults, _NAME, "", controls.session, self.shared.counters)
            if faults.resets_at_once:
                await wire.reset()
                return
            wait = LONGEST_HANG if "hang" in faults else faults.seconds("slow-headers")
            await wire.wait(wait or pace_of(_NAME, self.shared.speed).first)
            record.disconnected = wire.is_lost
            if wire.is_lost:
                return
            refusal = faults.refusal or _refusal(record.headers)
            found = None if refusal else _answer(msgspec.json.decode(body, type=_Search), faults)
        except MALFORMED as wrong:
            refusal, found = refusal_of(wrong), None
        record.status, record.finished = refusal.status if refusal else 200, True
        await send_body(send, record.status, "application/json", encode(_error(refusal) if refusal else found))


def _refusal(headers: dict[str, str]) -> Refusal | None:
    key = headers.get("x-api-key", "")
    return Refusal(401, "Invalid API key.") if not key or key.endswith("-invalid") else None


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"requestId": UUID(int=0).hex, "error": refusal.text, "tag": _TAGS.get(refusal.status, "DEFAULT")}


def _answer(search: _Search, faults: Faults) -> dict[str, Any]:
    return {"results": "none" if "malformed" in faults else _results(search), **_about(search)}


def _about(search: _Search) -> dict[str, Any]:
    chance = Random(search.query)
    cost = 0.007 + max(0, search.num_results - 10) * 0.001
    return {
        "requestId": UUID(int=chance.getrandbits(128)).hex,
        "resolvedSearchType": "neural" if search.type == "auto" else search.type,
        "costDollars": {"total": round(cost, 3)},
    }


def _results(search: _Search) -> list[dict[str, Any]]:
    """At most `num_results` pages about the query, on the domains that the search allows."""
    chance = Random(search.query)
    topic = topic_of(search.query) or "nothing in particular"
    slug = "-".join(re.findall(r"[^\W_]+", topic.lower())[:8]) or "page"
    places = [(host, page) for page in _PAGES for host in _HOSTS]
    chance.shuffle(places)
    found: list[dict[str, Any]] = []
    for host, (path, title) in places:
        year = chance.randint(2019, 2025)
        names = {"slug": slug, "year": year, "t": topic, "T": title_of(topic)}
        text = f"This page is simulated. {' '.join(sentences(topic, chance, 3))}"
        place = f"{host}{path.format(**names)}"
        if len(found) < search.num_results and _allowed(place, search):
            page = {
                "id": f"https://{place}",
                "url": f"https://{place}",
                "title": f"{title.format(**names)} (simulated)",
                "publishedDate": f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T00:00:00.000Z",
                "author": "The sandbox",
            }
            found.append(page | _contents(text, search.contents))
    return found


def _contents(text: str, search: _Contents) -> dict[str, Any]:
    contents: dict[str, Any] = {}
    if search.highlights:
        most = search.highlights.max_characters if isinstance(search.highlights, _Highlights) else None
        contents |= {"highlights": [text[:most]], "highlightScores": [0.5]}
    if search.text:
        contents["text"] = text
    return contents


def _allowed(place: str, search: _Search) -> bool:
    if any(_within(place, domain) for domain in search.exclude_domains):
        return False
    return not search.include_domains or any(_within(place, domain) for domain in search.include_domains)


def _within(place: str, domain: str) -> bool:
    """Whether a page is on a domain or below it: `example.com`, `*.example.com`, `example.com/guides`."""
    host, _, path = place.partition("/")
    wanted, _, prefix = domain.lower().removeprefix("*.").partition("/")
    return (host == wanted or host.endswith(f".{wanted}")) and path.startswith(prefix)
