"""`/healthz`, `/readyz` and `/metrics`: for machines that watch this process.

They come before Django: a probe may use any host name, is not redirected to https, and needs no database.
"""

import asyncio
import hmac

import msgspec
from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from operations.health.readiness import Readiness
from operations.telemetry.exposition import exposition

from .shutdown import Shutdown

__all__ = ["Probes"]

_NOT_STORED = {"Cache-Control": "no-store"}


class Probes:
    """The ASGI application of the probes."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._readiness = Readiness()
        self._probes = {"/healthz": self.health, "/readyz": self.ready, "/metrics": self.metrics}
        self.paths = frozenset(self._probes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to one of `paths`."""
        request = Request(scope)
        if request.method in {"GET", "HEAD"}:
            response = await self._probes[scope["path"]](request)
        else:
            response = Response(status_code=405, headers={"Allow": "GET, HEAD"})
        await response(scope, receive, send)

    async def health(self, request: Request) -> Response:
        """Answer 200: the process is alive. Needs nothing else."""
        return Response("ok\n", media_type="text/plain", headers=_NOT_STORED)

    async def ready(self, request: Request) -> Response:
        """Answer 200 if the process can serve, else 503, with the state of each part.

        A queue without a worker makes it "degraded", and so does Redis when it is away: pages and requests are served.
        With `?strict` that is a 503 too, for a monitor. All processes share what is missing: a proxy that took every
        one of them out would make it an outage.
        """
        if self._shutdown.stopping:
            return _json({"status": "stopping"}, 503)
        parts = await self._readiness.parts()
        if any(parts[name] != "ok" for name in ("database", "migrations")):
            return _json({"status": "not ready", "parts": parts}, 503)
        if any(state not in {"ok", "unused"} for state in parts.values()):
            return _json({"status": "degraded", "parts": parts}, 503 if "strict" in request.query_params else 200)
        return _json({"status": "ready", "parts": parts}, 200)

    async def metrics(self, request: Request) -> Response:
        """Answer with the metrics of all processes, for a scraper that knows METRICS_TOKEN.

        Without METRICS_TOKEN it is a 404, and open in development.
        """
        token = settings.METRICS_TOKEN
        if not token and not settings.DEBUG:
            return Response("Not found. Set METRICS_TOKEN to turn metrics on.\n", 404, media_type="text/plain")
        given = request.headers.get("authorization", "")
        if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        body = await asyncio.to_thread(exposition)
        return Response(body, headers=_NOT_STORED | {"Content-Type": CONTENT_TYPE_LATEST})


def _json(body: object, status: int) -> Response:
    return Response(msgspec.json.encode(body), status, headers=_NOT_STORED, media_type="application/json")
