"""Clients that disconnect: the tokens produced are charged, and no hold remains."""

import asyncio
from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation, User
from gateway import completions
from gateway.accounting import settlement
from gateway.events import Delta
from gateway.models import Generation, Hold
from gateway.steps import relay
from tests.gateway import factory


async def caller(api, **headers):
    """The caller of a chat message by alice, with headers for the sandbox."""
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    user = await User.objects.aget(personal_organisation=organisation)
    sandbox = {"X-Sandbox-Session": api.session, **headers}
    return await completions.chat_caller(user, organisation, sandbox_headers=sandbox)


def request(**body):
    """A streamed request to the cheap provider, which stops generating when the connection closes."""
    messages = [{"role": "user", "content": "Go"}]
    return completions.parse(
        {"model": "acme/one", "messages": messages, "stream": True, "provider": {"sort": "price"}} | body
    )


async def read(api, deltas: int, started: asyncio.Event | None = None, *, service=completions.service, **headers):
    """Read that many deltas of a response of 200 tokens (2 s), then leave; the first one sets `started`."""
    alice = await caller(api, **{"X-Sandbox-Tokens": "200", "X-Sandbox-Delay": "0.01", **headers})
    seen = 0
    async with aclosing(service.stream(alice, request())) as events:
        async for event in events:
            seen += isinstance(event, Delta)
            if seen and started:
                started.set()
            if seen == deltas:
                return


class WatchedQueue(settlement.SettlementQueue):
    """Says when a request asks for its hold."""

    def __init__(self) -> None:
        super().__init__()
        self.admitting = asyncio.Event()

    def admit(self, operation: settlement.Admit) -> "asyncio.Future[settlement.Admission]":
        self.admitting.set()
        return super().admit(operation)


async def test_disconnecting_while_the_hold_is_written_releases_it(api):
    queue = WatchedQueue()
    service = completions.InferenceService(settlements=queue)
    task = asyncio.create_task(anext(service.stream(await caller(api), request())))
    await queue.admitting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await api.generation()
    assert row.cancelled
    assert (row.cost, row.provider) == (0, "")
    assert row.hold > 0  # the hold had been written
    assert await Hold.objects.acount() == 0
    await api.assert_books_balance()
    await service.drain()


async def test_disconnecting_from_a_provider_that_stops_charges_the_tokens_so_far(api):
    await read(api, 10, **{"X-Sandbox-Delay": "0.1"})  # slow enough that even a busy machine cannot reach the end
    row = await api.generation()
    assert row.cancelled
    assert 0 < row.completion_tokens < 200
    assert row.cost > 0
    await api.assert_books_balance()


async def test_what_had_arrived_when_the_client_left_is_charged(api, monkeypatch):
    async def arrived(*given):
        """A response that is here to its end before any of it is read."""
        response = await open_stream(*given)
        batches = [batch async for batch in response.batches()]
        usage, response.usage, response.finished = response.usage, None, False

        async def next_batch():
            if batches:
                return batches.pop(0)
            response.usage, response.finished = usage, True
            return None

        response.next_batch = next_batch
        return response

    open_stream = relay.open_stream
    monkeypatch.setattr(relay, "open_stream", arrived)
    await read(api, 10)
    row = await api.generation()
    assert row.cancelled
    assert (row.completion_tokens, row.token_source) == (200, Generation.TokenSource.PROVIDER)
    await api.assert_books_balance()


@pytest.fixture
async def unstoppable(api) -> None:
    """The cheap provider goes on generating, and billing, after the connection closes."""
    model = await sync_to_async(factory.model)()
    await sync_to_async(factory.endpoint)(model, "cheap", factory.CHEAP, supports_cancel=False)


async def test_disconnecting_from_a_provider_that_goes_on_charges_the_whole_response(api, unstoppable):
    await read(api, 20)
    row = await api.generation()
    assert row.cancelled
    assert row.completion_tokens == 200
    assert row.token_source == Generation.TokenSource.PROVIDER
    await api.assert_books_balance()


async def test_an_abandoned_stream_is_read_for_a_limited_time(api, unstoppable):
    service = completions.InferenceService(drain_seconds=0.5)
    await read(api, 2, service=service, **{"X-Sandbox-Delay": "0.1"})  # 20 s
    row = await api.generation()
    assert row.cancelled
    assert 2 <= row.completion_tokens < 200
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert row.cost > 0
    await api.assert_books_balance()


async def test_shutdown_bills_an_abandoned_stream_by_the_tokens_so_far(api, unstoppable, settings):
    settings.SHUTDOWN_SECONDS = 4
    await read(api, 2, **{"X-Sandbox-Delay": "0.1"})  # 20 s
    assert await Hold.objects.acount() == 1
    await completions.service.drain()
    row = await api.generation()  # at once, unless the machine was too busy to settle it in these seconds
    assert row.cancelled
    assert 2 <= row.completion_tokens < 200
    await api.assert_books_balance()


async def test_disconnecting_before_the_first_token_costs_nothing(api):
    alice = await caller(api, **{"X-Sandbox-Fault": "*=hang"})
    task = asyncio.create_task(anext(completions.stream(alice, request())))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await api.generation()
    assert (row.cost, row.cancelled) == (0, True)
    await api.assert_books_balance()


async def test_a_cancelled_task_is_settled_like_a_disconnected_client(api):
    started = asyncio.Event()
    task = asyncio.create_task(read(api, 1_000, started, **{"X-Sandbox-Delay": "0.1"}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await api.generation()
    assert row.cancelled
    assert row.cost > 0
    await api.assert_books_balance()
