"""The baseline: a relay that forwards a request and its response, and does nothing else.

`python -m uvicorn bench.inference.relay:application` with UPSTREAM=http://127.0.0.1:8010/openai/v1
"""

import os

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:8010/openai/v1")
_session: list[aiohttp.ClientSession] = []


async def forward(request: Request) -> StreamingResponse:
    if not _session:
        _session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    body = await request.body()
    headers = {
        "Content-Type": "application/json",
        **{name: value for name, value in request.headers.items() if name.startswith("x-sandbox-")},
    }
    upstream = await _session[0].post(f"{UPSTREAM}/{request.path_params['path']}", data=body, headers=headers)

    async def relayed():
        async for chunk in upstream.content.iter_any():
            yield chunk
        upstream.release()

    return StreamingResponse(relayed(), upstream.status, media_type=upstream.headers.get("Content-Type"))


application = Starlette(routes=[Route("/api/v1/{path:path}", forward, methods=["POST"])])
