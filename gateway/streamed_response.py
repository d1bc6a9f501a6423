"""A response as server-sent events, until its end or until the client leaves."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from common.errors import ApiError, InternalError
from common.storage.outages import outage_of
from common.telemetry import logs
from common.web import cors
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.table import CallerProtocol

from .events import Event, Failed, Started

__all__ = ["STREAM_HEADERS", "EventStream", "logged"]

log = logging.getLogger(__name__)

#: Seconds of silence after which a comment keeps the connection open.
KEEP_ALIVE_SECONDS = 10.0

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream"}


class EventStream(StreamingResponse):
    """The rest of a response that has started. When the client leaves, closing the generator settles the request."""

    def __init__(
        self,
        first: Started,
        events: AsyncGenerator[Event, None],
        request: ChatRequest,
        protocol: CallerProtocol,
        headers: Mapping[str, str],
    ) -> None:
        self._events = events
        self._protocol = protocol
        self._encoder = protocol.encoder(request)
        self._beginning = self._encoder.encode(first)
        self._sent_at = time.monotonic()
        self._client_left = False
        identity = {"X-Generation-Id": protocol.response_id(first.generation_id)}
        headers = {**cors.HEADERS, **STREAM_HEADERS, **headers, **identity}
        super().__init__((), headers=headers)

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
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if self._beginning:
            await send({"type": "http.response.body", "body": self._beginning, "more_body": True})
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    if chunk := self._encoder.encode(event):
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
