"""One stand-in as a process: its application, its courier, its clock and its command line."""

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import BaseRoute

from . import connections
from .courier import Courier, Writer
from .store import Store

log = logging.getLogger("sandbox.payments")

_TICK = 0.5  # seconds


def application(store: Store, routes: Sequence[BaseRoute], write: Writer, run_due: Callable[[], None]) -> Starlette:
    """These routes over one store, with webhooks carried, and `run_due` called as the clock ticks."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        courier = Courier(store, write)
        store.after_commit = courier.wake
        workers = [asyncio.create_task(courier.run()), asyncio.create_task(_tick(run_due))]
        log.info("ready at %s", store.address)
        yield
        for worker in workers:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
        store.close()

    return Starlette(
        routes=routes,
        # A page elsewhere whose name is made to point at this machine gets nothing.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        lifespan=lifespan,
    )


async def _tick(run_due: Callable[[], None]) -> None:
    while True:
        try:
            run_due()
        except Exception:
            log.exception("a timer failed")
        await asyncio.sleep(_TICK)


def command_line(module: str, description: str | None, port: int, secret: str) -> argparse.ArgumentParser:
    """The options that every stand-in has."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--port", type=int, default=port, help=f"port on 127.0.0.1 (default {port})")
    parser.add_argument("--data", type=Path, help="SQLite file; without it all is lost at the end")
    parser.add_argument("--webhook-url", help="deliver every event to this address")
    parser.add_argument("--webhook-secret", default=secret, help="secret that signs those deliveries")
    return parser


def serve(app: Starlette, port: int) -> None:
    """Serve on this machine until stopped."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http=connections.Protocol,
        log_level="warning",
        lifespan="on",
        workers=1,  # not WEB_CONCURRENCY, which is for the site
        timeout_graceful_shutdown=3,
    )


def start_logging() -> None:
    """Log to the console, without a line per webhook."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
