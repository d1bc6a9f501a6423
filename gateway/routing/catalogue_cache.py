"""The catalogue on the hot path: always in memory, refreshed behind the requests that use it."""

import asyncio
import gc
import logging
import time

from asgiref.sync import sync_to_async

from models_catalog import catalog

__all__ = ["catalogue", "forget"]

log = logging.getLogger(__name__)

#: How old the catalogue may get before somebody looks for a newer one, in seconds.
FRESH_SECONDS = 2.0

_current: catalog.Catalogue | None = None
_fresh_until = 0.0
_refreshing: asyncio.Task[None] | None = None


async def catalogue() -> catalog.Catalogue:
    """The catalogue. Only the first request of a process waits for the database."""
    global _refreshing, _fresh_until
    if _current is None:
        await _refresh()
    elif time.monotonic() > _fresh_until:
        _fresh_until = time.monotonic() + FRESH_SECONDS
        _refreshing = asyncio.create_task(_refresh())
    assert _current is not None
    return _current


def forget() -> None:
    """Make the next request read the catalogue afresh."""
    global _current
    _current = None


async def _refresh() -> None:
    global _current, _fresh_until
    try:
        known = await sync_to_async(catalog.current)()
        if known is not _current:
            _current = known
            gc.freeze()  # it stays: the garbage collector need not walk over it again and again
    except Exception as error:
        if _current is None:
            raise
        log.warning("the catalogue could not be refreshed (%s); going on with the last one", type(error).__name__)
    _fresh_until = time.monotonic() + FRESH_SECONDS
