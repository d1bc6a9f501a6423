"""The start and the end of a web process."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from common.storage import database
from gateway import completions
from gateway.providers import http
from openrouter_site.env import SettingsError
from operations.serving.shutdown import Shutdown

from . import memory, server
from .single_process import Claim
from .startup import refuse_pending_migrations, report_unreadable_keys

__all__ = ["lifespan"]


async def _pass_on(middleware: ProxyHeadersMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
    await middleware.app(scope, receive, send)  # type: ignore[arg-type]


# Unless it is started with --no-proxy-headers, uvicorn believes X-Forwarded-* from 127.0.0.1 and replaces the peer's
# address before the application sees it. Only TRUSTED_PROXIES may name proxies, so that middleware does nothing here.
ProxyHeadersMiddleware.__call__ = _pass_on  # type: ignore[method-assign, assignment]


async def _nothing() -> None:
    return


async def lifespan(
    receive: Receive, send: Send, shutdown: Shutdown, before_drain: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Run startup and shutdown. Shutdown calls `before_drain`, and waits until open requests are settled."""
    claim = Claim()
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await asyncio.to_thread(refuse_pending_migrations)
                await claim.take()
                await asyncio.to_thread(report_unreadable_keys)
            except SettingsError as refused:
                await claim.release()
                await send({"type": "lifespan.startup.failed", "message": str(refused)})
                return
            server.bound(receive)
            memory.keep_freed_memory()
            memory.freeze_startup_objects()
            completions.service.start()
            shutdown.watch()
            await send({"type": "lifespan.startup.complete"})
        else:
            await before_drain()
            await completions.service.drain()
            await http.close()
            await claim.release()
            await asyncio.to_thread(database.close_pool)
            await send({"type": "lifespan.shutdown.complete"})
            return
