"""The catalog on the hot path: always in memory, refreshed behind the requests that use it."""

import asyncio
import gc
import logging

from asgiref.sync import sync_to_async

from common.fresh_cache import FreshCache
from models_catalog import catalog

__all__ = ["catalogue", "clear"]

log = logging.getLogger(__name__)

#: Seconds after which a request checks for a newer catalog.
FRESH_SECONDS = 2.0

_catalogue: FreshCache[None, catalog.Catalogue] = FreshCache(fresh_seconds=FRESH_SECONDS)
_refreshing: set[asyncio.Task[catalog.Catalogue]] = set()


async def catalogue() -> catalog.Catalogue:
    """Return the catalog. Only the first request of a process waits for the database."""
    known, stale = _catalogue.lookup(None)
    if known is None:
        return await _refresh(None)
    if stale and not _refreshing:
        refresh = asyncio.create_task(_refresh(known))
        _refreshing.add(refresh)
        refresh.add_done_callback(_refreshed)
    return known


def clear() -> None:
    """Make the next request read the catalog again."""
    _catalogue.clear()


async def _refresh(known: catalog.Catalogue | None) -> catalog.Catalogue:
    read_at = _catalogue.now()
    current = await sync_to_async(catalog.recheck)()
    _catalogue.put(None, current, read_at=read_at)
    if current is not known:
        gc.freeze()  # long-lived: exempt it from garbage collection
    return current


def _refreshed(refresh: asyncio.Task[catalog.Catalogue]) -> None:
    _refreshing.discard(refresh)
    if not refresh.cancelled() and (error := refresh.exception()):
        log.warning("the catalog could not be refreshed (%s); using the last one", type(error).__name__)
