"""Endpoint health: counted from traffic, shared by all processes, published with each model."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.models import EndpointMinute
from gateway.routing.health import EndpointKey, HealthBook, measured, percentiles, read

KEY = EndpointKey("acme/one", "a")


def test_percentiles_of_latencies_rise_and_those_of_speeds_fall():
    book = HealthBook()
    for value in range(1, 101):
        book.succeeded(KEY, latency_ms=value * 10, tokens=value * 10, seconds=10)
    ((_, minute),) = book._minutes.items()
    latency = percentiles(minute.latency)
    speed = percentiles(minute.speed, high_is_good=True)
    assert latency["p50"] == pytest.approx(500, rel=0.06)
    assert latency["p99"] == pytest.approx(990, rel=0.06)
    assert speed["p50"] == pytest.approx(50, rel=0.06)
    assert speed["p99"] == pytest.approx(2, rel=0.06)
    assert percentiles({}) is None


def test_what_the_caller_did_wrong_does_not_count_against_an_endpoint():
    book = HealthBook()
    for status in (400, 413, 422):
        book.failed(KEY, status)
    assert book.health().failing == frozenset()
    book.failed(KEY, 500)
    assert book.health().failing == {KEY}
    book.succeeded(KEY, 10, 5, 1)
    assert book.health().failing == frozenset()


def test_processes_add_up_and_a_second_exchange_changes_nothing(db):
    now = datetime.now(UTC)
    books = [HealthBook(), HealthBook()]
    for book in books:
        for _ in range(60):
            book.succeeded(KEY, 100, 50, 1)
        book.failed(KEY, 503)
        book.failed(KEY, 429)
    for number, book in enumerate(books):
        book.exchange(f"process {number}", now)
        book.exchange(f"process {number}", now)
    assert EndpointMinute.objects.count() in {2, 4}  # a minute may have ended in between
    known = read(now)[KEY]
    assert known.uptime == pytest.approx(100 * 120 / 122, abs=0.01)
    assert books[1].health().of(KEY).latency["p50"] == pytest.approx(100, rel=0.06)


def test_too_little_traffic_says_nothing_about_uptime(db):
    book = HealthBook()
    book.succeeded(KEY, 100, 50, 1)
    book.exchange("process", datetime.now(UTC))
    assert read(datetime.now(UTC))[KEY].uptime is None


def test_a_models_endpoints_publish_their_figures(db):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, ok, errors in ((1, 90, 10), (20, 200, 0), (600, 500, 200)):
        EndpointMinute.objects.create(
            process_id="p", model=KEY.model, tag=KEY.tag, minute=now - timedelta(minutes=ago), ok=ok, errors=errors,
            latency={"48": ok}, speed={"41": ok},
        )  # fmt: skip
    figures = measured(KEY.model, now)[KEY.tag]
    assert figures.uptime_5m == 90
    assert figures.uptime_30m == pytest.approx(100 * 290 / 300, abs=0.01)
    assert figures.uptime_1d == 79
    assert figures.latency_ms["p50"] == pytest.approx(97, abs=1)
    assert figures.tokens_per_second == pytest.approx(49.8, abs=0.5)


async def test_traffic_is_published_with_the_model(api):
    from asgiref.sync import sync_to_async

    from gateway.accounting import settlement
    from gateway.routing import health
    from models_catalog import measurements

    for _ in range(3):
        await api.chat(tokens=20)
    await sync_to_async(health.book.exchange)(settlement.PROCESS_ID, datetime.now(UTC))
    figures = (await sync_to_async(measurements.of)("acme/one"))["cheap"]
    assert figures.latency_ms["p50"] > 0
    assert figures.uptime_30m is None
