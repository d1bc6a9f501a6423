"""The next events of a destination, read from the requests themselves.

Requests are read in the order in which they began, from the destination's position on. One that is still running has a
Hold: it is remembered as late, and read by its ID once it has ended. Requests younger than `SETTLING` are left for the
next time, because the hold of one that begins now may not be written yet.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import privacy_of
from billing import spending
from broadcast.models import Destination, LateRequest
from broadcast.payloads import contents
from broadcast.payloads.events import Event, Shown, event_of
from common.clock import utc_now
from gateway.models import Generation, Hold
from keys.models import ApiKey

__all__ = ["KEPT_HOURS", "Batch", "Position", "drop_old", "next_batch"]

#: Requests that are read at once, and bytes of events that are sent at once.
PAGE, MAX_BYTES = 500, 1_000_000
#: The time in which the hold of a request that begins is written, and in which the content of one that ends is stored.
SETTLING, STORING = timedelta(seconds=30), timedelta(seconds=10)
#: Events that could not be sent for so many hours are dropped.
KEPT_HOURS = 24
#: Requests that are counted at once when they are dropped.
DROPPED_AT_ONCE = 5_000

#: When a request was made, and its ID. Positions are in the order of requests.
Position = tuple[datetime, str]


@dataclass(slots=True)
class Batch:
    """Events to send, and what is to be written once they are accepted.

    `position` is the new one, `late` are requests to come back to, `done` those that were late and are not anymore.
    `is_last` says that there is nothing more to read now.
    """

    position: Position
    events: list[Event] = field(default_factory=list)
    late: list[Position] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    is_last: bool = False


def next_batch(destination: Destination) -> Batch:
    """Return the next batch, which may have no events although it is not the last."""
    now = utc_now()
    reader = _Reader(destination, now)
    batch = Batch((destination.cursor_at, destination.cursor_id))
    for request in reader.ended_late():
        if not reader.add(batch, request):
            return batch
        batch.done.append(request.pk)
    horizon = now - SETTLING
    if horizon <= destination.cursor_at:
        batch.is_last = True
        return batch
    running = reader.running(horizon)  # first: one that ends now is in the page then
    page = reader.page(horizon)
    seen = set()
    for request in page:
        if reader.is_ready(request):
            if not reader.add(batch, request):
                break
        else:
            batch.late.append((request.created_at, request.pk))
        seen.add(request.pk)
        batch.position = (request.created_at, request.pk)
    else:
        if len(page) < PAGE:
            batch.position, batch.is_last = (horizon, ""), True
    batch.late += [each for each in running if each <= batch.position and each[1] not in seen]
    return batch


def drop_old(destination: Destination) -> tuple[Batch, int]:
    """Return a batch without events that passes over requests which are too old, and how many would have been sent."""
    now = utc_now()
    reader, limit = _Reader(destination, now), now - timedelta(hours=KEPT_HOURS)
    batch = Batch((destination.cursor_at, destination.cursor_id), is_last=True)
    count = 0
    late = destination.late_requests.filter(created_at__lt=limit).values_list("generation_id", flat=True)
    batch.done = [*late[:DROPPED_AT_ONCE]]
    wanted = Generation.objects.filter(account=reader.account, state=Generation.State.SETTLED)
    rows = [*wanted.filter(pk__in=batch.done).values_list("pk", "session_id", "key_id")]
    if destination.cursor_at < limit:
        found = wanted.filter(reader.after_cursor, created_at__lt=limit).order_by("created_at", "id")
        page = [*found.values_list("pk", "session_id", "key_id", "created_at")[:DROPPED_AT_ONCE]]
        batch.is_last = len(page) < DROPPED_AT_ONCE
        batch.position = (limit, "") if batch.is_last else (page[-1][3], page[-1][0])
        rows += [row[:3] for row in page]
    count = sum(destination.wants(*row) for row in rows)
    return batch, count


class _Reader:
    """Reads the requests of one destination."""

    def __init__(self, destination: Destination, now: datetime) -> None:
        self._destination, self._now = destination, now
        organisation = destination.organisation
        self.account = spending.account_of(organisation)
        self._with_contents = not destination.privacy_mode and privacy_of(organisation).log_for_discount
        self._names: dict[int, str] = {}
        self._shown = Shown(
            cost=destination.with_cost,
            identity=destination.with_identity,
            context=destination.with_context,
            key_names=self._names,
        )
        self._size = 0

    @property
    def after_cursor(self) -> Q:
        """The condition of requests behind the position."""
        at, last = self._destination.cursor_at, self._destination.cursor_id
        return Q(created_at__gte=at) & (Q(created_at__gt=at) | Q(pk__gt=last))

    def running(self, horizon: datetime) -> list[Position]:
        """Return the running requests behind the position and before the horizon."""
        holds = Hold.objects.filter(self.after_cursor, account=self.account, created_at__lt=horizon)
        return [*holds.values_list("created_at", "pk")]

    def page(self, horizon: datetime) -> list[Generation]:
        """Return the first `PAGE` requests behind the position and before the horizon that have ended."""
        return self._read(Q(self.after_cursor, created_at__lt=horizon))

    def ended_late(self) -> list[Generation]:
        """Return late requests that have ended, `PAGE` at most."""
        ready = self._ready().filter(pk=OuterRef("generation_id"), created_at=OuterRef("created_at"))
        late = LateRequest.objects.filter(Exists(ready), destination=self._destination).order_by("created_at", "pk")
        ended = [*late.values_list("created_at", "generation_id")[:PAGE]]
        if not ended:
            return []
        ids = [pk for _, pk in ended]
        return self._read(Q(pk__in=ids, created_at__gte=ended[0][0], created_at__lte=ended[-1][0]))

    def _read(self, condition: Q) -> list[Generation]:
        """Return the first `PAGE` requests of the account that meet the condition; learn the names of their keys."""
        found = Generation.objects.filter(condition, account=self.account).defer("price", "failed_attempts")
        rows = [*found.order_by("created_at", "id")[:PAGE]]
        if self._shown.identity:
            used = {row.key_id for row in rows if row.key_id}.difference(self._names)
            self._names.update(ApiKey.objects.filter(pk__in=used).values_list("pk", "name"))
        return rows

    def is_ready(self, request: Generation) -> bool:
        """Whether the request is settled, and its content is stored if it is wanted."""
        settled = request.state == Generation.State.SETTLED
        return settled and not (self._with_contents and request.settled_at > self._now - STORING)

    def _ready(self) -> "QuerySet[Generation]":
        ready = Generation.objects.filter(account=self.account, state=Generation.State.SETTLED)
        return ready.filter(settled_at__lte=self._now - STORING) if self._with_contents else ready

    def add(self, batch: Batch, request: Generation) -> bool:
        """Add the request's event if the destination wants it. Return False if the batch has no room for it."""
        if not self._destination.wants(request.pk, request.session_id, request.key_id):
            return True
        content = contents.attributes_of(request.pk) if self._with_contents else None
        event = event_of(request, self._shown, content)
        if batch.events and (len(batch.events) >= PAGE or self._size + len(event.span) > MAX_BYTES):
            return False
        batch.events.append(event)
        self._size += len(event.span)
        return True
