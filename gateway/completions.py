"""The door of `gateway`: one inference request, from the first look to the bill.

`stream()` is the story: plan, admit, search the web if asked to, open, relay, settle. Every way in (API, chatroom)
goes through it, so there is one routing, one metering and one bill.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from django.conf import settings

from common.clock import utc_now
from common.errors import ApiError, RateLimited
from common.money import PICO_PER_USD, PicoUsd
from gateway.accounting import settlement
from gateway.accounting.free_limits import count_free_request
from gateway.accounting.metering import Meter
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.providers.failures import ProviderFailure, refusal, retry_pause
from gateway.routing import catalogue_cache, health
from gateway.routing.affinity import Conversation
from gateway.routing.plan import Attempt, Plan, make_plan
from gateway.routing.unavailable import unavailable_models
from gateway.tokens.bounds import files_bound, weigh

from . import web_search
from .callers import Caller, chat_caller, key_caller
from .events import Event
from .providers import open_answer
from .relay import Relay

__all__ = ["Caller", "ChatRequest", "chat_caller", "drain", "key_caller", "parse", "stream", "unavailable_models"]

log = logging.getLogger(__name__)

#: How long an answer that nobody reads any more is listened to, for its bill, in seconds.
DRAIN_SECONDS = 300.0

#: Requests that hold credits and are not being settled yet.
_open_requests: set[Meter] = set()
#: Settlements under way: they outlive the request that caused them.
_settling: set[asyncio.Task[Any]] = set()
#: When the answers that nobody reads any more are given up.
_patience: set[asyncio.Timeout] = set()


async def stream(caller: Caller, request: ChatRequest) -> AsyncGenerator[Event, None]:
    """Yield the answer: Started, Deltas, Finished or Failed, Billed. The caller is charged once, however it ends.

    Before Started it raises ApiError: 400 and 404 from planning, 401 and 402 from admission, 502 from a web search,
    the last provider's error when none answered. Closing the generator ends the answer; it is settled all the same.
    """
    conversation = Conversation(caller.account_id, request)
    search = web_search.wanted(request, caller.default_model or settings.DEFAULT_MODEL)
    weight = weigh(request.messages, request.body)
    found_tokens = search.most_tokens if search else 0
    plan = make_plan(
        await catalogue_cache.catalogue(),
        request,
        caller,
        default_model=settings.DEFAULT_MODEL,
        auto_models=settings.AUTO_MODELS,
        health=health.book.health(),
        prompt_tokens=weight.likely + found_tokens // 4,
        home=conversation.endpoint_of,
        lot=conversation.lot(weight.likely),
    )
    plan = await _within_free_limits(plan, caller)
    longest = max(attempt.endpoint.context_length for attempt in plan.attempts)
    likely, most = files_bound(request.messages, longest)
    prompt_tokens = min(weight.most + found_tokens + likely, longest)
    files_tokens = min(weight.most + found_tokens + most, longest) - prompt_tokens
    meter = Meter(caller, request, plan, prompt_tokens + files_tokens, weight.images)
    admission = await _admitted(
        meter,
        settlement.Admit(
            generation=meter.generation,
            prompt_cost=PicoUsd(_prompt_cost(plan, prompt_tokens, weight.images) + (search.most_cost if search else 0)),
            unfolding_cost=PicoUsd(int(plan.prompt_price * PICO_PER_USD * files_tokens)),
            token_price=plan.completion_price,
            requested_tokens=request.max_tokens,
            most_tokens=plan.most_tokens,
        ),
    )
    meter.max_tokens = admission.max_tokens
    meter.conversation = conversation
    _open_requests.add(meter)
    relay: Relay | None = None
    try:
        request, sources = await _searched(search, request, caller, meter)
        relay = await _open(plan, request, caller, meter, admission.max_tokens)
        yield meter.started(relay.attempt, relay.seconds, relay.answer.system_fingerprint)
        async with aclosing(web_search.cited(relay.events(), sources)) as events:
            async for event in events:
                meter.saw(event)
                yield event
    except ProviderFailure as failure:  # after the first token: tell, do not retry
        if relay is not None:
            health.book.failed(relay.attempt.key, 502)
        yield meter.failed(failure)
    except ApiError as error:
        meter.refused(error.status, error.error_type)
        error.routing = meter.routing()
        error.headers.setdefault("X-Generation-Id", meter.generation.id)
        raise
    except (asyncio.CancelledError, GeneratorExit):
        meter.cancelled = True
        raise
    except Exception:
        meter.refused(500, "server")
        raise
    finally:
        settling = _keep(asyncio.create_task(_conclude(meter, relay)))
        _open_requests.discard(meter)
        if not meter.cancelled:
            await asyncio.shield(settling)
    yield meter.billed(await asyncio.shield(settling))


async def drain() -> None:
    """Wait until every request is settled, at most SHUTDOWN_SECONDS; then end the writer.

    Whoever serves has cancelled what was still running, which may take a moment to notice. Answers that nobody reads
    are heard for half of the time, then billed by what they said.
    """
    clock = asyncio.get_running_loop().time
    middle, end = clock() + settings.SHUTDOWN_SECONDS / 2, clock() + settings.SHUTDOWN_SECONDS
    while (_open_requests or _settling) and clock() < end:
        for patience in _patience:
            if (when := patience.when()) is None or when > middle:
                patience.reschedule(middle)
        await asyncio.sleep(0.02)
    await asyncio.to_thread(settlement.close)


# --- Admitting --------------------------------------------------------------------------------------


async def _admitted(meter: Meter, operation: settlement.Admit) -> settlement.Admission:
    """The admission. When the caller leaves while it is written, the hold is released as soon as it is there."""
    admitting = settlement.admit(operation)
    try:
        return await asyncio.shield(admitting)
    except asyncio.CancelledError:
        meter.cancelled = True
        _keep(asyncio.create_task(_released(meter, admitting)))
        raise


async def _released(meter: Meter, admitting: "asyncio.Future[settlement.Admission]") -> settlement.Settled | None:
    """The settlement of a request that has got no further than this; None when it was refused."""
    try:
        await admitting
    except ApiError:
        return None
    return await _conclude(meter, None)


# --- Free models --------------------------------------------------------------------------------------


async def _within_free_limits(plan: Plan, caller: Caller) -> Plan:
    """The plan; without its free models when the account has had enough of those for now. RateLimited when it has no
    others. A request that may end at a free model counts as one."""
    if not any(attempt.model.is_free for attempt in plan.attempts):
        return plan
    try:
        await count_free_request(caller)
    except RateLimited:
        if (paid := plan.without_free_models()) is None:
            raise
        return paid
    return plan


# --- Searching the web --------------------------------------------------------------------------------


async def _searched(
    search: web_search.Search | None, request: ChatRequest, caller: Caller, meter: Meter
) -> tuple[ChatRequest, list[web_search.Result]]:
    """(the request with what was found in its prompt, what was found); without a search the same request, nothing."""
    if search is None:
        return request, []
    found = await search.run(caller.sandbox_headers)
    messages = web_search.with_results(request.messages, found, search.options, utc_now().date())
    request = msgspec.structs.replace(request, messages=messages)
    meter.searched(search.engine.name, len(found), search.price, request)
    return request, found


# --- Opening ----------------------------------------------------------------------------------------


async def _open(plan: Plan, request: ChatRequest, caller: Caller, meter: Meter, max_tokens: int | None) -> Relay:
    """The first attempt that yields a token. Until then nothing is sent, so failures move on unseen.

    When every provider is rate limited and says when to come back, and that is soon, all are asked once more.
    """
    failures: list[tuple[str, ProviderFailure]] = []
    for last_round in (False, True):
        for attempt in plan.attempts:
            relay, failure = await _try(attempt, request, caller, meter, max_tokens)
            if relay is not None:
                return relay
            assert failure is not None
            failures.append((attempt.endpoint.provider_name, failure))
        pause = retry_pause([failure for _, failure in failures])
        if last_round or pause is None:
            break
        await asyncio.sleep(pause)
    raise refusal(failures, [attempt.model.id for attempt in plan.attempts], request.messages)


async def _try(
    attempt: Attempt, request: ChatRequest, caller: Caller, meter: Meter, max_tokens: int | None
) -> tuple[Relay | None, ProviderFailure | None]:
    """The answer that has begun, or why it has not."""
    began = time.monotonic()
    relay: Relay | None = None
    try:
        patience = settings.PROVIDER_FIRST_TOKEN_SECONDS if request.stream else settings.PROVIDER_WHOLE_SECONDS
        async with asyncio.timeout(patience):
            relay = Relay(attempt, await open_answer(request, attempt, caller, max_tokens))
            await relay.wait_for_first()
    except (ProviderFailure, TimeoutError) as error:
        failure = error if isinstance(error, ProviderFailure) else ProviderFailure(504, "", error_type="timeout")
        seconds = time.monotonic() - began
        meter.tried(attempt, failure, seconds)
        if failure.moderation is None:  # which is the prompt's doing, and no reason to send others elsewhere
            health.book.failed(attempt.key, failure.status)
        log.info("%s failed with %d after %.2f s", attempt.endpoint.tag, failure.status, seconds)
        if relay is not None:
            await relay.close()
        return None, failure
    except BaseException:
        if relay is not None:
            await relay.close()
        raise
    relay.seconds = time.monotonic() - began
    return relay, None


def _prompt_cost(plan: Plan, prompt_tokens: int, images: int) -> PicoUsd:
    """The most that the prompt can cost, in pico-USD."""
    usd = plan.prompt_price * prompt_tokens + plan.image_price * images + plan.request_price
    return PicoUsd(int(usd * PICO_PER_USD) + 1 if usd else 0)


# --- Concluding -------------------------------------------------------------------------------------


async def _conclude(meter: Meter, relay: Relay | None) -> settlement.Settled:
    """End the answer and settle. A provider that goes on (and bills) after we hang up is heard to the end."""
    if relay is not None:
        if meter.cancelled and not relay.answer.finished and not relay.attempt.endpoint.supports_cancel:
            try:
                async with asyncio.timeout(DRAIN_SECONDS) as patience:
                    _patience.add(patience)
                    async for event in relay.hear_out():
                        meter.saw(event)
            except TimeoutError:
                log.info("%s did not finish an abandoned answer", relay.attempt.endpoint.tag)
            finally:
                _patience.discard(patience)
        await relay.close()
        await meter.counted(relay.answer.usage)
        meter.upstream_id = relay.answer.upstream_id
    generation, cost = meter.outcome()
    if relay is not None and meter.finish is not None:
        # From when this endpoint was asked: a web search and failures before it are not its doing.
        saying = ((generation.duration_ms or 0) - (generation.latency_ms or 0)) / 1000
        if meter.failure is None and meter.conversation is not None and meter.usage is not None:
            meter.conversation.answered(relay.attempt.model.id, relay.attempt.endpoint, meter.usage)
        health.book.succeeded(
            relay.attempt.key, relay.seconds * 1000, generation.completion_tokens, relay.seconds + saying
        )
    return await settlement.settle(settlement.Settle(generation=generation, cost=cost))


def _keep(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    _settling.add(task)
    task.add_done_callback(_settled)
    return task


def _settled(task: asyncio.Task[Any]) -> None:
    _settling.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.error("a request could not be settled: %s", type(error).__name__)
