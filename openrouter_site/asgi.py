"""The ASGI application: inference, the WebSockets and static files beside Django, with graceful shutdown."""

import warnings
from typing import cast

from django.conf import settings

from .serving.loading import load_django

# The lines of some CSV exports are a list, which keeps no one waiting, so the warning does not apply.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
_django = load_django()

from asgiref.sync import ThreadSensitiveContext, sync_to_async  # noqa: E402
from channels.routing import URLRouter  # noqa: E402 the apps must be loaded first
from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: E402

from activity.live.routing import websocket_urlpatterns as live_socket  # noqa: E402
from api.paths import collapsed, in_api  # noqa: E402
from chat.socket.consumer import stop_detached  # noqa: E402
from chat.socket.routing import websocket_urlpatterns as chat_socket  # noqa: E402
from common.storage import database  # noqa: E402
from common.web import hosts  # noqa: E402
from common.web.client_address import ForwardedClient  # noqa: E402
from gateway import asgi as inference  # noqa: E402
from gateway import completions  # noqa: E402
from openrouter_site.serving.bodies import WholeBodies  # noqa: E402
from openrouter_site.serving.lifespan import lifespan  # noqa: E402
from openrouter_site.serving.static_files import StaticFiles  # noqa: E402
from operations.serving.edge import Edge  # noqa: E402

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


_files_and_pages = StaticFiles(pages)


async def _dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Dispatch each connection to inference, a WebSocket, a static file or Django."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send, application.shutdown, stop_detached)
    elif scope["type"] == "websocket":
        await (sockets if hosts.is_allowed(scope) else _deny)(scope, receive, send)
    elif in_api((scope := collapsed(scope))["path"]) and not hosts.is_allowed(scope):
        await inference.refusal(hosts.wrong_host())(scope, receive, send)
    elif scope["path"] in inference.PATHS:
        await inference.application(scope, receive, send)
    else:
        await _files_and_pages(scope, receive, send)  # Django checks the host of pages


application = Edge(ForwardedClient(_dispatch, settings.TRUSTED_PROXIES), settings.TRUSTED_PROXIES, completions.service)
