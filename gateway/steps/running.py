"""The requests of this process from their admission to their bill: those that run, and those that are being settled.

A settlement outlives the request that caused it, so that a caller that leaves is charged like any other.
"""

import asyncio
import logging
from typing import Any

from django.conf import settings

from common.errors import ApiError
from common.telemetry import logs
from gateway.accounting import settlement
from gateway.accounting.metering import Meter
from gateway.routing.affinity import Conversation
from gateway.routing.health import HealthTracker
from keys.rules import rates

from .contents import ContentQueue
from .relay import Relay

__all__ = ["RunningRequests"]

log = logging.getLogger(__name__)

#: Seconds that a complete response waits for its bill. The charge itself waits as long as the database is away.
MAX_BILL_WAIT = 10.0


class RunningRequests:
    """Admits requests and settles each of them once. `drain_seconds` is how long an abandoned stream is read."""

    def __init__(
        self,
        settlements: settlement.SettlementQueue,
        contents: ContentQueue,
        health: HealthTracker,
        drain_seconds: float,
    ) -> None:
        self._settlements = settlements
        self._contents = contents
        self._health = health
        self._drain_seconds = drain_seconds
        #: Requests that hold credits and are not being settled yet.
        self._running: set[Meter] = set()
        #: Settlements under way.
        self._settling: set[asyncio.Task[Any]] = set()
        #: The deadlines of abandoned streams that are still read.
        self._drain_deadlines: set[asyncio.Timeout] = set()

    def __bool__(self) -> bool:
        """Whether any request is running or being settled."""
        return bool(self._running or self._settling)

    def start(self) -> None:
        """Start the heartbeat and the exchange of endpoint health, which otherwise begin with the first request."""
        self._settlements.start()

    async def drain(self) -> None:
        """Wait until every request is settled, at most SHUTDOWN_SECONDS; then end the writer's thread.

        The server has cancelled the requests that were still running, and some take a moment to notice. Abandoned
        streams are read for half of the time, then billed by what they have sent.
        """
        now = asyncio.get_running_loop().time
        middle, end = now() + settings.SHUTDOWN_SECONDS / 2, now() + settings.SHUTDOWN_SECONDS
        while self and now() < end:
            for deadline in self._drain_deadlines:
                if (when := deadline.when()) is None or when > middle:
                    deadline.reschedule(middle)
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self._settlements.close)
        await asyncio.to_thread(self._contents.close)

    async def admit(self, meter: Meter, operation: settlement.Admit) -> None:
        """Hold credits for the request. If the caller leaves before it is written, it is released afterwards."""
        admitting = self._settlements.admit(operation)
        try:
            admission = await asyncio.shield(admitting)
        except asyncio.CancelledError:
            meter.cancelled = True
            self._track(asyncio.create_task(self._release(meter, admitting)))
            raise
        meter.admitted(admission)
        self._running.add(meter)

    async def _release(self, meter: Meter, admitting: "asyncio.Future[settlement.Admission]") -> None:
        """Settle a request that was abandoned during its admission, unless it was refused."""
        try:
            await admitting
        except ApiError:
            return
        await self._settle(meter, None, None)

    async def end(
        self, meter: Meter, relay: Relay | None, conversation: Conversation
    ) -> "asyncio.Task[settlement.Settled]":
        """Settle the request, and wait for its bill unless the caller has left."""
        settling = asyncio.create_task(self._settle(meter, relay, conversation))
        self._track(settling)
        self._running.discard(meter)
        if not meter.cancelled:
            await asyncio.wait([settling], timeout=MAX_BILL_WAIT)
        return settling

    async def _settle(self, meter: Meter, relay: Relay | None, conversation: Conversation | None) -> settlement.Settled:
        """End the response and charge it."""
        if relay is not None:
            if meter.cancelled and not relay.stream.finished:
                await self._drain_relay(meter, relay)
            await relay.close()
            await meter.count_tokens(relay.stream.usage)
            meter.upstream_id = relay.stream.upstream_id
            meter.service_tier = relay.stream.service_tier
        generation, cost = meter.outcome()
        if relay is not None and meter.finish is not None:
            if meter.failure is None and conversation is not None and meter.usage is not None:
                conversation.succeeded(relay.attempt.model.id, relay.attempt.endpoint, meter.usage)
            # Counted from the opening of this endpoint: a web search and failed attempts before it are not its time.
            streaming = ((generation.duration_ms or 0) - (generation.latency_ms or 0)) / 1000
            self._health.record_success(
                relay.attempt.key, relay.seconds * 1000, generation.completion_tokens, relay.seconds + streaming
            )
            if (sound := meter.has_sound_tools) is not None:
                self._health.record_tool_calls(relay.attempt.key, sound=sound)
        settled = await self._settlements.settle(settlement.Settle(generation=generation, cost=cost))
        if meter.content is not None:  # beside the bill, which does not wait for it
            self._track(asyncio.create_task(self._contents.keep(meter.content, generation)))
        if relay is not None and (restrictions := meter.caller.restrictions) is not None:
            tokens = generation.prompt_tokens + generation.completion_tokens
            await rates.add_tokens(restrictions, tokens - meter.counted_tokens)
        return settled

    async def _drain_relay(self, meter: Meter, relay: Relay) -> None:
        """Read on in an abandoned stream: what has arrived, and all of it if its provider cannot be told to stop.

        The provider bills both.
        """
        seconds = 0.0 if relay.attempt.endpoint.supports_cancel else self._drain_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                self._drain_deadlines.add(deadline)
                async for piece in relay.drain():
                    meter.record(piece)
        except TimeoutError:
            if seconds:
                log.info("%s did not finish an abandoned response", relay.attempt.endpoint.tag)
        finally:
            self._drain_deadlines.discard(deadline)

    def _track(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Keep the task alive until it has ended, and log its failure."""
        self._settling.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: asyncio.Task[Any]) -> None:
        self._settling.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a request could not be settled: %s at %s", type(error).__name__, logs.place(error))
