"""Responses over HTTP: in one piece, in parts, or as server-sent events.

Signs of life for callers that do not stream are white space before the JSON, once a provider has begun to respond. Some
clients give up after a few seconds without a byte and send the request again, which costs them both. JSON allows white
space before its value. It is sent only after the first token, when a response is as certain as that of a stream: from
then on the status is 200, and a failure of every provider is told in the body.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from django.conf import settings
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from common.errors import ApiError, InternalError
from common.storage.outages import outage_of
from common.telemetry import logs, metrics
from common.web import cors
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.table import CallerProtocol

from .events import Begun, Failed, Piece, Started

__all__ = [
    "STREAM_HEADERS",
    "EventStream",
    "LargeResponse",
    "PatientResponse",
    "generation_begun",
    "logged",
    "noting_first",
]

log = logging.getLogger(__name__)

#: Seconds of silence after which a comment keeps the connection open.
KEEP_ALIVE_SECONDS = 10.0

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream"}

_encode = msgspec.json.Encoder(decimal_format="number").encode

Reply = dict[str, Any]


def noting_first(begun: asyncio.Future[Begun]) -> Callable[[Begun], None]:
    """A function that puts its first argument into the future."""

    def note(event: Begun) -> None:
        if not begun.done():
            begun.set_result(event)

    return note


async def generation_begun(gathering: asyncio.Task[Reply], begun: asyncio.Future[Begun]) -> Begun | None:
    """Wait for the reply; None when it is there. `begun` if SIGN_OF_LIFE_SECONDS pass and a provider has begun."""
    seconds = settings.SIGN_OF_LIFE_SECONDS
    try:
        await asyncio.wait({gathering}, timeout=seconds or None)
        if not gathering.done():
            either: set[asyncio.Future[Any]] = {gathering, begun}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        await _cancel(gathering)
        raise
    return None if gathering.done() else begun.result()


class LargeResponse(Response):
    """A JSON response that is written in parts."""

    def __init__(self, size: int, parts: Iterable[bytes], headers: Mapping[str, str]) -> None:
        self._parts = parts
        super().__init__(
            headers={**cors.HEADERS, **headers, "Content-Length": str(size)}, media_type="application/json"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class PatientResponse:
    """The reply when it is gathered; until then a line break every SIGN_OF_LIFE_SECONDS, the first one at once."""

    def __init__(
        self,
        gathering: asyncio.Task[Reply],
        generation: Begun,
        headers: dict[str, str],
        failed_reply: Callable[[Begun, ApiError], Reply],
    ) -> None:
        self._gathering = gathering
        self._generation = generation
        self._failed_reply = failed_reply
        # Proxies that buffer would keep the signs of life to themselves.
        headers = {**headers, "Content-Type": "application/json", "X-Accel-Buffering": "no"}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        try:
            while not self._gathering.done():
                await send({"type": "http.response.body", "body": b"\n", "more_body": True})
                await asyncio.wait({self._gathering}, timeout=settings.SIGN_OF_LIFE_SECONDS)
        except asyncio.CancelledError:
            await _cancel(self._gathering)
            raise
        await send({"type": "http.response.body", "body": _encode(self._reply()), "more_body": False})

    def _reply(self) -> Reply:
        try:
            return self._gathering.result()
        except ApiError as error:
            failure = error
        except Exception as error:
            # A full traceback could contain a prompt.
            log.error("a response failed while it was gathered: %s at %s", type(error).__name__, logs.place(error))
            failure = outage_of(error) or InternalError()
        metrics.ERRORS.labels(failure.error_type).inc()
        return self._failed_reply(self._generation, failure)


async def _cancel(gathering: asyncio.Task[Reply]) -> None:
    """Cancel the request and wait until it has been settled or handed to be settled."""
    gathering.cancel()
    await asyncio.wait({gathering})


class EventStream:
    """The rest of a response that has started. When the client leaves, closing the generator settles the request."""

    _HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in (cors.HEADERS | STREAM_HEADERS).items())

    def __init__(
        self,
        first: Started,
        pieces: AsyncGenerator[Piece, None],
        request: ChatRequest,
        protocol: CallerProtocol,
        headers: Mapping[str, str],
    ) -> None:
        self._pieces = pieces
        self._protocol = protocol
        self._encoder = protocol.encoder(request)
        self._beginning = self._encoder.encode(first)
        self._sent_at = time.monotonic()
        self._client_left = False
        headers = {**headers, "X-Generation-Id": protocol.response_id(first.generation_id)}
        own = ((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
        self._headers = [*self._HEADERS, *own]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One task beside the response, where Starlette has a group of two: thousands of streams are open at a time."""
        streaming = asyncio.current_task()
        assert streaming is not None
        watching = asyncio.create_task(self._watch(receive, send, streaming))
        try:
            await self.stream_response(send)
        except asyncio.CancelledError:
            if not self._client_left:
                raise
            streaming.uncancel()
        finally:
            watching.cancel()

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if self._beginning:
            await send({"type": "http.response.body", "body": self._beginning, "more_body": True})
        try:
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    if chunk := b"".join(map(self._encoder.encode, piece)):
                        self._sent_at = time.monotonic()
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except Exception as error:
            answer = logged(error, "a stream failed")
            failed = Failed(status=answer.status, message=answer.message, error_type=answer.error_type)
            await send({"type": "http.response.body", "body": self._encoder.encode(failed), "more_body": True})
        await send({"type": "http.response.body", "body": self._encoder.end(), "more_body": False})

    async def _watch(self, receive: Receive, send: Send, streaming: "asyncio.Task[Any]") -> None:
        """Send a comment after each KEEP_ALIVE_SECONDS of silence; cancel the response when the client leaves."""
        while not self._client_left:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    self._client_left = (await receive())["type"] == "http.disconnect"
            except TimeoutError:
                if time.monotonic() - self._sent_at >= KEEP_ALIVE_SECONDS:
                    await send({"type": "http.response.body", "body": self._protocol.keep_alive, "more_body": True})
        streaming.cancel()


def logged(error: Exception, what: str) -> ApiError:
    """The 503 or 500 that reports this error. Logs its type and place only: a full traceback could contain a prompt."""
    outage = outage_of(error)
    log.log(logging.WARNING if outage else logging.ERROR, "%s: %s at %s", what, type(error).__name__, logs.place(error))
    return outage or InternalError()
