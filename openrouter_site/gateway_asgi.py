"""The gateway alone: inference without pages, chats and the management API, to be scaled and deployed on its own.

    uvicorn openrouter_site.gateway_asgi:application --port 8003

A proxy sends it the paths of `gateway.asgi.PATHS`; everything else is the site's (`openrouter_site.asgi`). Both use the
same database and Redis, and a site without gateway processes serves inference itself.
"""

from django.conf import settings

from .serving.loading import load_django

load_django()

from starlette.responses import Response  # noqa: E402 the apps must be loaded first
from starlette.types import Receive, Scope, Send  # noqa: E402

from api.paths import collapsed  # noqa: E402
from common.errors import NotFound  # noqa: E402
from common.web import hosts  # noqa: E402
from common.web.client_address import ForwardedClient  # noqa: E402
from gateway import asgi as inference  # noqa: E402
from gateway import completions  # noqa: E402
from openrouter_site.serving.lifespan import lifespan  # noqa: E402
from operations.serving.edge import Edge  # noqa: E402


async def _dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve inference; refuse everything else, and name the site."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send, application.shutdown)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
    elif not hosts.is_allowed(scope := collapsed(scope)):
        await inference.refusal(hosts.wrong_host())(scope, receive, send)
    elif scope["path"] in inference.PATHS:
        await inference.application(scope, receive, send)
    else:
        await _not_here()(scope, receive, send)


def _not_here() -> Response:
    return inference.refusal(
        NotFound(f"This process serves inference only. Everything else is at {settings.SITE_URL}.")
    )


application = Edge(ForwardedClient(_dispatch, settings.TRUSTED_PROXIES), settings.TRUSTED_PROXIES, completions.service)
