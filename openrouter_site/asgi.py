"""The ASGI application: inference and the WebSockets beside Django, with graceful shutdown."""

import asyncio
import gc
import multiprocessing
import os
import sys
import warnings
from typing import cast

from django.conf import settings
from django.core.asgi import get_asgi_application
from uvicorn.config import STARTUP_FAILURE

from .env import SettingsError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openrouter_site.settings")
# Static files are small and read in a thread, so the warning does not apply.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
try:
    _django = get_asgi_application()
except SettingsError as refused:
    if multiprocessing.parent_process() is None:
        raise
    # A worker of uvicorn: with this status the server stops, instead of starting it again and again.
    print(refused, file=sys.stderr)  # noqa: T201
    sys.exit(STARTUP_FAILURE)

from asgiref.sync import ThreadSensitiveContext, sync_to_async  # noqa: E402
from channels.routing import URLRouter  # noqa: E402 the apps must be loaded first
from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from activity.live.routing import websocket_urlpatterns as live_socket  # noqa: E402
from api.paths import collapsed, in_api  # noqa: E402
from chat.socket.consumer import stop_detached  # noqa: E402
from chat.socket.routing import websocket_urlpatterns as chat_socket  # noqa: E402
from common.storage import database  # noqa: E402
from common.web import hosts  # noqa: E402
from common.web.client_address import ForwardedClient  # noqa: E402
from gateway import asgi as inference  # noqa: E402
from gateway import completions  # noqa: E402
from gateway.providers import http  # noqa: E402
from openrouter_site.serving import server  # noqa: E402
from openrouter_site.serving.bodies import WholeBodies  # noqa: E402
from openrouter_site.serving.single_process import Claim  # noqa: E402
from openrouter_site.serving.startup import refuse_pending_migrations, report_unreadable_keys  # noqa: E402
from operations.edge import Edge  # noqa: E402

_whole = WholeBodies(cast(ASGIApp, _django))
_deny = WebsocketDenier.as_asgi()
sockets = AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter([*chat_socket, *live_socket])))


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request with Django, and return its database connection however the request ends.

    Django does so after each response, but not when sending one fails halfway.
    """
    async with ThreadSensitiveContext():
        try:
            await _whole(scope, receive, send)
        except BaseException:
            await sync_to_async(database.release)()
            raise


async def _pass_on(middleware: ProxyHeadersMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
    await middleware.app(scope, receive, send)  # type: ignore[arg-type]


# Unless it is started with --no-proxy-headers, uvicorn believes X-Forwarded-* from 127.0.0.1 and replaces the peer's
# address before the application sees it. Only TRUSTED_PROXIES may name proxies, so that middleware does nothing here.
ProxyHeadersMiddleware.__call__ = _pass_on  # type: ignore[method-assign, assignment]


async def _dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Dispatch each connection to inference, a WebSocket or Django."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await (sockets if hosts.is_allowed(scope) else _deny)(scope, receive, send)
    elif in_api((scope := collapsed(scope))["path"]) and not hosts.is_allowed(scope):
        await inference.refusal(hosts.wrong_host())(scope, receive, send)
    elif scope["path"] in inference.PATHS:
        await inference.application(scope, receive, send)
    else:
        await pages(scope, receive, send)  # Django checks the host of pages


application = Edge(ForwardedClient(_dispatch, settings.TRUSTED_PROXIES), settings.TRUSTED_PROXIES, completions.service)


def _freeze_startup_objects() -> None:
    """Exempt everything in memory from garbage collection, and collect less often. With the default thresholds,
    collection took a quarter of a request's CPU time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Run startup and shutdown. Shutdown waits until open requests are settled."""
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
            _freeze_startup_objects()
            completions.service.start()
            application.shutdown.watch()
            await send({"type": "lifespan.startup.complete"})
        else:
            await stop_detached()
            await completions.service.drain()
            await http.close()
            await claim.release()
            await asyncio.to_thread(database.close_pool)
            await send({"type": "lifespan.shutdown.complete"})
            return
