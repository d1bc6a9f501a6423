"""A terminated web process finishes the responses that are nearly done and settles the others."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.gateway.test_crash import POSTGRESQL, build_request
from tests.support.gates import Gate
from tests.support.processes import Process, Site, wait_until

LONG = {"X-Sandbox-Tokens": "2000", "X-Sandbox-Delay": "0.05"}
#: The first provider stops generating when the connection closes, the second goes on and bills everything.
MODELS = ("openai/gpt-4o-mini", "google/gemini-2.5-flash")


def read(site: Site, key: str, model: str, started: threading.Semaphore, **sandbox: str) -> str:
    """The text of a response, as far as it came."""
    text = ""
    with httpx.Client(timeout=60) as client:
        request = build_request(site, key, model, **sandbox)
        response = client.send(request, stream=True)
        try:
            for chunk in response.iter_text():
                if not text:
                    started.release()
                text += chunk
        except httpx.HTTPError:
            pass
    return text


def has_ended(process: Process) -> bool:
    """Whether the whole process group has ended: the shell in front ends before the web process."""
    try:
        process.is_alive()  # reaps the shell
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_terminated_process_finishes_short_responses_and_settles_long_ones(tmp_path):
    web = ("providers", "web")
    with Site(tmp_path, postgresql=POSTGRESQL, processes=web, SHUTDOWN_SECONDS="12") as site:
        key = json.loads(site.manage("demo_account", "--credits", "5", "--json"))["api_key"]
        started = threading.Semaphore(0)
        gate = Gate(site.providers_url, after=20)
        nearly_done = {"X-Sandbox-Tokens": "30", "X-Sandbox-Delay": "0"} | gate.headers
        streams = [(model, sandbox) for model in MODELS for sandbox in (nearly_done, LONG, LONG)]
        with ThreadPoolExecutor(len(streams)) as pool:
            responses = [pool.submit(read, site, key, model, started, **sandbox) for model, sandbox in streams]
            for _ in streams:
                assert started.acquire(timeout=60)
            os.killpg(site.processes["web"].pid, signal.SIGTERM)
            gate.open()
            wait_until(lambda: has_ended(site.processes["web"]), "the web process to end")
            texts = [response.result() for response in responses]
        ended = [text.endswith("data: [DONE]\n\n") for text in texts]
        assert ended == [sandbox is nearly_done for _, sandbox in streams]
        rows = site.rows("SELECT state, cancelled, completion_tokens > 0, cost > 0 FROM gateway_generation")
        assert len(rows) == len(streams)
        assert {row[0] for row in rows} == {"settled"}
        assert sum(bool(row[1]) for row in rows) == 4
        assert all(row[2] and row[3] for row in rows)
        assert site.rows("SELECT held FROM billing_creditaccount") == [(0,)]
        assert "All sums agree" in site.manage("reconcile_ledger")
