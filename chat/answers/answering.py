"""One answer: a request to the gateway, and its events as frames."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import msgspec

from chat import protocol
from common.errors import ApiError, InternalError
from common.storage.outages import outage_of
from common.telemetry import metrics
from gateway import completions
from gateway.callers import Caller
from gateway.events import Started
from gateway.protocols.table import PARSERS

from .delta_buffer import DeltaBuffer
from .remedies import remedy_for

__all__ = ["stream_answer"]

log = logging.getLogger(__name__)


async def stream_answer(
    ask: protocol.Ask,
    send: Callable[[str], Awaitable[None]],
    caller_of: Callable[[str | None], Awaitable[tuple[Caller, int]]],
    reason_to_stop: Callable[[], ApiError | None],
) -> str:
    """Send the frames of an answer, from `accepted` to the one before `ended`. Canceling the task stops it.

    `caller_of` takes the secret of the API key, or None, and returns the caller and the ID of its organization.
    `reason_to_stop` is asked when the task is canceled; without a reason, the page has stopped the answer. Returns the
    ID of a generation that was stopped by the page and whose cost is not known yet, else an empty string.
    """
    buffer = DeltaBuffer(ask.id, send)
    generation_id = ""
    try:
        await send(protocol.accepted(ask.id))
        caller, organisation_id = await caller_of(ask.api_key)
        request = _request(ask)
        request = await completions.with_preset(organisation_id, request)
        async with aclosing(completions.stream(caller, request)) as events:
            async for event in events:
                if isinstance(event, Started):
                    generation_id = event.generation_id
                await buffer.put(event)
    except asyncio.CancelledError:
        await buffer.flush()
        if reason := reason_to_stop():
            await send(protocol.refused(ask.id, reason, remedy_for(reason)))
        else:
            await send(protocol.stopped(ask.id))
            return generation_id
    except ApiError as error:
        metrics.ERRORS.labels(error.error_type).inc()
        await send(protocol.refused(ask.id, error, remedy_for(error, uses_key=ask.api_key is not None)))
    except Exception as error:
        # Never the message or the traceback: they may quote the prompt.
        log.error("an answer failed: %s", type(error).__name__)
        await buffer.flush()
        await send(protocol.refused(ask.id, outage_of(error) or InternalError()))
    return ""


def _request(ask: protocol.Ask) -> completions.ChatRequest:
    """The request of an `ask`, which streams if its API can. Raises InvalidRequest."""
    body = ask.body if ask.api == "embeddings" else {**ask.body, "stream": True}
    return completions.parse(body) if ask.api == "chat/completions" else PARSERS[ask.api](msgspec.json.encode(body))
