"""A terminated web process finishes the responses that are nearly done and settles the others."""

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.gateway.test_crash import POSTGRESQL, build_request
from tests.processes import Process, Site, wait_until

SHORT, LONG = 30, 2_000  # tokens, twenty a second
#: The first provider stops generating when the connection closes, the second goes on and bills everything.
MODELS = ("openai/gpt-4o-mini", "google/gemini-2.5-flash")


def read(site: Site, key: str, model: str, tokens: int, started: threading.Semaphore) -> str:
    """The text of a response, as far as it came."""
    text = ""
    with httpx.Client(timeout=60) as client:
        request = build_request(site, key, model, **{"X-Sandbox-Tokens": str(tokens), "X-Sandbox-Delay": "0.05"})
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
    with Site(tmp_path, postgresql=POSTGRESQL, processes=web, SHUTDOWN_SECONDS="8") as site:
        key = json.loads(site.manage("demo_account", "--credits", "5", "--json"))["api_key"]
        started = threading.Semaphore(0)
        streams = [(model, tokens) for model in MODELS for tokens in (SHORT, LONG, LONG)]
        with ThreadPoolExecutor(len(streams)) as pool:
            responses = [pool.submit(read, site, key, model, tokens, started) for model, tokens in streams]
            for _ in streams:
                assert started.acquire(timeout=60)
            terminated_at = time.monotonic()
            os.killpg(site.processes["web"].pid, signal.SIGTERM)
            wait_until(lambda: has_ended(site.processes["web"]), "the web process to end")
            assert time.monotonic() - terminated_at < 40
            texts = [response.result() for response in responses]
        ended = [text.endswith("data: [DONE]\n\n") for text in texts]
        assert ended == [tokens == SHORT for _, tokens in streams]
        rows = site.rows("SELECT state, cancelled, completion_tokens > 0, cost > 0 FROM gateway_generation")
        assert len(rows) == len(streams)
        assert {row[0] for row in rows} == {"settled"}
        assert sum(bool(row[1]) for row in rows) == 4
        assert all(row[2] and row[3] for row in rows)
        assert site.rows("SELECT held FROM billing_creditaccount") == [(0,)]
        assert "All sums agree" in site.manage("reconcile_ledger")
