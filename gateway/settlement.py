"""Admission and settlement: the two moments when a request touches money.

`admit` reserves an upper bound before any work (the hold) and creates the Generation row; `settle`
charges what the answer cost, gives the rest of the hold back and adds the request to its UsageHour.
Both run in the writer's batches: lock the accounts and keys of a batch in id order, decide in
Python, write back. No balance lives in memory, so any number of processes may do this.

The balance cannot go below zero: only `credits - usage - held` can be held, and a charge above its
hold takes only what is available; the rest is a write-off on the Generation.
"""

import os
import secrets
import socket
from collections.abc import Sequence

import msgspec
from django.db import transaction

from billing import spending
from common.clock import hour_of, utc_now
from common.errors import NotAuthenticated, PaymentRequired
from common.money import PicoUsd

from . import health, rows
from .holds import Admission, Admit, check_key, hold_for, roll_window
from .models import GatewayProcess, Generation
from .rows import GenerationRow, HourRow
from .writer import Writer

__all__ = ["Admission", "Admit", "Settle", "Settled", "admit", "close", "settle"]


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """A request has ended. `generation` holds everything but the money; `cost` is what it should cost (pico-USD)."""

    generation: GenerationRow
    cost: PicoUsd


class Settled(msgspec.Struct, frozen=True):
    """The request is paid."""

    cost: PicoUsd  # charged
    balance: PicoUsd  # of the account afterwards


async def admit(operation: Admit) -> Admission:
    """Hold credits and create the open Generation.

    Raises PaymentRequired when the balance or the key's limit cannot pay for the request, and
    NotAuthenticated when the key has been revoked since it was looked up.
    """
    admission: Admission = await _writer.submit(operation)
    return admission


async def settle(operation: Settle) -> Settled:
    """Charge the request, release its hold and count it. A second settlement of the same request changes nothing."""
    settled: Settled = await _writer.submit(operation)
    return settled


def close() -> None:
    """Write what is queued and end the writer's thread; the next request starts a new one."""
    _writer.close()


# --- The batch --------------------------------------------------------------------------------------


def write_batch(operations: Sequence[Admit | Settle]) -> list[Admission | Settled | Exception]:
    """The results of `operations`, after committing them together."""
    with transaction.atomic():
        return _Batch(operations).run()


class _Batch:
    def __init__(self, operations: Sequence[Admit | Settle]) -> None:
        self.operations = operations
        generations = [operation.generation for operation in operations]
        settling = [operation.generation.id for operation in operations if isinstance(operation, Settle)]
        self.accounts, self.keys, self.stored = rows.read(
            {generation.account_id for generation in generations},
            {generation.key_id for generation in generations if generation.key_id is not None},
            settling,
            lasting=bool(settling),
        )
        self.now = utc_now()
        self.opened: list[GenerationRow] = []
        self.finished: list[GenerationRow] = []
        self.hours: dict[tuple[object, ...], HourRow] = {}

    def run(self) -> list[Admission | Settled | Exception]:
        results: list[Admission | Settled | Exception] = []
        for operation in self.operations:
            if isinstance(operation, Admit):
                try:
                    results.append(self.admit(operation))
                except (PaymentRequired, NotAuthenticated) as refusal:
                    results.append(refusal)
            else:
                results.append(self.settle(operation))
        self.write()
        return results

    def admit(self, operation: Admit) -> Admission:
        generation = operation.generation
        account = self.accounts[generation.account_id]
        key = self.keys.get(generation.key_id) if generation.key_id is not None else None
        if generation.key_id is not None:
            check_key(key, self.now)
        hold, max_tokens = hold_for(operation, account, key, self.now)
        account.held += hold
        if key is not None:
            key.held += hold
            key.last_used_at = self.now
        generation.hold = hold
        generation.process_id = PROCESS_ID
        self.opened.append(generation)
        return Admission(hold=hold, max_tokens=max_tokens)

    def settle(self, operation: Settle) -> Settled:
        generation = operation.generation
        account = self.accounts[generation.account_id]
        state, hold, charged = self.stored.get(generation.id, (Generation.State.RELEASED, 0, 0))
        if state == Generation.State.SETTLED:
            return Settled(cost=PicoUsd(charged), balance=PicoUsd(account.balance))
        held = hold if state == Generation.State.OPEN else 0  # the reaper has given a released hold back
        account.held -= held
        cost = max(0, min(operation.cost, account.available))
        account.usage += cost
        generation.cost = cost
        generation.write_off = operation.cost - cost
        generation.hold = hold
        generation.state = Generation.State.SETTLED
        generation.settled_at = self.now
        # A hold is not waited for until it is on disk, so a crash of the database may have lost its row.
        (self.finished if generation.id in self.stored else self.opened).append(generation)
        self.stored[generation.id] = (Generation.State.SETTLED, hold, cost)
        if generation.key_id is not None and (key := self.keys.get(generation.key_id)):
            key.held -= held
            key.usage += cost
            roll_window(key, self.now)
            key.window_usage += cost
        self.count(generation)
        return Settled(cost=PicoUsd(cost), balance=PicoUsd(account.balance))

    def count(self, generation: GenerationRow) -> None:
        """Add the request to its hour."""
        identity = (
            generation.account_id,
            hour_of(generation.created_at),
            generation.key_id or 0,
            generation.user_id or 0,
            generation.model or generation.requested_model,
            generation.provider,
            generation.app,
            generation.source,
        )
        hour = self.hours.get(identity)
        if hour is None:
            hour = self.hours[identity] = HourRow(*identity)
        hour.requests += 1
        hour.prompt_tokens += generation.prompt_tokens
        hour.completion_tokens += generation.completion_tokens
        hour.reasoning_tokens += generation.reasoning_tokens
        hour.cached_tokens += generation.cached_tokens
        hour.cost += generation.cost
        if generation.error_status is None:
            hour.latency_ms += generation.latency_ms or 0
            hour.duration_ms += generation.duration_ms or 0
        else:
            hour.failures += 1

    def write(self) -> None:
        rows.write(
            opened=self.opened,
            finished=self.finished,
            accounts=list(self.accounts.values()),
            keys=list(self.keys.values()),
            hours=list(self.hours.values()),
        )
        for account in self.accounts.values():
            spending.spent(account)


# --- The process --------------------------------------------------------------------------------------


#: Names this process in its open generations, so that the reaper can tell when it is gone. Host name and
#: number are for people; a restarted container may have both again.
PROCESS_ID = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def _beat() -> None:
    """Say that this process is alive, and exchange what is known of the endpoints."""
    now = utc_now()
    GatewayProcess.objects.update_or_create(id=PROCESS_ID, defaults={"seen_at": now})
    health.book.exchange(PROCESS_ID, now)


_writer: Writer[Admit | Settle] = Writer(write_batch, regularly=_beat)
