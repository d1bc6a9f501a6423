"""A web process that dies in the middle of a response loses no money, neither the customer's nor the site's."""

import json
import os
import signal

import httpx

from tests.support.processes import Site, wait_until

#: The suite's PostgreSQL server, if it runs on one; each test creates a database of its own there.
POSTGRESQL = os.environ.get("DATABASE_URL", "")

MINUTES_LATER = """
from datetime import timedelta
from django.db.models import F
from gateway.models import GatewayProcess, Hold
from gateway.accounting.reaper import reap
ago = timedelta(minutes=5)
GatewayProcess.objects.filter(pk__in=Hold.objects.values("process_id")).update(seen_at=F("seen_at") - ago)
Hold.objects.update(created_at=F("created_at") - ago)
print(reap())
"""


def build_request(site: Site, key: str, model: str = "openai/gpt-4o-mini", **headers: str) -> httpx.Request:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    return httpx.Request(
        "POST",
        f"{site.url}/api/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}", **headers},
        json=body,
    )


def test_killing_the_web_process_mid_stream_releases_the_hold(tmp_path):
    web = ("providers", "web")
    with Site(tmp_path, postgresql=POSTGRESQL, processes=web, SANDBOX_PROVIDERS_SPEED="50") as site:
        key = json.loads(site.manage("demo_account", "--credits", "1", "--json"))["api_key"]
        with httpx.Client(timeout=30) as client:
            slow = client.send(
                build_request(site, key, **{"X-Sandbox-Tokens": "500", "X-Sandbox-Delay": "0.05"}), stream=True
            )
            lines = slow.iter_lines()
            assert sum("content" in next(lines) for _ in range(6)) >= 3
            assert site.rows("SELECT held > 0, usage FROM billing_creditaccount") == [(1, 0)]
            site.processes["web"].stop(signal.SIGKILL)
        site.start("web")
        site.processes["web"].wait_until_it_responds(site.url)
        with httpx.Client(timeout=30) as client:
            assert client.send(build_request(site, key)).status_code == 200
        wait_until(
            lambda: site.rows("SELECT count(*) FROM gateway_generation") == [(1,)],
            "the second request to be settled",
        )
        assert site.rows("SELECT count(*) FROM gateway_hold") == [(1,)]
        assert site.manage("shell", "--no-imports", "-c", MINUTES_LATER).strip().endswith("1")
        assert site.rows("SELECT held FROM billing_creditaccount") == [(0,)]
        assert "All sums agree" in site.manage("reconcile_ledger")
