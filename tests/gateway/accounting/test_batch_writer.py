"""The writer's thread and a database that goes away: nothing is lost, nothing is written twice."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from billing.credits.reconciliation import faults
from billing.models import CreditAccount
from common.errors import ServiceUnavailable
from common.storage import database
from gateway.accounting import settlement
from gateway.accounting.batch_writer import BatchWriter
from gateway.models import Generation, Hold
from tests.common.storage.test_database import needs_postgresql, terminate
from tests.gateway.accounting.test_settlement import generation
from tests.gateway.factory import usd

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[[Sequence[Any]], Sequence[Any]]


def lost() -> OperationalError:
    return OperationalError("the connection is lost")


class Line:
    """The line to the database, cut while a batch is written: before it arrives, or after it was committed."""

    def __init__(self, *cuts: str) -> None:
        self.cuts = list(cuts)
        self.attempts = 0
        self.is_down = False

    def __call__(self, operations: Sequence[Any]) -> Sequence[Any]:
        self.attempts += 1
        if self.is_down:
            raise lost()
        cut = self.cuts.pop(0) if self.cuts else ""
        if cut == "before":
            raise lost()
        results = settlement.write_batch(operations)
        if cut == "after":
            raise lost()
        return results


def admission(account: CreditAccount, number: int = 1) -> settlement.Admit:
    return settlement.Admit(
        generation=generation(account, number),
        prompt_cost=usd("0"),
        token_price=Decimal("0.000001"),
        requested_tokens=100,
        model_max_tokens=4000,
    )


def charge(account: CreditAccount, number: int = 1) -> settlement.Settle:
    return settlement.Settle(generation=generation(account, number, model="acme/one"), cost=usd("0.00005"))


def writer(write: Write) -> "BatchWriter[Any]":
    made: BatchWriter[Any] = BatchWriter(write, undo=settlement.undo)
    made.RETRY_SECONDS = 0.01
    return made


async def ended(used: "BatchWriter[Any]") -> None:
    await asyncio.to_thread(used.close)


async def books(account: CreditAccount) -> tuple[int, int, int, int]:
    """Usage and held of the account, and the numbers of holds and generations, which agree."""

    def read() -> tuple[int, int, int, int]:
        account.refresh_from_db()
        assert [str(fault) for fault in faults()] == []
        return account.usage, account.held, Hold.objects.count(), Generation.objects.count()

    return await database.run(read)


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_batch_whose_connection_is_lost_is_written_again_once(account, cut):
    line = Line(cut, "", cut)
    used = writer(line)
    admitted = await used.submit(admission(account))
    assert admitted.hold == usd("0.0001")
    assert await books(account) == (0, usd("0.0001"), 1, 0)
    settled = await used.submit(charge(account))
    assert (settled.cost, settled.balance) == (usd("0.00005"), usd("9.99995"))
    assert await books(account) == (usd("0.00005"), 0, 0, 1)
    await ended(used)


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_an_admission_is_refused_while_the_database_is_away_and_leaves_no_hold(account, cut):
    line = Line(cut, "before")
    used = writer(line)
    with pytest.raises(ServiceUnavailable):
        await used.submit(admission(account))
    # With the next operation the hold, which may have been written, is gone.
    assert (await used.submit(admission(account, 2))).hold == usd("0.0001")
    assert await books(account) == (0, usd("0.0001"), 1, 0)
    assert line.attempts >= 3
    await ended(used)


async def test_a_charge_waits_for_the_database_and_is_written_when_it_is_back(account):
    line = Line()
    used = writer(line)
    await used.submit(admission(account))
    line.is_down = True
    waiting = used.submit(charge(account))
    for number in (2, 3):
        with pytest.raises(ServiceUnavailable):
            await used.submit(admission(account, number))
    assert not waiting.done()
    line.is_down = False
    assert (await waiting).cost == usd("0.00005")
    assert await books(account) == (usd("0.00005"), 0, 0, 1)
    await ended(used)


async def test_a_writer_that_ends_while_the_database_is_away_says_what_is_lost(account, caplog):
    line = Line()
    line.is_down = True
    used = writer(line)
    waiting = used.submit(charge(account))
    await ended(used)
    with pytest.raises(ServiceUnavailable):
        await waiting
    assert "1 writes are lost" in caplog.text


async def test_a_bad_operation_still_fails_alone(account):
    used = writer(settlement.write_batch)
    bad = settlement.Settle(generation=generation(account, 2, source=None), cost=usd("0.00005"))
    good, wrong = used.submit(charge(account)), used.submit(bad)
    assert (await good).cost == usd("0.00005")
    with pytest.raises(IntegrityError):
        await wrong
    await ended(used)


async def test_the_heartbeat_follows_at_once_when_the_database_is_back():
    beats: list[int] = []

    def beat() -> None:
        beats.append(len(beats))
        if len(beats) < 4:
            raise lost()

    used: BatchWriter[Any] = BatchWriter(lambda operations: operations, periodic=beat, period_seconds=3600)
    used.RETRY_SECONDS = 0.01
    used.start()
    for _ in range(1000):
        if len(beats) == 4:
            break
        await asyncio.sleep(0.01)
    assert await used.submit("anything") == "anything"
    await ended(used)
    assert beats == [0, 1, 2, 3]


@needs_postgresql
async def test_a_connection_that_ended_while_the_writer_was_idle_costs_no_request(account):
    backends: list[int] = []

    def write(operations: Sequence[Any]) -> Sequence[Any]:
        results = settlement.write_batch(operations)
        backends.append(connection.connection.info.backend_pid)
        return results

    used = writer(write)
    for number in (1, 2, 3):
        assert (await used.submit(admission(account, number))).hold == usd("0.0001")
        await asyncio.to_thread(terminate, backends[-1:])
    assert len(set(backends)) == 3
    assert await books(account) == (0, usd("0.0003"), 3, 0)
    await ended(used)
