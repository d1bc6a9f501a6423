"""One process of `bench/money/ledger.py`, which starts it: `python -m bench.money.pairs '{"method": ...}'`.

Every client admits a request and settles it, in a loop, until the end of a window that all processes share. Each pair
writes the same as a real response: a complete Generation, the account, the key and the hour.

`gateway` uses the product's own settlement. `locking` is the obvious method: two transactions, each of which begins
with SELECT FOR UPDATE on the account.
"""

import asyncio
import json
import random
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import django
import msgspec

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from billing.models import CreditAccount  # noqa: E402
from common.clock import hour_of  # noqa: E402
from common.money import PicoUsd  # noqa: E402
from common.naming.ids import generation_id  # noqa: E402
from gateway.accounting import settlement  # noqa: E402
from gateway.accounting.rows import GenerationRow  # noqa: E402
from gateway.models import Generation, Hold, UsageHour  # noqa: E402
from keys.models import ApiKey  # noqa: E402

MODEL = "openai/gpt-4o-mini"
PROMPT_COST, TOKEN_PRICE, MOST_TOKENS = PicoUsd(3_000_000), Decimal("0.0000006"), 2000
COST = PicoUsd(41_400_000)


class Task(msgspec.Struct):
    """The work of the process. Times are seconds since the epoch."""

    method: str
    accounts: list[tuple[int, int]]  # (account, its key)
    clients: int
    begins: float
    seconds: float


class Measurement:
    """The pairs that ended within the window, and the duration of each."""

    def __init__(self, task: Task) -> None:
        self.begins, self.ends = task.begins, task.begins + task.seconds
        self.times: list[float] = []
        self.cpu = 0.0

    def ended(self, began: float) -> None:
        now = time.time()
        if self.begins <= now < self.ends:
            self.times.append(now - began)

    def watch_cpu(self) -> None:
        """Measure this process's CPU time over the window; returns at its end."""
        time.sleep(max(0.0, self.begins - time.time()))
        before = time.process_time()
        time.sleep(max(0.0, self.ends - time.time()))
        self.cpu = time.process_time() - before


def new_row(account: int, key: int) -> GenerationRow:
    now = datetime.now(UTC)
    return GenerationRow(
        id=generation_id(now.timestamp()), account_id=account, key_id=key, source="api", requested_model=MODEL,
        streamed=True, created_at=now, app="https://example.com", app_title="Bench", user_agent="bench/1",
    )  # fmt: skip


def complete(row: GenerationRow | Generation) -> None:
    """Fill the row as after an ordinary response."""
    row.model, row.provider, row.endpoint, row.simulated = MODEL, "openai", "openai", True
    row.prompt_tokens, row.completion_tokens, row.token_source = 20, 64, Generation.TokenSource.PROVIDER
    row.finish_reason, row.native_finish_reason, row.upstream_id = "stop", "stop", "chatcmpl-1234567890"
    row.latency_ms, row.duration_ms, row.upstream_latency_ms, row.reason = 210, 950, 205, "balanced by price"
    row.price = {"prompt": "0.00000015", "completion": "0.0000006"}


# --- The product's method ------------------------------------------------------------------------------


async def through_the_gateway(task: Task, measurement: Measurement) -> None:
    async def client() -> None:
        while (began := time.time()) < measurement.ends:
            row = new_row(*random.choice(task.accounts))
            admit = settlement.Admit(
                generation=row, prompt_cost=PROMPT_COST, token_price=TOKEN_PRICE, requested_tokens=None,
                model_max_tokens=MOST_TOKENS,
            )  # fmt: skip
            await settlement.queue.admit(admit)
            complete(row)
            await settlement.queue.settle(settlement.Settle(generation=row, cost=COST))
            measurement.ended(began)

    await asyncio.gather(*(client() for _ in range(task.clients)))
    settlement.queue.close()


# --- The method to compare with ------------------------------------------------------------------------


def with_locks(task: Task, measurement: Measurement) -> None:
    def client() -> None:
        while (began := time.time()) < measurement.ends:
            row = Generation(**msgspec.structs.asdict(new_row(*random.choice(task.accounts))))
            hold_with_a_lock(row)
            complete(row)
            settle_with_a_lock(row)
            measurement.ended(began)
        connection.close()

    with ThreadPoolExecutor(task.clients) as threads:
        for ended in [threads.submit(client) for _ in range(task.clients)]:
            ended.result()  # raises what ended a client early: its pairs would be missing from the figures


@transaction.atomic
def hold_with_a_lock(row: Generation) -> None:
    account = CreditAccount.objects.select_for_update().get(pk=row.account_id)
    row.hold = PROMPT_COST + int(MOST_TOKENS * TOKEN_PRICE * 10**12)
    assert account.available >= row.hold
    account.held += row.hold
    account.save(update_fields=["held"])
    ApiKey.objects.filter(pk=row.key_id or 0).update(last_used_at=row.created_at)
    Hold(
        id=row.id, account_id=row.account_id, key_id=row.key_id, source=row.source, streamed=row.streamed,
        requested_model=row.requested_model, created_at=row.created_at, app=row.app, app_title=row.app_title,
        user_agent=row.user_agent, amount=row.hold, process_id=settlement.PROCESS_ID,
    ).save(force_insert=True)  # fmt: skip


@transaction.atomic
def settle_with_a_lock(row: Generation) -> None:
    account = CreditAccount.objects.select_for_update().get(pk=row.account_id)
    row.cost, row.state, row.settled_at = COST, Generation.State.SETTLED, datetime.now(UTC)
    Hold.objects.filter(pk=row.id).delete()
    row.save(force_insert=True)
    account.held -= row.hold
    account.usage += row.cost
    account.save(update_fields=["held", "usage"])
    ApiKey.objects.filter(pk=row.key_id or 0).update(
        usage=F("usage") + row.cost, window_usage=F("window_usage") + row.cost
    )
    hour, _ = UsageHour.objects.get_or_create(
        account_id=row.account_id, hour=hour_of(row.created_at), key_id=row.key_id or 0, user_id=0, model=row.model,
        provider=row.provider, app=row.app, source=row.source,
    )  # fmt: skip
    UsageHour.objects.filter(pk=hour.pk).update(
        requests=F("requests") + 1,
        prompt_tokens=F("prompt_tokens") + row.prompt_tokens,
        completion_tokens=F("completion_tokens") + row.completion_tokens,
        cost=F("cost") + row.cost,
        latency_ms=F("latency_ms") + row.latency_ms,
        duration_ms=F("duration_ms") + row.duration_ms,
    )


# --- The process ------------------------------------------------------------------------------------


def in_a_loop(task: Task, measurement: Measurement) -> None:
    try:
        import uvloop

        uvloop.run(through_the_gateway(task, measurement))
    except ImportError:
        asyncio.run(through_the_gateway(task, measurement))


METHODS: dict[str, Callable[[Task, Measurement], Any]] = {"gateway": in_a_loop, "locking": with_locks}


def main() -> None:
    task = msgspec.json.decode(sys.argv[1], type=Task)
    measurement = Measurement(task)
    watch = threading.Thread(target=measurement.watch_cpu)
    watch.start()
    METHODS[task.method](task, measurement)
    watch.join()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"times": measurement.times, "cpu": measurement.cpu, "mb": memory_mb}))


if __name__ == "__main__":
    main()
