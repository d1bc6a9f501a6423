"""Syncs from end to end: `configured()` reads the sources, `preview(source)` and `sync(source)` run one.

A sync that an operator or the clock starts leaves a `CatalogueSync`, whatever came of it. The catalog is changed as a
whole or not at all.
"""

import asyncio
import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from common.clock import utc_now
from common.telemetry.jobs import Parts
from models_catalog import catalog
from models_catalog.models import Author, CatalogueSync, Endpoint, Provider

from . import comparison, models_dev, openrouter, writing
from .differences import Difference
from .download import Downloads, UnreadableSource
from .offers import InvalidDocument, Staged

__all__ = ["Done", "InvalidSource", "Outcome", "Source", "configured", "preview", "sync", "sync_all"]

log = logging.getLogger(__name__)

KINDS = ("models.dev", "openrouter")
#: The timeout for everything that a sync reads, in seconds.
SECONDS = 600.0

Outcome = CatalogueSync.Outcome


class InvalidSource(ValueError):
    """CATALOG_SYNC_SOURCES has something that is no source. The text says what to write."""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of document and its URL."""

    kind: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "Source":
        """The source from `kind:URL`. Raises InvalidSource."""
        kind, _, url = text.partition(":")
        parts = urlsplit(url)
        if kind not in KINDS or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidSource(
                f"{text[:200]!r} is not a source. Write its kind, {' or '.join(KINDS)}, a colon and its URL, "
                "for example models.dev:https://models.dev/api.json."
            )
        if parts.username or parts.password or parts.query or parts.fragment or not re.fullmatch(r"[!-~]{1,280}", url):
            raise InvalidSource(f"{text[:200]!r}: the URL can't have a user name, a password, a query or a fragment.")
        return cls(kind, url.rstrip("/"))

    def __str__(self) -> str:
        return f"{self.kind}:{self.url}"


def configured() -> list[Source]:
    """The sources of CATALOG_SYNC_SOURCES. Raises InvalidSource."""
    return [Source.parse(text) for text in settings.CATALOG_SYNC_SOURCES]


def preview(source: Source) -> Difference:
    """Return what the source would change now. Raises UnreadableSource and InvalidDocument."""
    staged = _read(source)
    assert staged is not None
    return comparison.compare(staged, str(source), settings.CATALOG_SYNC_SOURCES)


class Done(NamedTuple):
    """The record of a sync, and what the source changes; None if it could not be told."""

    record: CatalogueSync
    difference: Difference | None = None


def sync(source: Source, *, accept: bool = False, expected: str = "", conditional: bool = False) -> Done:
    """Apply what the source changes, and record it.

    With `accept`, changes that are larger than usual are made as well. `expected` is the fingerprint of the difference
    that was previewed: any other is refused. With `conditional`, a document that has not changed is not read again.
    """
    started_at = utc_now()
    last = CatalogueSync.objects.filter(source=str(source)).order_by("-started_at", "-pk").first()
    done = last is not None and last.outcome in {Outcome.APPLIED, Outcome.NO_CHANGE}
    known = conditional and last is not None and done and last.state == _state()
    try:
        staged = _read(source, etag=last.etag if last and known else "")
        if staged is None:
            assert last is not None
            return Done(_seen_again(last))
        found = _apply(staged, source, accept=accept, expected=expected)
    except (UnreadableSource, InvalidDocument) as error:
        outcome = Outcome.FAILED if isinstance(error, UnreadableSource) else Outcome.REFUSED
        if last and (last.outcome, last.reason) == (outcome, str(error)):
            return Done(_seen_again(last))
        log.warning("the catalog was not synced with %s: %s", source, error)
        return Done(_record(source, outcome, started_at, reason=str(error)))
    except _Refused as refused:
        reason, counts = str(refused), refused.found.counts
        if last and (last.outcome, last.reason, last.counts) == (Outcome.REFUSED, reason, counts):
            return Done(_seen_again(last), refused.found)
        log.warning("the catalog was not synced with %s: implausible changes", source)
        return Done(_record(source, Outcome.REFUSED, started_at, reason=reason, counts=counts), refused.found)
    outcome = Outcome.APPLIED if found.lines else Outcome.NO_CHANGE
    if last and done and outcome == Outcome.NO_CHANGE and last.etag == found.etag:
        return Done(_seen_again(last), found)
    return Done(_record(source, outcome, started_at, etag=found.etag, counts=found.counts), found)


def sync_all() -> None:
    """Sync with every source, in their order. A source that fails keeps none of the others from it.

    Raises JobFailed at the end, also if changes wait for an operator to accept them.
    """
    parts = Parts(log)
    for source in configured():
        with parts.part("the catalog could not be synced with %s", source):
            record = sync(source, conditional=True).record
            if record.outcome in {Outcome.FAILED, Outcome.REFUSED}:
                parts.fail("the catalog was not synced with %s: %s", source, record.reason)
    parts.end()


class _Refused(Exception):
    """The difference is not applied."""

    def __init__(self, found: Difference, reason: str) -> None:
        self.found = found
        super().__init__(reason)


def _apply(staged: Staged, source: Source, *, accept: bool, expected: str) -> Difference:
    with transaction.atomic():
        # Rows are locked before the version, as when an operator edits one, and read after that.
        list(Endpoint.objects.select_for_update().order_by("pk").values_list("pk"))
        found = comparison.compare(staged, str(source), settings.CATALOG_SYNC_SOURCES)
        if expected and found.fingerprint != expected:
            raise _Refused(found, "The source or the catalog has changed since the preview. Look at a new preview.")
        if found.implausible and not accept:
            raise _Refused(found, found.why_implausible)
        writing.write(found)
    return found


def _read(source: Source, *, etag: str = "") -> Staged | None:
    """Return the offers of the source; None if its document still has the ETag."""
    own_slug, authors = "", frozenset[str]()
    if source.kind == "openrouter":
        by_url = {row.base_url.rstrip("/"): row.slug for row in Provider.objects.exclude(base_url="")}
        own_slug = by_url.get(source.url, "")
        authors = frozenset(Author.objects.values_list("slug", flat=True))

    async def read() -> Staged | None:
        async with asyncio.timeout(SECONDS), Downloads() as downloads:
            if source.kind == "openrouter":
                return await openrouter.read(downloads, source.url, own_slug=own_slug, authors=authors)
            return await models_dev.read(downloads, source.url, etag=etag)

    try:
        return asyncio.run(read())
    except TimeoutError:
        raise UnreadableSource(f"{source.url} took longer than {SECONDS:g} seconds.") from None


def _state() -> str:
    """A text that changes with the catalog and the configured sources, since they decide what a document changes."""
    return hashlib.sha256(repr((catalog.stamp(), settings.CATALOG_SYNC_SOURCES)).encode()).hexdigest()


def _seen_again(last: CatalogueSync) -> CatalogueSync:
    last.checked_at, last.state = utc_now(), _state()
    last.save(update_fields=["checked_at", "state"])
    return last


def _record(source: Source, outcome: Outcome, started_at: datetime, **fields: Any) -> CatalogueSync:
    return CatalogueSync.objects.create(
        source=str(source), outcome=outcome, started_at=started_at, checked_at=utc_now(), state=_state(), **fields
    )
