"""Clients that leave: what was produced is paid, nothing stays held."""

import asyncio
from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation, User
from gateway import completions
from gateway.accounting import settlement
from gateway.events import Delta
from gateway.models import Generation, Hold
from tests.gateway import factory


async def caller(api, **headers):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    user = await User.objects.aget(personal_organisation=organisation)
    sandbox = {"X-Sandbox-Session": api.session, **headers}
    return await completions.chat_caller(user, organisation, sandbox_headers=sandbox)


def request(**body):
    """To the cheap provider, which stops when it is left."""
    messages = [{"role": "user", "content": "Go"}]
    return completions.parse(
        {"model": "acme/one", "messages": messages, "stream": True, "provider": {"sort": "price"}} | body
    )


async def read(api, pieces: int, begun: asyncio.Event | None = None, **headers) -> None:
    """Read that many pieces of an answer of 200 tokens (2 s), then leave; `begun` is set by the first one."""
    who = await caller(api, **{"X-Sandbox-Tokens": "200", "X-Sandbox-Delay": "0.01", **headers})
    seen = 0
    async with aclosing(completions.stream(who, request())) as events:
        async for event in events:
            seen += isinstance(event, Delta)
            if seen and begun:
                begun.set()
            if seen == pieces:
                return


async def test_leaving_while_the_hold_is_written_releases_it(api, monkeypatch):
    begun, admit = asyncio.Event(), settlement.admit

    def observed(operation: settlement.Admit) -> asyncio.Future[settlement.Admission]:
        begun.set()
        return admit(operation)

    monkeypatch.setattr(settlement, "admit", observed)
    asking = asyncio.create_task(anext(completions.stream(await caller(api), request())))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    row = await api.generation()
    assert row.cancelled
    assert (row.cost, row.provider) == (0, "")
    assert row.hold > 0  # there was one
    assert await Hold.objects.acount() == 0
    await api.assert_books_balance()


async def test_leaving_a_provider_that_stops_costs_what_was_produced(api):
    await read(api, 10, **{"X-Sandbox-Delay": "0.1"})  # so slow that no busy machine hears the end of it
    row = await api.generation()
    assert row.cancelled
    assert 0 < row.completion_tokens < 200
    assert row.cost > 0
    await api.assert_books_balance()


async def test_leaving_a_provider_that_goes_on_costs_the_whole_answer(api):
    await sync_to_async(factory.endpoint)(
        await sync_to_async(factory.model)(), "cheap", factory.CHEAP, supports_cancel=False
    )
    await read(api, 20)
    row = await api.generation()
    assert row.cancelled
    assert row.completion_tokens == 200
    assert row.token_source == Generation.TokenSource.PROVIDER
    await api.assert_books_balance()


async def test_leaving_before_the_first_token_costs_nothing(api):
    who = await caller(api, **{"X-Sandbox-Fault": "*=hang"})
    task = asyncio.create_task(anext(completions.stream(who, request())))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await api.generation()
    assert (row.cost, row.cancelled) == (0, True)
    await api.assert_books_balance()


async def test_a_cancelled_reader_is_settled_like_one_who_leaves(api):
    begun = asyncio.Event()
    task = asyncio.create_task(read(api, 1_000, begun, **{"X-Sandbox-Delay": "0.1"}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await api.generation()
    assert row.cancelled
    assert row.cost > 0
    await api.assert_books_balance()
