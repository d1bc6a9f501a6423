"""The inference service of a process: its start, and the clock that it measures with."""

import asyncio
import itertools

from asgiref.sync import sync_to_async
from django.db import connections

from gateway.accounting import settlement
from gateway.completions import InferenceService, service
from gateway.events import Billed, Delta
from gateway.models import EndpointMinute, GatewayProcess
from tests.gateway.test_disconnects import caller, request


async def test_start_sends_a_heartbeat_before_the_first_request(transactional_db):
    queue = settlement.SettlementQueue()
    heartbeat = asyncio.Event()
    loop = asyncio.get_running_loop()
    heard = []

    def callback(process_id, now):
        heard.append((process_id, now))
        loop.call_soon_threadsafe(heartbeat.set)

    queue.on_heartbeat(callback)
    own = InferenceService(settlements=queue)
    own.start()
    await asyncio.wait_for(heartbeat.wait(), 30)
    process = await GatewayProcess.objects.aget()
    assert heard == [(settlement.PROCESS_ID, process.seen_at)]
    await own.drain()
    await sync_to_async(connections.close_all)()


async def test_the_heartbeat_stores_endpoint_health(api):
    await api.chat(tokens=2)
    await service.drain()
    service.start()  # a new thread, whose first work is a heartbeat
    for _ in range(1500):
        if await EndpointMinute.objects.aexists():
            break
        await asyncio.sleep(0.02)
    minute = await EndpointMinute.objects.aget()
    assert (minute.process_id, minute.model, minute.tag, minute.ok) == (settlement.PROCESS_ID, "acme/one", "cheap", 1)


async def test_latency_and_duration_are_measured_with_the_services_clock(api):
    timed = InferenceService(clock=itertools.count().__next__)  # a second passes with each look
    alice = await caller(api, **{"X-Sandbox-Tokens": "5", "X-Sandbox-Delay": "0"})
    events = [event async for event in timed.stream(alice, request())]
    row = await api.generation()
    deltas = sum(isinstance(event, Delta) for event in events)
    assert row.upstream_latency_ms == 1_000  # from the second look to the third
    assert row.latency_ms == 2_000  # from the first to the third
    assert row.duration_ms == (3 + deltas) * 1_000
    assert isinstance(events[-1], Billed)
    assert (events[-1].latency_ms, events[-1].duration_ms) == (row.latency_ms, row.duration_ms)
    await timed.drain()
