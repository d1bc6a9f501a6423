"""The door of `gateway`: one inference request, from its plan to its bill.

`pieces` reads as the story: plan, admit, search the web if the request asks for it, open, relay, settle. Every way in
(API, chat) goes through it, so there is one routing, one metering and one bill.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from common.clock import utc_now
from common.errors import ApiError, TemporarilyUnavailable
from common.telemetry import logs, metrics
from gateway.accounting import settlement
from gateway.accounting.holds import free_admission
from gateway.accounting.metering import Meter
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.providers.failures import ProviderFailure, about_own_key, failed_event
from gateway.routing import catalogue_cache, health
from gateway.routing.provider_keys import KEY_STATUSES
from gateway.routing.unavailable import unavailable_models
from gateway.steps.additions import with_additions
from gateway.steps.contents import ContentQueue
from gateway.steps.contents import queue as content_queue
from gateway.steps.preparation import PreparedRequest, prepare
from gateway.steps.presets import with_preset
from gateway.steps.relay import Relay, open_relay
from gateway.steps.running import RunningRequests
from models_catalog.catalog import Catalogue

from . import web_search
from .callers import Caller, chat_caller, key_caller
from .events import Begun, Delta, Event, Finished, Piece, one_by_one
from .response_cache import StoredResponse

__all__ = [
    "Caller",
    "ChatRequest",
    "InferenceService",
    "chat_caller",
    "key_caller",
    "parse",
    "service",
    "stream",
    "unavailable_models",
    "with_preset",
]

log = logging.getLogger(__name__)


class InferenceService:
    """Serves inference requests.

    `drain_seconds` is how long an abandoned stream is read to learn its usage; `clock` gives seconds that only rise.
    """

    def __init__(
        self,
        *,
        settlements: settlement.SettlementQueue = settlement.queue,
        contents: ContentQueue = content_queue,
        health: health.HealthTracker = health.tracker,
        catalogue: Callable[[], Awaitable[Catalogue]] = catalogue_cache.catalogue,
        clock: Callable[[], float] = time.monotonic,
        drain_seconds: float = 300.0,
    ) -> None:
        self._health = health
        self._catalogue = catalogue
        self._clock = clock
        self._running = RunningRequests(settlements, contents, health, drain_seconds)
        self._refuses_new = False

    # --- The process

    def start(self) -> None:
        """Start the heartbeat and the exchange of endpoint health, which otherwise begin with the first request."""
        self._running.start()

    def refuse_new(self) -> None:
        """Refuse every request from now on: the process is stopping."""
        self._refuses_new = True

    @property
    def is_serving(self) -> bool:
        """Whether requests are running or being settled."""
        return bool(self._running)

    async def drain(self) -> None:
        """Wait until every request is settled, at most SHUTDOWN_SECONDS."""
        await self._running.drain()

    # --- A request

    def stream(self, caller: Caller, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """The events of `pieces`."""
        return one_by_one(self.pieces(caller, request))

    async def pieces(
        self, caller: Caller, request: ChatRequest, on_first_token: Callable[[Begun], None] = lambda begun: None
    ) -> AsyncGenerator[Piece, None]:
        """Yield the response: Started, Deltas, Finished or Failed, Billed. The caller is charged exactly once.

        Of a request that does not stream, Started comes when a provider has finished; `on_first_token` is called when
        one has begun, and again for the next one if the response breaks off.
        Billed is missing if the database is away: then the caller is charged when it is back.
        Before Started it raises ApiError: 400, 403, 404 and 429 from planning, 401, 402, 429 and 503 from admission,
        502 from a web search, the last provider's error when none responded. Closing the generator ends the response
        and settles it.
        """
        prepared = await self._prepare(caller, request)
        meter = self._meter(caller, prepared)
        await self._running.admit(meter, prepared.admission(meter.generation))
        relay: Relay | None = None
        try:
            request, sources = await _search(prepared, meter)
            relay = await open_relay(
                meter.plan,
                request,
                caller,
                meter,
                health=self._health,
                clock=self._clock,
                on_first_token=on_first_token,
            )
            meter.service_tier = relay.stream.service_tier
            started = meter.started(relay.attempt, relay.first_token_at, relay.seconds, relay.stream.system_fingerprint)
            yield [web_search.announced(started, sources) if sources else started]
            async with aclosing(with_additions(relay.pieces(), request, sources)) as pieces:
                async for piece in pieces:
                    meter.record(piece)
                    yield piece
        except ProviderFailure as failure:  # after the first token: report it, do not retry
            if relay is not None:
                if not relay.attempt.own or failure.status not in KEY_STATUSES:
                    self._health.record_failure(relay.attempt.key, 502)
                failure = about_own_key(failure, relay.attempt)
                log.warning("%s broke off its response (%d)", relay.attempt.endpoint.tag, failure.status)
            failed = meter.stream_failed(failed_event(failure))
            metrics.ERRORS.labels(failed.error_type).inc()
            yield [failed]
        except BaseException as error:
            _record_error(meter, error)
            raise
        finally:
            settling = await self._running.end(meter, relay, prepared.conversation)
        if settling.done():
            yield [meter.billed(settling.result())]

    async def replay(
        self, caller: Caller, request: ChatRequest, response: StoredResponse[Delta | Finished]
    ) -> AsyncGenerator[Piece, None]:
        """Yield a stored response to the same request, as `pieces` would. No provider is asked; nothing is charged.

        The replay counts as a request: whatever refuses a request before a provider is asked refuses it too. It needs
        no balance.
        """
        meter = self._meter(caller, prepared := await self._prepare(caller, request))
        await self._running.admit(meter, free_admission(meter.generation))
        try:
            yield [meter.replayed(response)]
            meter.record(response.events)
            yield response.events
        except BaseException as error:
            _record_error(meter, error)
            raise
        finally:
            settling = await self._running.end(meter, None, prepared.conversation)
        if settling.done():
            yield [meter.billed(settling.result())]

    # --- Their steps

    async def _prepare(self, caller: Caller, request: ChatRequest) -> PreparedRequest:
        logs.bind(account=caller.account_id)
        if self._refuses_new:
            raise TemporarilyUnavailable(
                "This server is restarting. Try again in a moment.", headers={"Retry-After": "5"}
            )
        prepared = await prepare(caller, request, await self._catalogue(), self._health.snapshot())
        logs.bind(model=prepared.plan.attempts[0].model.id)
        return prepared

    def _meter(self, caller: Caller, prepared: PreparedRequest) -> Meter:
        meter = Meter(
            caller,
            prepared.request,
            prepared.plan,
            prompt_bound=prepared.prompt_bound,
            images=prepared.images,
            clock=self._clock,
        )
        meter.counted_tokens = prepared.counted_tokens
        return meter


async def _search(prepared: PreparedRequest, meter: Meter) -> tuple[ChatRequest, list[web_search.Result]]:
    """(the request with the search results in its prompt, the results); unchanged and empty without a search."""
    request, search = prepared.request, prepared.search
    if search is None:
        return request, []
    found = await search.run(meter.caller.sandbox_headers)
    messages = web_search.with_results(request.messages, found, search.options, utc_now().date())
    request = msgspec.structs.replace(request, messages=messages)
    meter.record_search(search.engine.name, search.query, len(found), search.price, request)
    return request, found


def _record_error(meter: Meter, error: BaseException) -> None:
    """Record the error or the departure that ends the request; an ApiError gets the request's metadata."""
    if isinstance(error, ApiError):
        meter.request_failed(error)
        if error.status >= 500:
            log.warning("no provider responded: %d %s", error.status, error.error_type)
        error.routing = meter.routing()
        error.headers.setdefault("X-Generation-Id", meter.generation.id)
    elif isinstance(error, asyncio.CancelledError | GeneratorExit):
        meter.cancelled = True
    elif isinstance(error, Exception):
        meter.request_failed(error)


#: This process's service, and the response of a request, event by event.
service = InferenceService()
stream = service.stream
