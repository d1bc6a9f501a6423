"""Endpoint health: counted from traffic, shared by all processes, published with each model."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from gateway.models import EndpointMinute
from gateway.routing.health import EndpointKey, HealthTracker, bucket, percentiles, read
from gateway.routing.published_health import published
from models_catalog.metrics.measured_days import MIN_ANSWERS

KEY = EndpointKey("acme/one", "a")


def test_percentiles_of_latencies_rise_and_those_of_throughputs_fall():
    latency = percentiles(Counter(bucket(value * 10) for value in range(1, 101)))
    throughput = percentiles(Counter(bucket(value) for value in range(1, 101)), high_is_good=True)
    assert latency["p50"] == pytest.approx(500, rel=0.06)
    assert latency["p99"] == pytest.approx(990, rel=0.06)
    assert throughput["p50"] == pytest.approx(50, rel=0.06)
    assert throughput["p99"] == pytest.approx(2, rel=0.06)
    assert percentiles({}) is None


def test_successes_are_measured_from_the_request_to_the_first_and_the_last_token(db):
    tracker = HealthTracker()
    for value in range(1, 101):
        tracker.record_success(KEY, latency_ms=value * 10, tokens=value * 10, seconds=10)
    tracker.sync("process", datetime.now(UTC))
    known = tracker.snapshot().of(KEY)
    assert known.latency["p50"] == pytest.approx(500, rel=0.06)
    assert known.throughput["p50"] == pytest.approx(50, rel=0.06)


def test_errors_of_the_caller_do_not_count_against_an_endpoint():
    tracker = HealthTracker()
    for status in (400, 413, 422):
        tracker.record_failure(KEY, status)
    assert tracker.snapshot().failing == frozenset()
    tracker.record_failure(KEY, 500)
    assert tracker.snapshot().failing == {KEY}
    tracker.record_success(KEY, 10, 5, 1)
    assert tracker.snapshot().failing == frozenset()


def test_processes_add_up_and_a_second_sync_changes_nothing(db):
    now = datetime.now(UTC)
    trackers = [HealthTracker(), HealthTracker()]
    for tracker in trackers:
        for _ in range(60):
            tracker.record_success(KEY, 100, 50, 1)
        tracker.record_failure(KEY, 503)
        tracker.record_failure(KEY, 429)
    for number, tracker in enumerate(trackers):
        tracker.sync(f"process {number}", now)
        tracker.sync(f"process {number}", now)
    assert EndpointMinute.objects.count() in {2, 4}  # a minute may have ended in between
    known = read(now)[KEY]
    assert known.uptime == pytest.approx(100 * 120 / 122, abs=0.01)
    assert trackers[1].snapshot().of(KEY).latency["p50"] == pytest.approx(100, rel=0.06)


def test_with_too_little_traffic_uptime_is_unknown(db):
    tracker = HealthTracker()
    tracker.record_success(KEY, 100, 50, 1)
    tracker.sync("process", datetime.now(UTC))
    assert read(datetime.now(UTC))[KEY].uptime is None


def test_a_models_endpoints_publish_their_figures(db):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, ok, errors in ((1, 90, 10), (20, 200, 0), (600, 500, 200)):
        EndpointMinute.objects.create(
            process_id="p", model=KEY.model, tag=KEY.tag, minute=now - timedelta(minutes=ago), ok=ok, errors=errors,
            latency={"48": ok}, throughput={"41": ok},
        )  # fmt: skip
    figures = published(KEY.model, now)[KEY.tag]
    assert figures.uptime_5m == 90
    assert figures.uptime_30m == pytest.approx(100 * 290 / 300, abs=0.01)
    assert figures.uptime_1d == 79
    assert figures.latency_ms["p50"] == pytest.approx(97, abs=1)
    assert figures.tokens_per_second == pytest.approx(49.8, abs=0.5)
    assert (figures.answers, figures.uptime_1h) == (290, figures.uptime_30m)
    assert figures.hour[-5:] == ("ok", "none", "none", "none", "warn")
    assert (len(figures.day), figures.day[-1], figures.day[-11]) == (24, "ok", "bad")


def test_latency_and_throughput_are_unknown_below_twenty_answers(db):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for ago, ok in ((1, MIN_ANSWERS - 1), (60, 1)):
        EndpointMinute.objects.create(
            process_id="p", model=KEY.model, tag=KEY.tag, minute=now - timedelta(minutes=ago), ok=ok,
            latency={"48": ok}, throughput={"41": ok},
        )  # fmt: skip
    figures = published(KEY.model, now)[KEY.tag]
    assert (figures.latency_ms, figures.throughput, figures.answers) == (None, None, MIN_ANSWERS - 1)
    assert figures.latency_ms_1d["p50"] and figures.throughput_1d["p99"] and figures.answers_1d == MIN_ANSWERS


async def test_traffic_is_published_with_the_model(api):
    from asgiref.sync import sync_to_async

    from gateway.accounting import settlement
    from gateway.routing import health
    from models_catalog.metrics import measurements

    for _ in range(MIN_ANSWERS):
        await api.chat(tokens=20)
    await sync_to_async(health.tracker.sync)(settlement.PROCESS_ID, datetime.now(UTC))
    figures = (await sync_to_async(measurements.of)("acme/one"))["cheap"]
    assert figures.latency_ms["p50"] > 0
    assert figures.uptime_30m is None
