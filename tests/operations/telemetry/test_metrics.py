"""/metrics: what all processes have counted, for those who know the token."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from common.clock import utc_now
from common.telemetry import metrics
from gateway.accounting import measuring, settlement
from gateway.accounting.rows import GenerationRow
from gateway.routing import health
from gateway.routing.health import EndpointKey
from operations.models import FailingTask, Heartbeat
from operations.serving.probes import Probes
from operations.serving.shutdown import Shutdown
from operations.telemetry import exposition
from scripts.environment import ROOT
from tests.operations.conftest import METRICS_TOKEN, Operated
from tests.support.processes import wait_until

CHAT = "/api/v1/chat/completions"
MODEL = "openai/gpt-4o-mini"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(operated: Operated) -> Samples:
    response = httpx.get(f"{operated.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30)
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain; version=")
    return samples(response.text)


def quiet(operated: Operated) -> Samples:
    """The counts once every request is settled and counted, those of earlier tests too."""
    looks = [scrape(operated)]

    def total(name: str) -> float:
        """The last look's sum over all labels."""
        return sum(number for key, number in looks[-1].items() if key[0] == name)

    def is_quiet() -> bool:
        answered = total("openrouter_http_request_seconds_count")
        looks.append(scrape(operated))
        open_and_settled = "SELECT (SELECT count(*) FROM gateway_hold), (SELECT count(*) FROM gateway_generation)"
        return (
            operated.site.rows(open_and_settled) == [(0, total("openrouter_inference_requests_total"))]
            and total("openrouter_http_request_seconds_count") == answered
        )

    wait_until(is_quiet, "every request to be settled and counted")
    return looks[-1]


def test_the_file_of_a_process_that_is_just_starting_is_no_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(metrics, "FOLDER", tmp_path)
    (tmp_path / "counter_7.db").touch()
    assert generate_latest(metrics.registry()) == b""


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def ask(operated: Operated, **headers: str) -> httpx.Response:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "provider": {"only": ["openai"]}}
    headers = {"Authorization": f"Bearer {operated.key}", "Connection": "close", "X-Sandbox-Tokens": "3"} | headers
    return httpx.post(f"{operated.url}{CHAT}", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize(("token", "debug", "given", "status"), [
    ("", False, "", 404), ("", False, "Bearer ", 404), ("", True, "", 200),
    ("right", False, "", 401), ("right", False, "Bearer wrong", 401), ("right", False, "Bearer right", 200),
    ("right", True, "", 401), ("right", True, "Bearer r\xefght", 401),
])  # fmt: skip
@pytest.mark.django_db(transaction=True)
async def test_only_a_scraper_with_the_token_sees_metrics(settings, token, debug, given, status):
    settings.METRICS_TOKEN, settings.DEBUG = token, debug
    transport = httpx.ASGITransport(Probes(Shutdown(lambda: False)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        headers = {"Authorization": given.encode("latin-1")} if given else {}
        assert (await client.get("/metrics", headers=headers)).status_code == status


def test_every_requests_tokens_and_cost_are_counted_over_all_processes(operated):
    before = quiet(operated)
    completions = [ask(operated).json() for _ in range(12)]  # new connections: both processes serve some
    after = quiet(operated)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    usage = [completion["usage"] for completion in completions]
    assert grown("openrouter_inference_requests_total", source="api", provider="openai", outcome="ok") == 12
    assert grown("openrouter_tokens_total", provider="openai", kind="prompt") == sum(u["prompt_tokens"] for u in usage)
    assert grown("openrouter_cost_usd_total", provider="openai") == pytest.approx(sum(u["cost"] for u in usage))
    assert grown("openrouter_http_requests_total", surface="inference", status="200") == 12
    assert grown("openrouter_http_request_seconds_count", surface="inference") == 12
    assert grown("openrouter_inference_seconds_bucket", source="api", le="+Inf") == 12
    assert value(after, "openrouter_database_up") == 1
    assert value(after, "openrouter_holds_open") == 0
    for queue in ("emails", "events", "dead_holds"):
        assert ("openrouter_queue_age_seconds", (("queue", queue),)) in after


def test_the_silence_of_each_queue_is_its_own(settings, transactional_db, clock):
    settings.QUEUES = ("celery", "mail", "new")
    Heartbeat.objects.create(name="celery", seen_at=utc_now())
    clock.advance(minutes=10)
    Heartbeat.objects.create(name="mail", seen_at=utc_now())
    clock.advance(seconds=30)
    found = samples(exposition.exposition().decode())
    name = "openrouter_worker_silent_seconds"
    silent = {labels[0][1]: seconds for (metric, labels), seconds in found.items() if metric == name}
    assert silent == {"celery": 630, "mail": 30, "new": float("inf")}


def test_the_failures_of_each_task_of_the_clock_are_its_own(db):
    failing = "gateway.tasks.drop_old_requests"
    FailingTask.objects.create(name=failing, since=utc_now(), failures=3, error="OSError")
    found = samples(exposition.exposition().decode())
    name = "openrouter_task_failures"
    failures = {labels[0][1]: number for (metric, labels), number in found.items() if metric == name}
    assert failures[failing] == 3 and failures["billing.tasks.sweep_purchases"] == 0
    assert sum(failures.values()) == 3


def test_errors_are_counted_by_kind_and_failed_attempts_by_provider(operated):
    before = quiet(operated)
    assert ask(operated, **{"X-Sandbox-Fault": "500"}).status_code == 502
    assert ask(operated, Authorization="Bearer sk-or-v1-wrong").status_code == 401
    after = quiet(operated)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("openrouter_provider_failures_total", provider="openai", status="500") == 1
    assert grown("openrouter_inference_errors_total", kind="provider_unavailable") == 1
    assert grown("openrouter_inference_errors_total", kind="authentication") == 1
    assert grown("openrouter_inference_requests_total", source="api", provider="none", outcome="error") == 1


def test_labels_hold_nothing_that_a_client_writes(operated):
    hostile = "quux-hostile"
    httpx.get(f"{operated.url}/{hostile}/{hostile}?x={hostile}", timeout=60)
    httpx.request("PURGE", f"{operated.url}/{hostile}", headers={"User-Agent": hostile}, timeout=60)
    httpx.post(
        f"{operated.url}{CHAT}",
        json={"model": hostile},
        headers={"Authorization": f"Bearer {operated.key}"},
        timeout=60,
    )
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    text = httpx.get(f"{operated.url}/metrics", headers=headers, timeout=60).text
    assert hostile not in text and "PURGE" not in text


def test_a_providers_odd_status_has_no_label_of_its_own():
    failed = [{"provider": "odd", "status": 299}, {"provider": "odd", "status": 429}]
    row = GenerationRow(
        id="gen-x", account_id=1, source="api", requested_model="x",
        created_at=datetime.now(UTC), failed_attempts=failed,
    )  # fmt: skip
    measuring.count([row])
    assert measuring._failures("odd", "other")._value.get() >= 1
    assert measuring._failures("odd", "429")._value.get() >= 1


COUNT = """
import json, sys
from prometheus_client import generate_latest
from common.telemetry import metrics
metrics.TOKENS.labels("restarted", "prompt").inc(5)
metrics.POOL.labels("open").set(3)
print(metrics._slot(), flush=True)
for line in sys.stdin:
    print(json.dumps(generate_latest(metrics.registry()).decode()), flush=True)
"""


class Counting:
    """A process that has counted 5 tokens, with 3 open connections."""

    def __init__(self, folder: Path) -> None:
        env = {"PATH": "", "DJANGO_SETTINGS_MODULE": "openrouter_site.settings", "DATA_DIR": str(folder)}
        command, pipe = [sys.executable, "-c", COUNT], subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        self.slot = self.process.stdout.readline()

    def read(self) -> tuple[float, float]:
        """The tokens and the open connections of all processes."""
        print("read", file=self.process.stdin, flush=True)
        found = samples(json.loads(self.process.stdout.readline()))
        tokens = value(found, "openrouter_tokens_total", provider="restarted", kind="prompt")
        return tokens, value(found, "openrouter_database_pool", state="open")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_counts_survive_a_kill_and_slots_are_reused_but_a_dead_process_has_no_connections(tmp_path):
    first, second = Counting(tmp_path), Counting(tmp_path)
    try:
        assert first.slot != second.slot
        assert second.read() == (10, 6)
        first.kill()
        assert second.read() == (10, 3)
        third = Counting(tmp_path)
        assert third.slot == first.slot
        assert third.read() == (15, 6)
        third.kill()
    finally:
        second.kill()


FORK = """
import os
from common.telemetry import metrics
metrics.TOKENS.labels("forked", "prompt").inc(5)
reader, writer = os.pipe()
if not (child := os.fork()):
    metrics.TOKENS.labels("forked", "prompt").inc(2)
    os.write(writer, metrics._slot().encode())
    os._exit(0)
os.waitpid(child, 0)
print(metrics._slot(), os.read(reader, 9).decode())
total = metrics.registry().get_sample_value("openrouter_tokens_total", {"provider": "forked", "kind": "prompt"})
print(total)
"""


def test_a_fork_counts_in_a_slot_of_its_own(tmp_path):
    env = {"PATH": "", "DJANGO_SETTINGS_MODULE": "openrouter_site.settings", "DATA_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", FORK], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "1", "7.0"]


def test_the_states_of_endpoints_are_counted_by_provider_with_the_heartbeat(transactional_db):
    health.tracker.clear()
    health.tracker.record_failure(EndpointKey("acme/one", "acme"), 500)
    settlement.queue._heartbeat()
    found = samples(generate_latest(metrics.registry()).decode())
    states = {
        state: value(found, "openrouter_endpoints", provider="acme", state=state) for state in metrics.ENDPOINT_STATES
    }
    assert states == {"ok": 0, "degraded": 0, "down": 0, "failing": 1}
    health.tracker.clear()
