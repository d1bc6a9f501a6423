"""Exa's search over a web that does not exist: pages about anything, always the same for the same query."""

import re
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from msgspec.json import encode
from starlette.types import Receive, Scope, Send

from sandbox.providers.completions import read_body
from sandbox.providers.controls import ControlError, read_controls
from sandbox.providers.errors import Refusal
from sandbox.providers.faults import Faults
from sandbox.providers.pace import pace_of
from sandbox.providers.recorder import Record, readable
from sandbox.providers.sending import send_body
from sandbox.providers.shared import Shared
from sandbox.providers.wire import wire_of
from sandbox.providers.writer.prose import paragraph
from sandbox.providers.writer.topic import title_of, topic_of

__all__ = ["WebSearch"]

_NAME = "exa"  # for faults, records and the pace
_LONGEST_HANG = 3600.0  # seconds

# Every page is one of these at one of those; example.com and its like belong to nobody.
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


class _Contents(msgspec.Struct, frozen=True):
    highlights: bool | dict[str, Any] | None = None
    text: bool | dict[str, Any] | None = None


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
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
        record: Record | None = None

        async def refuse(refusal: Refusal) -> None:
            if record:
                record.status, record.finished = refusal.status, True
            error = {"requestId": UUID(int=0).hex, "error": refusal.text, "tag": _TAGS.get(refusal.status, "DEFAULT")}
            await send_body(send, refusal.status, "application/json", encode(error))

        try:
            controls = read_controls(scope["headers"])
        except ControlError as wrong:
            await refuse(Refusal(400, str(wrong)))
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self.shared.recorder:
            record = Record(scope["method"], scope["path"], _NAME, headers, readable(body))
            self.shared.recorder.add(controls.session, record, len(body))
        faults = Faults(controls.faults, _NAME, "", controls.session, self.shared.counters)
        if faults.resets_at_once:
            await wire.reset()
            return
        wait = _LONGEST_HANG if "hang" in faults else faults.seconds("slow-headers")
        await wire.wait(wait or pace_of(_NAME, self.shared.speed).first)
        if wire.is_lost:
            if record:
                record.disconnected = True
            return
        if refusal := faults.refusal or _refusal(headers):
            await refuse(refusal)
            return
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except msgspec.DecodeError as wrong:
            await refuse(Refusal(400, str(wrong)))
            return
        answer = encode({"results": "none" if "malformed" in faults else _results(asked), **_about(asked)})
        if record:
            record.status, record.finished = 200, True
        await send_body(send, 200, "application/json", answer)


def _refusal(headers: dict[str, str]) -> Refusal | None:
    key = headers.get("x-api-key", "")
    return Refusal(401, "Invalid API key.") if not key or key.endswith("-invalid") else None


def _about(asked: _Asked) -> dict[str, Any]:
    chance = Random(asked.query)
    cost = 0.007 + max(0, asked.num_results - 10) * 0.001
    return {
        "requestId": UUID(int=chance.getrandbits(128)).hex,
        "resolvedSearchType": "neural" if asked.type == "auto" else asked.type,
        "costDollars": {"total": round(cost, 3)},
    }


def _results(asked: _Asked) -> list[dict[str, Any]]:
    """As many pages about the query as asked for, of those on the domains asked for."""
    chance = Random(asked.query)
    topic = topic_of(asked.query) or "nothing in particular"
    slug = "-".join(re.findall(r"[^\W_]+", topic.lower())[:8]) or "page"
    places = [(host, page) for page in _PAGES for host in _HOSTS]
    chance.shuffle(places)
    found: list[dict[str, Any]] = []
    for host, (path, title) in places:
        year = chance.randint(2019, 2025)
        names = {"slug": slug, "year": year, "t": topic, "T": title_of(topic)}
        text = f"This page is simulated. {paragraph(topic, chance, 3)}"
        place = f"{host}{path.format(**names)}"
        if len(found) < asked.num_results and _allowed(place, asked):
            page = {
                "id": f"https://{place}",
                "url": f"https://{place}",
                "title": f"{title.format(**names)} (simulated)",
                "publishedDate": f"{year}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T00:00:00.000Z",
                "author": "The sandbox",
            }
            found.append(page | _contents(text, asked.contents))
    return found


def _contents(text: str, asked: _Contents) -> dict[str, Any]:
    contents: dict[str, Any] = {}
    if asked.highlights:
        most = asked.highlights.get("maxCharacters") if isinstance(asked.highlights, dict) else None
        contents |= {"highlights": [text[:most]], "highlightScores": [0.5]}
    if asked.text:
        contents["text"] = text
    return contents


def _allowed(place: str, asked: _Asked) -> bool:
    if any(_within(place, domain) for domain in asked.exclude_domains):
        return False
    return not asked.include_domains or any(_within(place, domain) for domain in asked.include_domains)


def _within(place: str, domain: str) -> bool:
    """Whether a page is on a domain or below it: `example.com`, `*.example.com`, `example.com/guides`."""
    host, _, path = place.partition("/")
    wanted, _, prefix = domain.lower().removeprefix("*.").partition("/")
    return (host == wanted or host.endswith(f".{wanted}")) and path.startswith(prefix)
