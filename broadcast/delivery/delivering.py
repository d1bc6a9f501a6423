"""Sending what is due, with retries. A destination that keeps failing is paused, and its admins are told.

A worker claims a destination by moving its due date, and writes how far it got only while the claim is its own. One
that dies in between leaves its batch to be sent again: receivers recognize an event by the ID of its span.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F
from django.urls import reverse

from billing import spending
from billing.notifications import emails
from broadcast.destinations import saving
from broadcast.kinds import KINDS
from broadcast.models import Delivery, Destination, LateRequest
from broadcast.payloads.events import Event, Shown, event_of
from broadcast.sending import send
from common.clock import utc_now
from common.errors import InvalidRequest
from common.storage import database
from gateway.models import Generation

from . import feed
from .feed import Batch

__all__ = ["RETRY_DELAYS", "deliver", "due", "test"]

#: The delay after each failure in a row. After the last one, the destination is paused.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60, 60, 60, 60, 60))
#: The time between two looks for new requests, and between two looks for what is too old while paused.
INTERVAL, PAUSED_INTERVAL = timedelta(seconds=30), timedelta(hours=1)
#: A worker that is silent for longer counts as dead.
LEASE = timedelta(minutes=5)
#: Seconds after which a destination with more to send gives way to others.
TURN_SECONDS = 60.0
#: Destinations that one run of the clock wakes, and deliveries that are kept of each.
MOST_DUE, KEPT_DELIVERIES = 500, 20


class Lost(Exception):
    """Another worker has the destination, or it was changed or deleted."""


def due() -> list[int]:
    """Return the IDs of the destinations that are due, those first that have waited longest."""
    found = Destination.objects.filter(enabled=True, due_at__lte=utc_now()).order_by("due_at")
    return [*found.values_list("pk", flat=True)[:MOST_DUE]]


def deliver(destination_id: int) -> None:
    """Send what a destination is due, for a minute at most. Does nothing if it is not due. Safe to repeat."""
    try:
        destination = _claimed(destination_id)
        _drop_old(destination)
        if destination.paused_at is not None:
            _write(destination, due_at=utc_now() + PAUSED_INTERVAL)
            return
        end = time.monotonic() + TURN_SECONDS
        while _send_next(destination):
            if time.monotonic() > end:
                _write(destination, due_at=utc_now())
                return
    except Lost:
        return


def test(destination: Destination) -> str:
    """Send one sample event; blocks. Return an empty text if it was accepted, otherwise what went wrong."""
    now = utc_now()
    sample = Generation(
        id=f"gen-test-{int(now.timestamp())}",
        source="api",
        requested_model="openai/gpt-4o-mini",
        model="openai/gpt-4o-mini",
        provider="openai",
        finish_reason="stop",
        prompt_tokens=12,
        completion_tokens=34,
        latency_ms=400,
        duration_ms=1200,
        created_at=now,
    )
    shown = Shown(cost=destination.with_cost, identity=destination.with_identity, context=destination.with_context)
    return _sent(destination, [event_of(sample, shown)], now)


def _claimed(destination_id: int) -> Destination:
    now = utc_now()
    found = Destination.objects.select_related("organisation").filter(pk=destination_id, enabled=True, due_at__lte=now)
    if (destination := found.first()) is None:
        raise Lost
    _write(destination, due_at=now + LEASE)
    return destination


def _drop_old(destination: Destination) -> None:
    is_last = False
    while not is_last:
        batch, dropped = feed.drop_old(destination)
        if not batch.done and batch.position == (destination.cursor_at, destination.cursor_id):
            return
        is_last = batch.is_last
        _advance(destination, batch, dropped=F("dropped") + dropped)


def _send_next(destination: Destination) -> bool:
    """Send one batch. Return whether there is more to send now."""
    batch = feed.next_batch(destination)
    if batch.events:
        now, started = utc_now(), time.monotonic()
        error = _sent(destination, batch.events, now)
        milliseconds = int((time.monotonic() - started) * 1000)
        record = partial(_record, destination, now, len(batch.events), milliseconds)
        if error:
            _fail(destination, error)
            record(error)
            return False
        _advance(destination, batch, sent=F("sent") + len(batch.events), failures=0)
        record("")
    else:
        _advance(destination, batch)
    if batch.is_last:
        _write(destination, due_at=utc_now() + INTERVAL)
    return not batch.is_last


def _sent(destination: Destination, events: Sequence[Event], now: datetime) -> str:
    try:
        config = saving.config_of(destination)
    except InvalidRequest as error:
        return error.message
    database.release()  # the server may be slow
    return send(KINDS[destination.kind].outgoing(config, events, now))


@transaction.atomic
def _advance(destination: Destination, batch: Batch, **changes: object) -> None:
    """Write that a batch is done."""
    at, last = batch.position
    _write(destination, cursor_at=at, cursor_id=last, **changes)
    if batch.late:
        rows = [LateRequest(destination=destination, generation_id=pk, created_at=at) for at, pk in batch.late]
        LateRequest.objects.bulk_create(rows, ignore_conflicts=True)
    if batch.done:
        destination.late_requests.filter(generation_id__in=batch.done).delete()
    destination.cursor_at, destination.cursor_id = at, last


@transaction.atomic
def _fail(destination: Destination, error: str) -> None:
    now = utc_now()
    before = Destination.objects.filter(pk=destination.pk).values_list("failures", flat=True).first()
    if before is None:
        raise Lost
    failures = before + 1
    if failures <= len(RETRY_DELAYS):
        _write(destination, failures=failures, due_at=now + RETRY_DELAYS[failures - 1])
        return
    _write(destination, failures=failures, paused_at=now, due_at=now + PAUSED_INTERVAL)
    emails.destination_paused(
        spending.account_of(destination.organisation),
        destination.name,
        error,
        reverse("broadcast:destination", args=[destination.public_id]),
        feed.KEPT_HOURS,
    )


def _write(destination: Destination, **changes: object) -> None:
    """Change the row while the claim is this worker's. Raises Lost."""
    mine = Destination.objects.filter(pk=destination.pk, enabled=True, due_at=destination.due_at)
    if not mine.update(**changes):
        raise Lost
    if isinstance(due_at := changes.get("due_at"), datetime):
        destination.due_at = due_at


@transaction.atomic
def _record(destination: Destination, at: datetime, events: int, milliseconds: int, error: str) -> None:
    if not Destination.objects.select_for_update(no_key=True).filter(pk=destination.pk).exists():
        return
    Delivery.objects.create(destination=destination, at=at, events=events, error=error[:200], duration_ms=milliseconds)
    kept = destination.deliveries.values_list("pk", flat=True)[:KEPT_DELIVERIES]
    destination.deliveries.exclude(pk__in=[*kept]).delete()
