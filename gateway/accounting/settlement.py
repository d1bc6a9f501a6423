"""Admission and settlement: the two moments when a request touches money.

`admit` reserves an upper bound of the cost before any work (a Hold). `settle` replaces the Hold with a Generation,
charges the actual cost, releases the rest and adds the request to its UsageHour.
Both run in batches on the writer's thread: lock the accounts and keys of the batch in id order, decide in Python,
write back. No balance lives in memory, so any number of processes may do this against one database.

The balance cannot go below zero: only `credits - usage - held` can be held, and a charge above its hold takes only
what is available. The rest is a write-off on the Generation.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from billing import spending
from common.clock import hour_of, utc_now
from common.errors import NotAuthenticated, PaymentRequired, PermissionDenied, RateLimited
from common.money import PicoUsd
from gateway.changes import changed_accounts
from gateway.models import GatewayProcess, Generation

from . import limits, measuring
from .batch import Batch, LockedRows
from .batch_writer import BatchWriter
from .holds import Admission, Admit, hold_for, hold_with_own_keys
from .own_key_months import OwnKeyMonths
from .rows import ClassifiedDayRow, GenerationRow, HoldRow, HourRow, SpendRow

__all__ = [
    "PROCESS_ID",
    "Admission",
    "Admit",
    "Settle",
    "Settled",
    "SettlementQueue",
    "Withdraw",
    "queue",
    "write_batch",
]

#: Identifies this process in its holds, so that the reaper can tell when it is gone. Host name and process number are
#: for people; a restarted container may have the same pair again, so a random part follows.
PROCESS_ID = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """An ended request to charge. `generation` holds everything but the money; `cost` is its full cost (pico-USD).

    On the customer's own provider key, `cost` is without the fee, which depends on the month's free share.
    """

    generation: GenerationRow
    cost: PicoUsd


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """An admission to take back: the connection was lost while it was written, so its hold may or may not exist."""

    generation: GenerationRow


class Settled(msgspec.Struct, frozen=True):
    """The request is charged. Amounts in pico-USD."""

    cost: PicoUsd  # charged
    balance: PicoUsd  # of the account afterwards


Operation = Admit | Settle | Withdraw
Result = Admission | Settled | Exception | None


class SettlementQueue:
    """Admits and settles the requests of this process through one writer thread."""

    def __init__(self) -> None:
        self._heartbeat_callbacks: list[Callable[[str, datetime], None]] = []
        self._writer: BatchWriter[Operation] = BatchWriter(write_batch, undo=undo, periodic=self._heartbeat)

    def admit(self, operation: Admit) -> "asyncio.Future[Admission]":
        """Hold credits. A caller that stops awaiting must still settle the request.

        Awaiting it raises PaymentRequired when the balance or a limit of the key or member does not cover it,
        PermissionDenied when the budget of a guardrail does not, RateLimited when the key has as many requests running
        as it allows, and NotAuthenticated when the key has been revoked since it was looked up. While the database is
        away it raises ServiceUnavailable, and nothing is held.
        """
        return self._writer.submit(operation)

    def settle(self, operation: Settle) -> "asyncio.Future[Settled]":
        """Charge the request, release its hold and count it. Settling a request again changes nothing.

        While the database is away the charge waits for it.
        """
        return self._writer.submit(operation)

    def on_heartbeat(self, callback: Callable[[str, datetime], None]) -> None:
        """Call `callback(process_id, now)` on the writer's thread with every heartbeat, about every 15 seconds."""
        self._heartbeat_callbacks.append(callback)

    def start(self) -> None:
        """Start the writer's thread and its heartbeat, which otherwise start with the first request."""
        self._writer.start()

    def close(self) -> None:
        """Write the queued operations and end the writer's thread; the next request starts a new one."""
        self._writer.close()

    def _heartbeat(self) -> None:
        now = utc_now()
        GatewayProcess.objects.update_or_create(id=PROCESS_ID, defaults={"seen_at": now})
        for callback in self._heartbeat_callbacks:
            callback(PROCESS_ID, now)


# --- The batch --------------------------------------------------------------------------------------


def undo(operation: Operation) -> Operation | None:
    """The operation that takes an admission back; None for the others, which must be written."""
    return Withdraw(generation=operation.generation) if isinstance(operation, Admit) else None


def write_batch(operations: Sequence[Operation]) -> list[Result]:
    """The results of `operations`, in order, after committing them together.

    Settling and withdrawing may be repeated. An admission that may have been written is withdrawn first, in the same
    batch or an earlier one.
    """
    generations = [operation.generation for operation in operations]
    ended = [operation.generation.id for operation in operations if not isinstance(operation, Admit)]
    with Batch(only_holds=not ended) as batch:
        locked = batch.read(
            {generation.account_id for generation in generations},
            {generation.key_id for generation in generations if generation.key_id is not None},
            {generation.user_id for generation in generations if generation.user_id is not None},
            {each.generation.key_id for each in operations if isinstance(each, Admit) and each.generation.key_id},
            ended,
            {each.generation.account_id for each in operations if _is_on_own_key(each)},
        )
        decisions = _Decisions(locked)
        for operation in operations:
            decisions.own_months.expect(operation.generation)
        # The others first: `read` has already deleted their holds, so their credits are free for admissions.
        order = sorted(range(len(operations)), key=lambda number: isinstance(operations[number], Admit))
        results = {number: decisions.decide(operations[number]) for number in order}
        batch.write(
            locked,
            opened=decisions.opened,
            settled=decisions.settled,
            hours=[*decisions.hours.values()],
            classified=[*decisions.classified.values()],
            spend=[*decisions.spend.values()],
            own_months=[*decisions.own_months.added.values()],
        )
    measuring.count(decisions.settled)
    for account in locked.accounts.values():
        spending.report_low_balance(account)
    changed_accounts.give(locked.accounts)
    return [results[number] for number in range(len(operations))]


def _is_on_own_key(operation: Operation) -> bool:
    if isinstance(operation, Admit):
        return operation.own is not None
    return isinstance(operation, Settle) and operation.generation.byok_key_id != 0


class _Decisions:
    """Applies the operations of a batch to the rows that it has locked."""

    def __init__(self, locked: LockedRows) -> None:
        self.locked = locked
        self.now = utc_now()
        self.opened: list[HoldRow] = []
        self.settled: list[GenerationRow] = []
        self.hours: dict[tuple[object, ...], HourRow] = {}
        self.classified: dict[tuple[object, ...], ClassifiedDayRow] = {}
        self.spend: dict[tuple[str, int], SpendRow] = {}
        self.own_months = OwnKeyMonths(locked)

    def decide(self, operation: Operation) -> Result:
        if isinstance(operation, Settle):
            return self.settle(operation)
        if isinstance(operation, Withdraw):
            self.release(operation.generation)
            return None
        try:
            return self.admit(operation)
        except (PaymentRequired, PermissionDenied, RateLimited, NotAuthenticated) as refusal:
            return refusal

    def admit(self, operation: Admit) -> Admission:
        generation = operation.generation
        account = self.locked.accounts[generation.account_id]
        limits.require_key(self.locked, generation, self.now)
        counted = limits.limits_of(self.locked, generation, self.now)
        share = None
        if operation.own is None:
            admission = Admission(*hold_for(operation, account, counted))
        else:
            listed = operation.own.listed(operation.requested_tokens)
            share, is_free = self.own_months.reservable(generation, listed)
            admission = hold_with_own_keys(operation, account, counted, is_free=is_free)
            self.own_months.reserve(generation, share)
        hold = admission.hold
        account.held += hold
        limits.add_hold(self.locked, generation, admission)
        self.opened.append(generation.held(hold, PROCESS_ID, share, admission.byok_listed))
        return admission

    def settle(self, operation: Settle) -> Settled:
        generation = operation.generation
        locked = self.locked
        account = locked.accounts[generation.account_id]
        if (charged := locked.charged.get(generation.id)) is not None:
            return Settled(cost=PicoUsd(charged), balance=PicoUsd(account.balance))
        held = self.release(generation)
        due = operation.cost + (self.own_months.charge(generation) if generation.byok_key_id else 0)
        cost = max(0, min(due, account.available))
        account.usage += cost
        generation.cost = cost
        generation.write_off = due - cost
        generation.hold = held or locked.released.get(generation.id, 0)
        generation.state = Generation.State.SETTLED
        generation.settled_at = self.now
        self.settled.append(generation)
        locked.charged[generation.id] = cost
        limits.add_cost(locked, generation, self.now)
        self.add_to_hour(generation)
        if generation.use:
            self.add_to_classified_day(generation)
        if generation.provider and not generation.simulated and not generation.byok_key_id:
            self.add_to_spend(generation)
        return Settled(cost=PicoUsd(cost), balance=PicoUsd(account.balance))

    def release(self, generation: GenerationRow) -> int:
        """Give the request's hold back to its account; returns it in pico-USD.

        It is 0 when the reaper has released it, or when a database crash has lost it.
        """
        held = self.locked.holds.pop(generation.id, 0)
        self.locked.accounts[generation.account_id].held -= held
        self.own_months.release(generation)
        return held

    def add_to_hour(self, generation: GenerationRow) -> None:
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
        hour.byok_cost += generation.byok_cost
        hour.discount += generation.discount
        if generation.error_status is None:
            hour.latency_ms += generation.latency_ms or 0
            hour.duration_ms += generation.duration_ms or 0
        else:
            hour.failures += 1

    def add_to_classified_day(self, generation: GenerationRow) -> None:
        identity = (
            generation.account_id, generation.created_at.date(), generation.app, generation.model, generation.use,
        )  # fmt: skip
        day = self.classified.get(identity)
        if day is None:
            day = self.classified[identity] = ClassifiedDayRow(*identity)
        day.requests += 1
        day.prompt_tokens += generation.prompt_tokens
        day.completion_tokens += generation.completion_tokens

    def add_to_spend(self, generation: GenerationRow) -> None:
        identity = (generation.provider, generation.provider_key_id)
        spend = self.spend.get(identity)
        if spend is None:
            spend = self.spend[identity] = SpendRow(*identity, PROCESS_ID)
        spend.requests += 1
        spend.cost += generation.cost


#: This process's queue.
queue = SettlementQueue()
