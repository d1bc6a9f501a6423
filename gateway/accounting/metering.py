"""Metering: the counts, times and outcome of one request, recorded from its hold to its bill."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from common.clock import utc_now
from common.errors import ApiError
from common.money import PicoUsd
from common.naming.ids import generation_id
from gateway.callers import Caller
from gateway.content import Recording, recording_of
from gateway.events import Billed, Delta, Failed, Finished, Started, Usage
from gateway.models import Generation
from gateway.protocols.chat_completions.called_tools import CalledTools
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.response_cache import StoredResponse
from gateway.tokens.estimates import ResponseText, complete_usage
from gateway.uses import is_classified, use_of

from .holds import Admission
from .pricing import Part, cost_of, discounted, logging_discount, parts_of, prompt_and_completion, search_parts
from .routing_report import routing_report
from .rows import GenerationRow
from .settlement import Settled

if TYPE_CHECKING:
    from gateway.routing.plan import Attempt, Plan
    from models_catalog.catalog import EndpointEntry

__all__ = ["Meter"]

_API_TYPES = {"embeddings": Generation.ApiType.EMBEDDINGS.value, "rerank": Generation.ApiType.RERANK.value}


class Meter:
    """Follows one request from its hold to its bill and collects the columns of its Generation.

    `clock` gives seconds that only ever rise.
    """

    def __init__(
        self,
        caller: Caller,
        request: ChatRequest,
        plan: "Plan",
        *,
        prompt_bound: int,
        images: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caller = caller
        self.request = request
        self.plan = plan
        self.prompt_bound = prompt_bound  # tokens
        self.images = images
        self._max_tokens: int | None = None  # as sent to the provider
        self._own_max_tokens: int | None = None  # likewise, with the customer's own key
        self.counted_tokens = 0  # that count toward the key's tokens per minute already
        self.attempt: Attempt | None = None
        self.usage: Usage | None = None
        self.finish: Finished | None = None
        self.failure: tuple[int, str] | None = None  # HTTP status, error type
        self.cancelled = False
        self.upstream_id = ""
        self.service_tier = ""  # that the provider has served; empty: the one that it was asked for
        self.failed_attempts: list[tuple[Attempt, int, float]] = []  # with HTTP status and seconds
        self._clock = clock
        self._started_at = clock()
        self._first_token_at: float | None = None
        self._last_token_at: float | None = None
        self._response = ResponseText()
        self._called_tools = CalledTools(tools) if (tools := request.body.get("tools")) else None
        self._parts: list[Part] = []  # of the price, without the web search
        self._by_length = False  # the token estimate comes from text lengths only
        self._search_query = ""
        now = utc_now()
        self.generation = GenerationRow(
            id=generation_id(now.timestamp()),
            account_id=caller.account_id,
            key_id=caller.key_id,
            user_id=caller.user_id,
            source=caller.source,
            requested_model=plan.requested_model[:200],
            streamed=request.stream,
            created_at=now,
            app=caller.app,
            app_title=caller.app_title,
            user_agent=caller.user_agent,
            external_user=request.user[:128],
            session_id=request.session_id,
            preset_version_id=request.preset.version_id if request.preset else 0,
            images=images,
            api_type=_API_TYPES.get(request.task, Generation.ApiType.COMPLETIONS.value),
        )
        #: What is to be stored of the prompt and the response; None: nothing.
        self.content: Recording | None = recording_of(caller, request, self.generation.id)
        #: The request as it was sent, if its use is to be found; None: its text is not read for this.
        self._to_classify = request if is_classified(caller, request) else None

    # --- Recording, in the order in which things happen

    def admitted(self, admission: Admission) -> None:
        """Record the admission: how long the response may be, and whether only the caller's own keys may serve it."""
        self._max_tokens, self._own_max_tokens = admission.max_tokens, admission.own_max_tokens
        if admission.only_own and self.plan.own is not None:
            self.plan = self.plan.own

    def max_tokens_of(self, attempt: "Attempt") -> int | None:
        """The `max_tokens` to send with this attempt."""
        return self._own_max_tokens if attempt.own else self._max_tokens

    def record_search(
        self, engine: str, query: str, results: int, price: Mapping[str, str], request: ChatRequest
    ) -> None:
        """Record a web search, its price (decimal strings in USD) and the request that now contains its results."""
        self.request = request
        self._search_query = query
        self.generation.web_search_engine = engine
        self.generation.web_search_results = results
        self.generation.price = dict(price)

    def record_failed_attempt(self, attempt: "Attempt", status: int, seconds: float) -> None:
        """Record an attempt that failed with this HTTP status before its first token."""
        self.failed_attempts.append((attempt, status, seconds))

    def started(
        self, attempt: "Attempt", first_token_at: float, seconds: float, system_fingerprint: str | None = None
    ) -> Started:
        """Record the first token, which came `seconds` after the attempt began; returns the event for the client."""
        self.attempt = attempt
        self._first_token_at = first_token_at
        self._last_token_at = self._clock()
        self.generation.upstream_latency_ms = round(seconds * 1000)
        return Started(
            generation_id=self.generation.id,
            created=int(self.generation.created_at.timestamp()),
            model=attempt.model.id,
            provider=attempt.endpoint.provider_name,
            provider_slug=attempt.endpoint.provider,
            simulated=attempt.upstream.simulated,
            system_fingerprint=system_fingerprint,
            service_tier=self._served().service_tier or ("default" if self.request.service_tier else None),
            routing=self.routing(),
            web_search=self._search_query,
        )

    def replayed(self, response: StoredResponse[Delta | Finished]) -> Started:
        """Record that the response comes from the cache; returns the event for the client."""
        row = self.generation
        row.model, row.simulated, row.response_cache_source_id = response.model, response.simulated, response.source_id
        self._first_token_at = self._last_token_at = self._clock()
        return Started(
            generation_id=row.id,
            created=int(row.created_at.timestamp()),
            model=response.model,
            provider=response.provider,
            provider_slug=response.provider_slug,
            simulated=response.simulated,
            system_fingerprint=response.system_fingerprint,
        )

    def record(self, piece: Iterable[Delta | Finished]) -> None:
        """Record a piece of the response."""
        for event in piece:
            if self.content is not None:
                self.content.add(event)
            if isinstance(event, Finished):
                self.finish = event
                if event.finish_reason in {"length", "content_filter"}:
                    self._called_tools = None  # cut short, which says nothing about the endpoint
                continue
            self._last_token_at = self._clock()
            self._response.add(event)
            if event.tool_calls and self._called_tools is not None:
                self._called_tools.add(event)
            if event.images:
                self.generation.output_images += len(event.images)

    @property
    def has_sound_tools(self) -> bool | None:
        """Whether all tool calls of the response are of use to a program; None without calls or a proper end."""
        if self._called_tools is None or self.finish is None or self.failure or self.cancelled:
            return None
        return self._called_tools.are_sound()

    def stream_failed(self, failed: Failed) -> Failed:
        """Record that the response broke off after its first token; returns the event."""
        self.failure = (failed.status, failed.error_type)
        if self.content is not None:
            provider = self.attempt.endpoint.provider_name if self.attempt else None
            self.content.failed(failed.status, failed.message, {"provider_name": provider})
        return failed

    def request_failed(self, error: Exception) -> None:
        """Record that the request ended with an error instead of a response."""
        if not isinstance(error, ApiError):
            self.failure = (500, "server")
            return
        self.failure = (error.status, error.error_type)
        if self.content is not None:
            self.content.failed(error.status, error.message, error.metadata)

    def billed(self, settled: Settled) -> Billed:
        """The event that ends the response."""
        prompt_cost, completion_cost = prompt_and_completion(self._parts)
        return Billed(
            usage=self.usage or Usage(),
            cost=settled.cost,
            balance=settled.balance,
            latency_ms=self.generation.latency_ms or 0,
            duration_ms=self.generation.duration_ms or 0,
            web_searches=1 if self.generation.web_search_engine else 0,
            prompt_cost=prompt_cost,
            completion_cost=completion_cost,
            byok_cost=PicoUsd(self.generation.byok_cost) if self.generation.byok_key_id else None,
            discount=PicoUsd(self.generation.discount),
        )

    def routing(self) -> dict[str, Any] | None:
        """The router's decisions so far, for a caller that has asked for them; else None."""
        return routing_report(self) if self.caller.wants_routing else None

    # --- The bill

    async def count_tokens(self, usage: Usage | None) -> None:
        """Take the provider's token counts, and estimate those that it has not reported."""
        self.usage = usage
        if self.attempt is not None and (usage is None or usage.estimated):
            self.usage, self._by_length = await asyncio.to_thread(
                complete_usage,
                usage,
                self._response,
                self.request,
                self.attempt.model,
                self.attempt.endpoint,
                prompt_bound=self.prompt_bound,
                max_tokens=self.max_tokens_of(self.attempt),
            )

    def outcome(self) -> tuple[GenerationRow, PicoUsd]:
        """(the completed row, the request's full cost in pico-USD; on the customer's own key, without our fee).

        Tokens are free when the provider failed, and when it produced nothing and gave no finish reason. An empty
        response with a finish reason is charged. A web search is charged in any case.
        """
        row = self.generation
        usage = self.usage or Usage()
        row.finish_reason = "error" if self.failure else (self.finish.finish_reason if self.finish else "")
        row.native_finish_reason = (self.finish.native_finish_reason if self.finish else "")[:100]
        row.cancelled = self.cancelled
        row.error_status = self.failure[0] if self.failure else None
        row.failed_attempts = [_failed_attempt(*failed) for failed in self.failed_attempts]
        row.upstream_id = self.upstream_id[:200]
        if self._first_token_at is not None and self._last_token_at is not None:
            row.latency_ms = round((self._first_token_at - self._started_at) * 1000)
            row.duration_ms = round((self._last_token_at - self._started_at) * 1000)
        if self.attempt is None:
            return row, self._cost([])
        endpoint = self._served()
        row.model = self.attempt.model.id
        row.provider = endpoint.provider
        row.endpoint = endpoint.tag
        row.reason = self.attempt.reason
        row.simulated = self.attempt.upstream.simulated
        row.provider_key_id = self.attempt.upstream.key_id
        row.prompt_tokens = usage.prompt_tokens
        row.completion_tokens = usage.completion_tokens
        row.reasoning_tokens = usage.reasoning_tokens
        row.cached_tokens = usage.cached_tokens
        row.cache_write_tokens = usage.cache_write_tokens
        row.cache_write_1h_tokens = usage.cache_write_1h_tokens
        row.audio_tokens = usage.audio_tokens
        row.output_image_tokens = usage.image_tokens
        row.search_units = usage.search_units
        row.token_source = self._token_source(usage)
        if self._to_classify is not None and self.failure is None:
            row.use = use_of(self._to_classify)
        prices = endpoint.prices_for(usage.prompt_tokens)
        row.price = {**prices.charged, **row.price}
        empty = usage.completion_tokens == 0 and self.finish is None and not self.cancelled
        free = self.failure or empty
        self._parts = [] if free else parts_of(prices, usage, self.images, row.output_images)
        if self.attempt.own is None:
            return row, self._cost(self._parts)
        # The provider bills the customer. Settlement adds our fee, which depends on the month so far.
        row.byok_key_id = self.attempt.own.id
        row.byok_cost = cost_of(self._parts)
        return row, cost_of(search_parts(row.price, row.web_search_results))

    def _served(self) -> "EndpointEntry":
        """The endpoint whose price applies: a provider may serve a request for a tier as a standard one."""
        assert self.attempt is not None, "an attempt has succeeded"
        endpoint = self.attempt.endpoint
        if endpoint.service_tier and self.service_tier in {"default", "standard"}:
            return self.attempt.model.standard_endpoint(endpoint)
        return endpoint

    def _cost(self, parts: list[Part]) -> PicoUsd:
        """The cost of these parts of the response together with the web search before it."""
        row = self.generation
        parts = parts + search_parts(row.price, row.web_search_results)
        if not parts or self.content is None:
            return cost_of(parts)
        row.discount_basis_points = logging_discount()
        cost, row.discount = discounted(parts, row.discount_basis_points)
        return cost

    def _token_source(self, usage: Usage) -> str:
        sources = Generation.TokenSource
        if not usage.estimated:
            return sources.PROVIDER
        return sources.LENGTH if self._by_length else sources.ESTIMATE


def _failed_attempt(attempt: "Attempt", status: int, seconds: float) -> dict[str, Any]:
    failed = {
        "endpoint": attempt.endpoint.tag,
        "provider": attempt.endpoint.provider,
        "model": attempt.model.id,
        "status": status,
        "latency_ms": round(seconds * 1000),
        "reason": attempt.reason,
    }
    return failed | {"is_byok": True} if attempt.own else failed
