"""Relaying: open the first provider stream that yields a token, and read it in a task of its own.

The reading task is separate from the caller's so that a caller that leaves does not interrupt a read: the cost of a
response is known only at its end.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable

from django.conf import settings

from gateway.accounting.metering import Meter
from gateway.callers import Caller
from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers import ProviderStream, open_stream
from gateway.providers.failures import ProviderFailure, api_error, retry_delay
from gateway.routing.health import HealthTracker
from gateway.routing.plan import Attempt, Plan

__all__ = ["Relay", "open_relay"]

log = logging.getLogger(__name__)

#: Pieces that are queued for a slow caller before reading from the provider pauses.
MAX_QUEUED_PIECES = 512

Piece = list[Delta | Finished]


class Relay:
    """A provider stream and the task that reads it. A piece is a list of events: those of one network packet."""

    def __init__(self, attempt: Attempt, stream: ProviderStream) -> None:
        self.attempt = attempt
        self.stream = stream
        self.seconds = 0.0  # from opening to the first token
        self._first: Piece | None = None
        # None and ProviderFailure both mark the end.
        self._pieces: asyncio.Queue[Piece | ProviderFailure | None] = asyncio.Queue(MAX_QUEUED_PIECES)
        self._reader = asyncio.create_task(self._read())

    async def wait_for_first(self) -> None:
        """Wait for the first piece, or for the end of an empty response. Raises ProviderFailure."""
        self._first = await self._next()

    async def events(self) -> AsyncGenerator[Delta | Finished, None]:
        """Every event up to the end. Raises ProviderFailure when the response breaks off."""
        piece = self._first
        while piece is not None:
            for event in piece:
                yield event
            piece = await self._next()

    async def drain(self) -> AsyncGenerator[Delta | Finished, None]:
        """The remaining events of an abandoned response, up to its end or its first failure."""
        try:
            while (piece := await self._next()) is not None:
                for event in piece:
                    yield event
        except ProviderFailure as failure:
            log.info("%s broke off an abandoned response (%d)", self.attempt.endpoint.tag, failure.status)

    async def close(self) -> None:
        """Stop reading and close the connection."""
        if not self._reader.done():
            self._reader.cancel()
            await asyncio.wait({self._reader})
        await self.stream.close()

    async def _read(self) -> None:
        end: ProviderFailure | None = None
        try:
            async with asyncio.timeout(settings.PROVIDER_TOTAL_SECONDS):
                async for piece in self.stream.batches():
                    await self._pieces.put(piece)
        except ProviderFailure as failure:
            end = failure
        except TimeoutError:
            end = ProviderFailure(504, "The provider took too long to finish.", error_type="timeout")
        except Exception as error:
            log.error("reading from %s failed: %s", self.attempt.endpoint.tag, type(error).__name__)
            end = ProviderFailure(502, "The provider's response could not be read.")
        await self._pieces.put(end)

    async def _next(self) -> Piece | None:
        piece = await self._pieces.get()
        if isinstance(piece, ProviderFailure):
            raise piece
        return piece


# --- Opening ----------------------------------------------------------------------------------------


async def open_relay(
    plan: Plan,
    request: ChatRequest,
    caller: Caller,
    meter: Meter,
    *,
    health: HealthTracker,
    clock: Callable[[], float] = time.monotonic,
) -> Relay:
    """The first attempt of the plan that yields a token; the failures before it are recorded.

    When every provider is rate limited and says to come back soon, all are tried once more. Raises ApiError when no
    attempt succeeds.
    """
    failures: list[tuple[str, ProviderFailure]] = []
    for last_round in (False, True):
        for attempt in plan.attempts:
            began = clock()
            try:
                relay = await _open(attempt, request, caller, meter.max_tokens)
            except ProviderFailure as failure:
                seconds = clock() - began
                meter.record_failed_attempt(attempt, failure.status, seconds)
                if failure.moderation is None:  # moderation is about the prompt: it says nothing about the endpoint
                    health.record_failure(attempt.key, failure.status)
                log.info("%s failed with %d after %.2f s", attempt.endpoint.tag, failure.status, seconds)
                failures.append((attempt.endpoint.provider_name, failure))
            else:
                relay.seconds = clock() - began
                return relay
        pause = retry_delay([failure for _, failure in failures])
        if last_round or pause is None:
            break
        await asyncio.sleep(pause)
    raise api_error(failures, [attempt.model.id for attempt in plan.attempts], request.messages)


async def _open(attempt: Attempt, request: ChatRequest, caller: Caller, max_tokens: int | None) -> Relay:
    """The response once its first token is here. Raises ProviderFailure when there is none, or none in time."""
    relay: Relay | None = None
    seconds = settings.PROVIDER_FIRST_TOKEN_SECONDS if request.stream else settings.PROVIDER_WHOLE_SECONDS
    try:
        async with asyncio.timeout(seconds):
            relay = Relay(attempt, await open_stream(request, attempt, caller, max_tokens))
            await relay.wait_for_first()
    except BaseException as error:
        if relay is not None:
            await relay.close()
        if isinstance(error, TimeoutError):
            raise ProviderFailure(504, "", error_type="timeout") from error
        raise
    return relay
