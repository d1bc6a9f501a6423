"""The catalog on the hot path: always in memory, refreshed behind the requests that use it."""

import asyncio
import gc
import logging

from django.db import Error

from common.errors import ServiceUnavailable
from common.storage import database
from common.storage.fresh_cache import FreshCache
from models_catalog import catalog

__all__ = ["catalogue", "clear"]

log = logging.getLogger(__name__)

#: Seconds after which a request checks for a newer catalog, and after which it waits for the result: the first request
#: after a quiet hour must not go to a provider that was turned off in it.
FRESH_SECONDS = 2.0
USABLE_SECONDS = 8.0

_catalogue: FreshCache[None, catalog.Catalogue] = FreshCache(fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS)
_refreshing: set[asyncio.Task[catalog.Catalogue]] = set()


async def catalogue() -> catalog.Catalogue:
    """Return the catalog. Only the first request of a process, or after a pause, waits for the database."""
    known, stale = _catalogue.lookup(None)
    if known is None:
        return await _refresh_or_keep(_catalogue.peek(None))
    if stale and not _refreshing:
        refresh = asyncio.create_task(_refresh(known))
        _refreshing.add(refresh)
        refresh.add_done_callback(_refreshed)
    return known


def clear() -> None:
    """Make the next request read the catalog again."""
    _catalogue.clear()


async def _refresh_or_keep(known: catalog.Catalogue | None) -> catalog.Catalogue:
    try:
        return await _refresh(known)
    except (Error, ServiceUnavailable) as error:
        if known is None:
            raise
        _warn(error)
        return known


async def _refresh(known: catalog.Catalogue | None) -> catalog.Catalogue:
    read_at = _catalogue.now()
    current = await database.run(catalog.recheck)
    _catalogue.put(None, current, read_at=read_at)
    if current is not known:
        gc.freeze()  # long-lived: exempt it from garbage collection
    return current


def _refreshed(refresh: asyncio.Task[catalog.Catalogue]) -> None:
    _refreshing.discard(refresh)
    if not refresh.cancelled() and (error := refresh.exception()):
        _warn(error)


def _warn(error: BaseException) -> None:
    log.warning("the catalog could not be refreshed (%s); using the last one", type(error).__name__)
