"""Relaying: open the first provider stream that yields a token, and read it.

A caller that does not stream gets the response of the first provider that finishes one: until then nothing has been
sent, so that the next provider is asked even when a response breaks off in the middle.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from django.conf import settings

from gateway.accounting.metering import Meter
from gateway.callers import Caller
from gateway.events import Begun, Delta, Finished, joined
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers import Patience, ProviderResponse, open_stream, patience
from gateway.providers.failures import ProviderFailure, about_own_key, api_error, refuses_streams, retry_delay
from gateway.routing.health import HealthTracker
from gateway.routing.plan import Attempt, Plan
from gateway.routing.provider_keys import KEY_STATUSES, ring

__all__ = ["Relay", "open_relay"]

log = logging.getLogger(__name__)

Piece = list[Delta | Finished]


class Relay:
    """A provider's response, read piece by piece. A piece is a list of events: those that arrived together.

    Cancelling a read loses nothing: the cost of a response is known only at its end, so that one whose caller leaves is
    read on.
    """

    def __init__(self, attempt: Attempt, stream: ProviderResponse) -> None:
        self.attempt = attempt
        self.stream = stream
        self.seconds = 0.0  # from opening to the first token
        self.first_token_at = 0.0  # on the clock of the service
        self._first: Piece | None = None
        self._ends_at = time.monotonic() + settings.PROVIDER_TOTAL_SECONDS

    async def wait_for_first(self) -> None:
        """Wait for the first piece, or for the end of an empty response. Raises ProviderFailure."""
        self._first = await self._next()

    async def gather(self) -> None:
        """Wait for the end of the response, which then is one piece.

        Raises ProviderFailure when it breaks off, stops for PROVIDER_IDLE_SECONDS or has a text that cannot be read.
        """
        if self._first is None:
            return
        rest: Piece = []
        while True:
            so_far = len(rest)
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.PROVIDER_IDLE_SECONDS):
                    while (piece := await self._next()) is not None:
                        rest += piece
                    break
            if len(rest) == so_far:
                raise ProviderFailure(504, "The provider stopped responding.", error_type="timeout")
        if self.stream.skipped:
            raise ProviderFailure(502, "The provider sent an invalid response.")
        self._first = joined(self._first + rest)

    @property
    def is_refusal(self) -> bool:
        """Whether the response so far is only that the model, or its filter, refuses to give one."""
        refuses = False
        for event in self._first or ():
            if isinstance(event, Finished):
                refuses = refuses or event.finish_reason == "content_filter"
            elif event.text or event.tool_calls or event.images:
                return False
            else:
                refuses = refuses or bool(event.refusal)
        return refuses

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Every piece up to the end. Raises ProviderFailure when the response breaks off."""
        piece = self._first
        while piece is not None:
            yield piece
            piece = await self._next()

    async def drain(self) -> AsyncGenerator[Piece, None]:
        """The remaining pieces of an abandoned response, up to its end or its first failure."""
        try:
            while (piece := await self._next()) is not None:
                yield piece
        except ProviderFailure as failure:
            log.info("%s broke off an abandoned response (%d)", self.attempt.endpoint.tag, failure.status)

    async def close(self) -> None:
        """Close the connection."""
        await self.stream.close()

    async def _next(self) -> Piece | None:
        """The next piece; None at the end. The time that the whole response may take is looked at when some arrives."""
        while True:
            try:
                piece = await self.stream.next_batch()
            except ProviderFailure:
                raise
            except Exception as error:
                log.error("reading from %s failed: %s", self.attempt.endpoint.tag, type(error).__name__)
                raise ProviderFailure(502, "The provider's response could not be read.") from None
            if piece is None:
                return None
            if time.monotonic() > self._ends_at:
                raise ProviderFailure(504, "The provider took too long to finish.", error_type="timeout")
            if piece:
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
    on_first_token: Callable[[Begun], None] = lambda begun: None,
) -> Relay:
    """The first attempt of the plan that yields a token, or a whole response for a caller that does not stream.

    The failures before it are recorded. `on_first_token` is called when gathering a response begins.
    When every provider is rate limited and says to come back soon, all are tried once more. Raises ApiError when no
    attempt succeeds.
    """
    opening = _Opening(plan, request, caller, meter, health, clock, on_first_token)
    for last_round in (False, True):
        for attempt in plan.attempts:
            if (relay := await opening.try_keys(attempt)) is not None:
                return relay
        pause = retry_delay([failure for _, failure in opening.failures])
        if last_round or pause is None:
            break
        await asyncio.sleep(pause)
    raise api_error(opening.failures, [attempt.model.id for attempt in plan.attempts], request.messages)


class _Opening:
    """The attempts of one request, and the failures so far: (name of the provider, failure) in order."""

    def __init__(
        self,
        plan: Plan,
        request: ChatRequest,
        caller: Caller,
        meter: Meter,
        health: HealthTracker,
        clock: Callable[[], float],
        on_first_token: Callable[[Begun], None],
    ) -> None:
        self._plan = plan
        self._request = request
        self._caller = caller
        self._meter = meter
        self._health = health
        self._clock = clock
        self._on_first_token = on_first_token
        self.failures: list[tuple[str, ProviderFailure]] = []

    async def try_keys(self, attempt: Attempt) -> Relay | None:
        """The endpoint's response, through one key after the other while the provider refuses the key; None without.

        An endpoint whose keys are all cooling down is not called: that counts as its rate limit.
        """
        upstream = attempt.upstream
        provider = upstream.ring_name(attempt.endpoint.provider)
        model = attempt.endpoint.provider_model_id + attempt.endpoint.service_tier  # tiers have limits of their own
        tried: list[int] = []
        failure: ProviderFailure | None = None
        while key := ring.choose(provider, upstream.keys, model, tried=tried, draw=self._plan.stable_draw):
            tried.append(key.id)
            began = self._clock()
            try:
                return await self._open(attempt.with_key(key), began)
            except ProviderFailure as refusal:
                failure = about_own_key(refusal, attempt)
                self._record(attempt, failure, self._clock() - began)
                if failure.status not in KEY_STATUSES or upstream.simulated:
                    break
                ring.refused(provider, key.id, model, failure.status, failure.retry_after)
        if failure is None:
            due = ring.seconds_until_due(provider, upstream.keys)
            failure = ProviderFailure(429, "", error_type="rate_limit_exceeded", retry_after=due)
            self._record(attempt, about_own_key(failure, attempt), 0.0)
        elif attempt.own and failure.status in KEY_STATUSES:
            pass  # it is about the customer's account: it says nothing about the endpoint
        elif failure.moderation is None:  # moderation is about the prompt: it says nothing about the endpoint
            self._health.record_failure(attempt.key, failure.status)
        return None

    async def _open(self, attempt: Attempt, began: float) -> Relay:
        """The response that was asked for at `began`. Raises ProviderFailure when there is none, or none in time."""
        is_last = attempt.key == self._plan.attempts[-1].key
        asked = patience(
            self._request, attempt, self._meter.max_tokens_of(attempt), self._health.snapshot, is_last=is_last
        )
        try:
            return await self._ask(attempt, asked, began)
        except ProviderFailure as failure:
            if self._request.stream or not asked.streamed or not refuses_streams(failure):
                raise
        whole = Patience(streamed=False, seconds=settings.PROVIDER_WHOLE_SECONDS)
        return await self._ask(attempt, whole, began)

    async def _ask(self, attempt: Attempt, asked: Patience, began: float) -> Relay:
        relay: Relay | None = None
        gathers = asked.streamed and not self._request.stream
        try:
            async with asyncio.timeout(asked.seconds):
                max_tokens = self._meter.max_tokens_of(attempt)
                stream = await open_stream(self._request, attempt, self._caller, max_tokens, asked)
                relay = Relay(attempt, stream)
                await relay.wait_for_first()
            relay.first_token_at = self._clock()
            relay.seconds = relay.first_token_at - began
            if gathers:
                self._on_first_token(Begun(self._meter.generation.id, attempt.model.id))
                await relay.gather()
            if self._plan.attempts[-1].model is not attempt.model and relay.is_refusal:
                raise ProviderFailure(400, "The model refused to respond.", error_type="refusal")
        except BaseException as error:
            if relay is not None:
                await relay.close()
            if isinstance(error, TimeoutError):
                raise ProviderFailure(504, "", error_type="timeout") from error
            raise
        return relay

    def _record(self, attempt: Attempt, failure: ProviderFailure, seconds: float) -> None:
        self._meter.record_failed_attempt(attempt, failure.status, seconds)
        tag, model = attempt.endpoint.tag, attempt.model.id
        log.info("%s failed for %s with %d after %.2f s", tag, model, failure.status, seconds)
        self.failures.append((attempt.endpoint.provider_name, failure))
