"""Inference over HTTP: bytes in, one JSON response or a stream of server-sent events out.

This is the hot path; Django serves every other path.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.clock import utc_now
from common.errors import ApiError, MethodNotAllowed
from common.money import PicoUsd
from common.naming.ids import generation_id
from common.telemetry import logs, metrics
from common.web import cors
from common.web.bodies import read_body
from gateway.protocols.table import (
    CHAT_COMPLETIONS,
    COMPLETIONS,
    EMBEDDINGS,
    MESSAGES,
    RERANK,
    RESPONSES,
    CallerProtocol,
)
from gateway.tokens.bounds import count_file_tokens, estimate_tokens
from keys.authentication import authenticate, require_inference, secret_in

from . import completions, response_cache
from .events import Begun, Billed, Event, Failed, Piece, Started, Usage
from .http_responses import (
    STREAM_HEADERS,
    EventStream,
    LargeResponse,
    PatientResponse,
    generation_begun,
    logged,
    noting_first,
)
from .response_cache import CachedExchange
from .steps import attribution

__all__ = ["PATHS", "Application", "application", "refusal"]

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder(decimal_format="number").encode

_CORS = cors.HEADERS
_PREFLIGHT = cors.preflight("POST, OPTIONS")
#: Anthropic's way to ask for the size of a prompt. Nothing is held or charged.
COUNT_TOKENS = "/api/v1/messages/count_tokens"


class Application:
    """The ASGI application for inference; `service` is injectable for tests.

    A few paths need no router, and every error is turned into a response here: Starlette's own layers would add a tenth
    to the cost of a request.
    """

    def __init__(self, service: completions.InferenceService = completions.service) -> None:
        self._service = service
        self._protocols = {
            "/api/v1/chat/completions": CHAT_COMPLETIONS,
            "/api/v1/completions": COMPLETIONS,
            "/api/v1/messages": MESSAGES,
            COUNT_TOKENS: MESSAGES,
            "/api/v1/responses": RESPONSES,
            "/api/v1/embeddings": EMBEDDINGS,
            "/api/v1/rerank": RERANK,
        }

    @property
    def paths(self) -> frozenset[str]:
        """The paths that this application serves."""
        return frozenset(self._protocols)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to one of `paths`."""
        protocol = self._protocols[scope["path"]]
        if scope["method"] == "OPTIONS":
            response: ASGIApp = Response(status_code=204, headers=_PREFLIGHT)
        elif scope["method"] == "POST":
            response = await self._respond(scope, receive, protocol)
        else:
            response = _wrong_method(scope["method"], protocol)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, protocol: CallerProtocol) -> ASGIApp:
        asked: completions.ChatRequest | None = None
        path, headers = scope["path"], _headers(scope)
        try:
            client = scope.get("client")
            identity = await authenticate(
                headers.get("authorization"), headers.get("x-api-key"), address=client[0] if client else None
            )
            require_inference(identity)
            body = await read_body(scope, receive, settings.MAX_REQUEST_BYTES)
            asked = protocol.parse(body)  # known before its preset, whose absence is refused in the protocol's shape
            asked = await completions.with_preset(identity.organisation_id, asked)
            if path == COUNT_TOKENS:
                files = 0 if asked.has_texts_only else count_file_tokens(asked.messages)
                return _json({"input_tokens": estimate_tokens(asked.messages, asked.body).likely + files})
            if not asked.session_id and (session := headers.get("x-session-id", "")[:256]):
                asked = msgspec.structs.replace(asked, session_id=session)
            caller = await completions.key_caller(identity, **_details(headers))
            attribution.note(identity.organisation_id, caller.app, headers.get("x-openrouter-categories"))
            cached = _cached(path, headers, caller, asked, body)
            if asked.stream:
                pieces = await self._pieces(caller, asked, cached)
                (first,) = await anext(pieces)
                assert isinstance(first, Started)
                return EventStream(first, pieces, asked, protocol, cached.headers if cached else {})
            return await self._whole(caller, asked, protocol, cached)
        except ApiError as error:
            metrics.ERRORS.labels(error.error_type).inc()
            kind = error.metadata.get("error_type", error.error_type)
            if asked is not None and kind in protocol.incomplete_errors:
                return _incomplete(asked, protocol, error, kind)
            return _json(protocol.error(error), protocol.status(error), error.headers)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            answer = logged(error, "inference failed")
            metrics.ERRORS.labels(answer.error_type).inc()
            return _json(protocol.error(answer), protocol.status(answer), answer.headers)

    async def _pieces(
        self,
        caller: completions.Caller,
        request: completions.ChatRequest,
        cached: CachedExchange | None,
        on_first_token: Callable[[Begun], None] = lambda begun: None,
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of the response: a stored one again, or a new one, which is stored if the request asks for it."""
        if cached is not None and (stored := await cached.find()) is not None:
            return self._service.replay(caller, request, stored)
        pieces = self._service.pieces(caller, request, on_first_token)
        return cached.recorded(pieces) if cached is not None else pieces

    async def _whole(
        self,
        caller: completions.Caller,
        request: completions.ChatRequest,
        protocol: CallerProtocol,
        cached: CachedExchange | None,
    ) -> Response | PatientResponse:
        """The response in one piece. One that takes long shows signs of life as soon as a provider has begun."""
        begun: asyncio.Future[Begun] = asyncio.get_running_loop().create_future()
        pieces = await self._pieces(caller, request, cached, noting_first(begun))
        headers = cached.headers if cached else {}
        context = contextvars.copy_context()
        gathering = asyncio.create_task(_gathered(protocol, request, pieces), context=context)
        generation = await generation_begun(gathering, begun)
        logs.bind(**context.run(logs.fields))  # the account and the model, for this request's later lines
        if generation:
            headers = {**_CORS, **headers, "X-Generation-Id": protocol.response_id(generation.generation_id)}
            return PatientResponse(gathering, generation, headers, partial(protocol.failed_reply, request))
        reply = gathering.result()
        headers = {**headers, "X-Generation-Id": reply["id"]}
        return LargeResponse(*protocol.in_parts(reply), headers) if protocol.in_parts else _json(reply, headers=headers)


async def _gathered(
    protocol: CallerProtocol, request: completions.ChatRequest, pieces: AsyncGenerator[Piece, None]
) -> dict[str, Any]:
    """The JSON object of the response. Raises what ends it before its first token."""
    async with aclosing(pieces):
        return protocol.gather(request, [event async for piece in pieces for event in piece])


def _headers(scope: Scope) -> dict[str, str]:
    """The request's headers; the first of those that have the same name. A lookup in Starlette's scans all of them."""
    return {name.decode("latin-1"): _text(value) for name, value in reversed(scope["headers"])}


def _text(value: bytes) -> str:
    """The text of a header: UTF-8, as programs send names of other languages, or else Latin-1, which fits any bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _cached(
    path: str, headers: Mapping[str, str], caller: completions.Caller, request: completions.ChatRequest, body: bytes
) -> CachedExchange | None:
    """The request's part in the response cache; None without the header, or if its account allows no retention."""
    if path not in response_cache.CACHED_PATHS:
        return None
    preset = request.preset.config if request.preset else {}
    options = response_cache.requested(
        headers, preset_enabled=preset.get("cache_enabled"), preset_ttl=preset.get("cache_ttl_seconds")
    )
    if options is None or caller.policy.keeps_nothing:
        return None
    secret = secret_in(headers.get("authorization"), headers.get("x-api-key"))
    model = caller.default_model or settings.DEFAULT_MODEL
    return CachedExchange(options, secret, path, body, request, model=model)


def _details(headers: Mapping[str, str]) -> dict[str, Any]:
    """The fields of Caller that come from the request's headers."""
    return {
        "app": headers.get("http-referer", headers.get("referer", "")).partition("?")[0].partition("#")[0][:200],
        "app_title": headers.get("x-openrouter-title", headers.get("x-title", ""))[:100],
        "user_agent": headers.get("user-agent", "")[:200],
        "wants_routing": "enabled"
        in {headers.get("x-openrouter-metadata"), headers.get("x-openrouter-experimental-metadata")},
        "sandbox_headers": {name: value for name, value in headers.items() if name.startswith("x-sandbox-")},
    }


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(body), status, headers={**_CORS, **(headers or {})}, media_type="application/json")


def _incomplete(
    request: completions.ChatRequest, protocol: CallerProtocol, error: ApiError, error_type: str
) -> Response:
    """The error as a response of status 200 that ended before its first token."""
    generation = error.headers.get("X-Generation-Id") or generation_id()
    created = int(utc_now().timestamp())
    events: tuple[Event, ...] = (
        Started(
            generation_id=generation, created=created, model=request.model or "", provider="", provider_slug="",
            simulated=False, routing=error.routing,
        ),
        Failed(status=error.status, message=error.message, error_type=error_type),
        Billed(usage=Usage(), cost=PicoUsd(0), balance=PicoUsd(0), latency_ms=0, duration_ms=0),  # clients need counts
    )  # fmt: skip
    headers = {"X-Generation-Id": protocol.response_id(generation)}
    if not request.stream:
        return _json(protocol.gather(request, events), headers=headers)
    encoder = protocol.encoder(request)
    body = b"".join(map(encoder.encode, events)) + encoder.end()
    return Response(body, headers={**_CORS, **STREAM_HEADERS, **headers})


def refusal(error: ApiError) -> Response:
    """Return the error as a response of this API."""
    return _json(error.envelope(), error.status, error.headers)


def _wrong_method(method: str, protocol: CallerProtocol) -> Response:
    error = MethodNotAllowed(f"Method {method} not allowed. Use POST.", headers={"Allow": "POST, OPTIONS"})
    return _json(protocol.error(error), error.status, error.headers)


application = Application()

#: The paths that this application serves; Django serves every other path.
PATHS = application.paths
